import { seeded } from '../seeded.ts'
import type { ConvosoDials, EndpointFaults } from './dials.ts'
import type { Endpoint } from './fields.ts'

export type FaultName = Exclude<keyof EndpointFaults, 'slow'>
const NAMES: FaultName[] = [
  'reset_before',
  'too_many',
  'server_error',
  'html',
  'empty',
  'success_false',
  'truncated',
  'reset_after',
]

/** What goes wrong with one request. */
export interface Trouble {
  name: FaultName | null
  waitMs: number
  faults: EndpointFaults
}

export interface FaultPicker {
  /** Draws the trouble of the next request about `subject`: the lead, or what stands for it. */
  next(endpoint: Endpoint, subject: string): Trouble
  /** Counts everybody's requests from 0 again. */
  restart(): void
  /** Gives one lead its own faults, in place of the endpoint's. */
  give(leadId: string, faults: Partial<Record<Endpoint, EndpointFaults>>): void
}

/** Chance is drawn per request of a subject, so concurrency between leads changes nothing. */
export function createFaultPicker(seed: number, dials: () => ConvosoDials): FaultPicker {
  const ever = new Map<string, number>()
  const sinceTurn = new Map<string, number>()
  const given = new Map<string, Partial<Record<Endpoint, EndpointFaults>>>()
  const tally = (counts: Map<string, number>, key: string) => {
    const count = (counts.get(key) ?? 0) + 1
    counts.set(key, count)
    return count
  }

  return {
    next(endpoint, subject) {
      const key = `${endpoint} ${subject}`
      const [count, all] = [tally(sinceTurn, key), tally(ever, key)]
      const chance = seeded(seed, `${key} #${all}`)
      const faults = given.get(subject)?.[endpoint] ?? dials()[endpoint]
      const lasts = (name: keyof EndpointFaults) => (faults[name]?.first ?? 0) >= count
      const hit = (name: keyof EndpointFaults) => chance.hits(faults[name]?.rate ?? 0)
      const slow = hit('slow') || lasts('slow')
      const byRate = NAMES.filter(hit)
      const byCount = NAMES.filter(lasts).sort((a, b) => (faults[a]?.first ?? 0) - (faults[b]?.first ?? 0))
      return { name: byCount[0] ?? byRate[0] ?? null, waitMs: slow ? (faults.slow?.ms ?? 0) : 0, faults }
    },
    restart: () => sinceTurn.clear(),
    give(leadId, faults) {
      given.set(leadId, faults)
    },
  }
}
