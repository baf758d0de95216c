import type { Config } from '../config.ts'

/** What the environment says of Redis: exactly one of URL, SENTINELS and CLUSTER, when `redisFaults` found nothing. */
export type RedisSettings = Partial<
  Pick<
    Config,
    | 'REDIS_URL'
    | 'REDIS_SENTINELS'
    | 'REDIS_MASTER'
    | 'REDIS_CLUSTER'
    | 'REDIS_USERNAME'
    | 'REDIS_PASSWORD'
    | 'REDIS_SENTINEL_PASSWORD'
    | 'REDIS_TLS'
  >
>

type Environment = Record<string, string | undefined>

export const RISKS = ['eviction', 'no_persistence'] as const
/** A danger of a Redis that its operator may take knowingly. */
export type Risk = (typeof RISKS)[number]

const PLACES = ['REDIS_URL', 'REDIS_SENTINELS', 'REDIS_CLUSTER'] as const
const PAIR = /^(?:\[([\da-f:.]+)\]|([^\s:[\]@/]+)):(\d{1,5})$/i

/** The addresses in `host:port,host:port`, an IPv6 host in brackets; null when it says something else. */
export function addressesIn(list: string): { host: string; port: number }[] | null {
  const addresses = []
  for (const pair of list.split(',')) {
    const [, v6, name, digits] = PAIR.exec(pair.trim()) ?? []
    const host = v6 ?? name
    const port = Number(digits)
    if (!host || port < 1 || port > 65_535) return null
    addresses.push({ host, port })
  }
  return addresses
}

const wordsIn = (list = '') => list.split(',').map((word) => word.trim())

/** The risks that REDIS_ACCEPT takes. */
export const acceptedIn = (list?: string): ReadonlySet<Risk> =>
  new Set(RISKS.filter((risk) => wordsIn(list).includes(risk)))

/** How many replicas must have a dial on record before anybody is rung. */
export const replicasAwaited = (config: Pick<Config, 'REDIS_WAIT_REPLICAS' | 'REDIS_SENTINELS'>): number =>
  config.REDIS_WAIT_REPLICAS ?? (config.REDIS_SENTINELS ? 1 : 0)

/** Whether a cluster keeps all keys that begin so in one slot: redis.io, cluster specification, "Hash tags". */
const keepsTogether = (prefix: string) => /^[^{]*\{[^}]+\}/.test(prefix)

/** What the REDIS_ variables do not say, say twice, or cannot mean; a line each, none shows a value. */
export function redisFaults(env: Environment): string[] {
  const faults: string[] = []
  const { REDIS_URL, REDIS_SENTINELS, REDIS_CLUSTER, KEY_PREFIX = '{awh}' } = env
  const places = PLACES.filter((name) => env[name])
  if (!places.length) faults.push(`${PLACES[0]} is missing: it, ${PLACES[1]} or ${PLACES[2]} says where Redis is`)
  if (places.length > 1) faults.push(`${places.join(' and ')} are set: only one of them may say where Redis is`)
  for (const name of ['REDIS_SENTINELS', 'REDIS_CLUSTER'] as const) {
    if (env[name] && !addressesIn(env[name])) faults.push(`${name} must be host:port,host:port`)
  }
  for (const name of ['REDIS_MASTER', 'REDIS_SENTINEL_PASSWORD'] as const) {
    if (env[name] && !REDIS_SENTINELS) faults.push(`${name} is set, and means nothing without REDIS_SENTINELS`)
  }
  if (REDIS_CLUSTER && !keepsTogether(KEY_PREFIX)) {
    faults.push('KEY_PREFIX must have a hash tag, such as {awh}: a cluster would scatter the keys of one call')
  }
  const url = REDIS_URL ? URL.parse(REDIS_URL) : undefined
  if (url === null) faults.push('REDIS_URL is not a URL')
  if (url?.protocol === 'redis:' && env.REDIS_TLS === 'true') {
    faults.push('REDIS_TLS is set, and REDIS_URL says redis://: write rediss:// for TLS')
  }
  for (const name of ['REDIS_USERNAME', 'REDIS_PASSWORD'] as const) {
    if (env[name] && (url?.username || url?.password)) faults.push(`${name} is set, and REDIS_URL says who we are`)
  }
  if (env.REDIS_USERNAME && !env.REDIS_PASSWORD) {
    faults.push('REDIS_USERNAME is set, and means nothing without REDIS_PASSWORD')
  }
  if (env.REDIS_ACCEPT && !wordsIn(env.REDIS_ACCEPT).every((word) => RISKS.some((risk) => risk === word))) {
    faults.push(`REDIS_ACCEPT must be a list of ${RISKS.join(', ')}`)
  }
  return faults
}
