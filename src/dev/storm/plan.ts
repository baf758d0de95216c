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

/** A kill -9, and how long until what was killed is started again. Times in ms, `atMs` after the start. */
export interface Kill {
  atMs: number
  /** Of the instances that live by then, counted from 0; null: Redis. */
  victim: number | null
  downMs: number
}

export interface Plan {
  sendings: Sending[]
  kills: Kill[]
}

/** All that the seed decides beside the vendors' faults. Pure. */
export function planOf(options: StormOptions): Plan {
  const { leads, rate, kills, redisKills, seed } = options
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
      forgotten: chance.hits(0.005),
    })
  }
  const lastMs = (leads / rate) * 1000
  const kill = (name: string, n: number, count: number): Kill => {
    const chance = seeded(seed, `${name} ${n}`)
    // One in each part of the time, so that they meet calls of every age and do not all come at once.
    const atMs = Math.round(((n + chance.next()) / count) * lastMs)
    const victim = Math.floor(chance.next() * 1000)
    const isRedis = name === 'redis'
    return {
      atMs,
      victim: isRedis ? null : victim,
      downMs: Math.round(chance.between(isRedis ? [500, 2500] : [300, 3000])),
    }
  }
  return {
    sendings,
    kills: [
      ...Array.from({ length: kills }, (_, n) => kill('instance', n, kills)),
      ...Array.from({ length: redisKills }, (_, n) => kill('redis', n, redisKills)),
    ].sort((a, b) => a.atMs - b.atMs),
  }
}

/** Nobody is ever called here: Bland is simulated. */
const AREAS = ['212', '310', '312', '415', '512', '617', '702', '718', '786', '917']
const phone = (n: number) => `+1${AREAS[Math.floor(n / 9000) % AREAS.length]}555${1000 + (n % 9000)}`
