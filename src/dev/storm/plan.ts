import { seeded } from '../seeded.ts'
import type { StormOptions } from './options.ts'

/** A lead, and when it is posted: ms after the start. */
export interface Sending {
  lead: { lead_id: string; list_id: string; phone_number: string; first_name: string; call_log_id?: string }
  encoding: 'json' | 'form'
  atMs: number
  /** Posted once more so many ms after it was taken; null: once only. */
  againMs: number | null
  /** No completion of its call is ever sent, and no look-up knows of it. */
  forgotten: boolean
}

/**
 * A kill -9 of an instance or of Redis, and how long until it is started again; or an instance's connections to Redis
 * drop, after so many ms without an answer. `atMs` after the start.
 */
export interface Blow {
  what: 'instance' | 'redis' | 'cut'
  atMs: number
  /** Which of the instances that live by then: the rest of a division. */
  victim: number
  ms: number
}

export interface Plan {
  sendings: Sending[]
  blows: Blow[]
}

/** Least and most `ms` of a blow. */
const LASTS = { instance: [300, 3000], redis: [500, 2500], cut: [5, 50] } as const

/** All that the seed decides beside the vendors' faults. Pure. */
export function planOf(options: StormOptions): Plan {
  const { leads, rate, kills, redisKills, cuts, seed } = options
  const sendings: Sending[] = []
  for (let n = 0; n < leads; n++) {
    const chance = seeded(seed, `lead ${n}`)
    const sibling = chance.hits(options.siblings) ? sendings[n - 1 - Math.floor(chance.next() * 10)] : undefined
    sendings.push({
      lead: {
        lead_id: String(700_000 + n),
        list_id: '333',
        phone_number: sibling?.lead.phone_number ?? phone(n),
        first_name: 'Ana',
        ...(chance.hits(0.1) && { call_log_id: String(8_000_000 + n) }),
      },
      encoding: chance.hits(0.5) ? 'form' : 'json',
      atMs: Math.round(((n + chance.next()) / rate) * 1000),
      againMs: chance.hits(0.03) ? Math.round(chance.between([0, 1000])) : null,
      // These last longest, so they come in the first half.
      forgotten: chance.hits(0.01) && n < leads / 2,
    })
  }
  const lastMs = (leads / rate) * 1000
  // One in each part of the time, so that they meet calls of every age and do not all come at once.
  const blows = (what: Blow['what'], count: number): Blow[] =>
    Array.from({ length: count }, (_, n) => {
      const chance = seeded(seed, `${what} ${n}`)
      return {
        what,
        atMs: Math.round(((n + chance.next()) / count) * lastMs),
        victim: Math.floor(chance.next() * 1000),
        ms: Math.round(chance.between(LASTS[what])),
      }
    })
  return { sendings, blows: [...blows('instance', kills), ...blows('redis', redisKills), ...blows('cut', cuts)] }
}

/** Nobody is ever called here: Bland is simulated. */
const AREAS = ['212', '310', '312', '415', '512', '617', '702', '718', '786', '917']
const phone = (n: number) => `+1${AREAS[Math.floor(n / 9000) % AREAS.length]}555${1000 + (n % 9000)}`
