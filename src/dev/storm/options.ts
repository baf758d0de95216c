import { parseArgs } from 'node:util'

/** What a storm is told on the command line. Times in s, shares between 0 and 1. */
export interface StormOptions {
  leads: number
  instances: number
  kills: number
  redisKills: number
  /** How often an instance's connections to Redis drop, with the answers to what it asked last. */
  cuts: number
  /** Decides leads, faults, kill times and victims. */
  seed: number
  /** Leads posted per second. */
  rate: number
  /** LEASE and CALL_DEADLINE_SECONDS of the instances; everything else is derived from these two. */
  lease: number
  deadline: number
  /** BLAND_MAX_CONCURRENT. */
  concurrent: number
  /** Share of leads whose number is another lead's too. */
  siblings: number
  /** A folder: the instances' logs are kept in it, and all that the vendors saw. */
  logs?: string
}

const DEFAULTS = {
  leads: 3000,
  instances: 3,
  kills: 15,
  'redis-kills': 2,
  cuts: 30,
  seed: 1,
  rate: 20,
  lease: 10,
  deadline: 60,
  concurrent: 150,
  siblings: 0.02,
}
type Name = keyof typeof DEFAULTS

/** Reads `--leads 300 --seed 7 …`. Throws with one line that says what is wrong. */
export function readOptions(args: string[]): StormOptions {
  const known = Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, { type: 'string' as const }]))
  const { values } = parseArgs({ args, options: { ...known, logs: { type: 'string' } } })
  const given = values as Partial<Record<Name | 'logs', string>>
  const read = (name: Name): number => {
    const value = Number(given[name] ?? DEFAULTS[name])
    if (Number.isFinite(value) && value >= 0) return value
    throw new RangeError(`--${name} must be a number`)
  }
  return {
    leads: read('leads'),
    instances: Math.max(1, read('instances')),
    kills: read('kills'),
    redisKills: read('redis-kills'),
    cuts: read('cuts'),
    seed: read('seed'),
    rate: Math.max(1, read('rate')),
    lease: read('lease'),
    deadline: read('deadline'),
    concurrent: read('concurrent'),
    siblings: read('siblings'),
    ...(given.logs !== undefined && { logs: given.logs }),
  }
}
