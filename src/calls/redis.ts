import { Cluster, type ClusterOptions, type RedisOptions as Options, Redis } from 'ioredis'
import { addressesIn, type RedisSettings } from './redis-environment.ts'
import { type ScriptName, scripts } from './scripts.ts'
import { REDIS } from './times.ts'

/** What a script answers: JSON, and the call's hash (of claimDue one hash for each claim). */
type ScriptReply = [string, string[] | string[][]]
type Scripted = Record<ScriptName, (prefix: string, ...args: (string | number)[]) => Promise<ScriptReply>>
/** One Redis, the primary behind Sentinels, or a cluster: commands and scripts are the same, as all keys share a slot. */
export type Connection = (Redis | Cluster) & Scripted

/** `prompt` for webhooks, `patient` for the runner. */
export type Kind = 'prompt' | 'patient'

/** Maps are not wanted as objects; ioredis asks to be told in types as well. */
type RedisOptions = Omit<Options, 'replyMapping'>

const PROMPT_TRIES = 4

/**
 * Opens a connection. `patient` ones hold commands back until Redis returns; `prompt` ones fail at once, so that a sender
 * hears 503 instead of waiting. Both come back by themselves within a second of Redis, and find the new primary after a
 * failover. A command whose answer was lost, or that met a primary of yesterday, is sent again: every script is safe to
 * run twice.
 */
export function connect(settings: RedisSettings, kind: Kind, onError: (error: Error) => void): Connection {
  const redis = open(settings, kind)
  redis.on('error', onError)
  if (redis instanceof Redis) neverEnds(redis)
  return redis as Connection
}

function open(settings: RedisSettings, kind: Kind): Redis | Cluster {
  const { REDIS_URL, REDIS_CLUSTER } = settings
  if (REDIS_CLUSTER) return new Cluster(addressesIn(REDIS_CLUSTER) ?? [], clusterOptionsOf(settings, kind))
  return REDIS_URL ? new Redis(REDIS_URL, optionsOf(settings, kind)) : new Redis(optionsOf(settings, kind))
}

const retry = (attempt: number) => Math.min(attempt * REDIS.retryFirst, REDIS.retryLongest)

/** What every connection to a server has, wherever its address comes from. */
function shared(settings: RedisSettings, kind: Kind): RedisOptions {
  const { REDIS_USERNAME: username, REDIS_PASSWORD: password, REDIS_TLS } = settings
  return {
    connectionName: `awh-${kind}`,
    maxRetriesPerRequest: kind === 'patient' ? null : 1,
    connectTimeout: REDIS.connect,
    // A connection that died without saying so: only while an answer is awaited, idle ones are left alone.
    socketTimeout: REDIS.silence,
    ...(username ? { username } : {}),
    ...(password ? { password } : {}),
    ...(REDIS_TLS ? { tls: {} } : {}),
  }
}

/** What ioredis is told of one Redis, or of the primary behind Sentinels. */
export function optionsOf(settings: RedisSettings, kind: Kind): RedisOptions {
  const { REDIS_SENTINELS, REDIS_MASTER = 'mymaster', REDIS_SENTINEL_PASSWORD, REDIS_TLS } = settings
  const options: RedisOptions = {
    ...shared(settings, kind),
    scripts,
    enableOfflineQueue: kind === 'patient',
    retryStrategy: retry,
    // A primary that has become a replica: the new one is looked for, and the command is sent there.
    reconnectOnError: ({ message }) => (message.startsWith('READONLY') ? 2 : false),
  }
  if (!REDIS_SENTINELS) return options
  return {
    ...options,
    sentinels: addressesIn(REDIS_SENTINELS) ?? [],
    name: REDIS_MASTER,
    sentinelRetryStrategy: retry,
    // A Sentinel that hangs is passed over.
    sentinelCommandTimeout: REDIS.connect,
    ...(REDIS_SENTINEL_PASSWORD ? { sentinelPassword: REDIS_SENTINEL_PASSWORD } : {}),
    ...(REDIS_TLS ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
  }
}

/** What ioredis is told of a cluster. */
export function clusterOptionsOf(
  settings: RedisSettings,
  kind: Kind,
): Omit<ClusterOptions, 'redisOptions'> & { redisOptions: RedisOptions } {
  const patient = kind === 'patient'
  return {
    redisOptions: shared(settings, kind),
    scripts,
    enableOfflineQueue: patient,
    clusterRetryStrategy: retry,
    // A node that is gone is asked for elsewhere: as long as it takes, or about as long as a webhook has.
    maxRedirections: patient ? Infinity : PROMPT_TRIES,
    retryDelayOnFailover: REDIS.retryFirst,
    retryDelayOnClusterDown: REDIS.retryFirst,
    retryDelayOnTryAgain: REDIS.retryFirst,
    // Of two nodes that each name the other, during a failover: no circle without a pause.
    retryDelayOnMoved: REDIS.retryMoved,
    slotsRefreshInterval: REDIS.refresh,
    // A certificate is for the name, and not for the address that is behind it now.
    ...(settings.REDIS_TLS ? { dnsLookup: (name, found) => found(null, name) } : {}),
  }
}

/**
 * ioredis gives up for good when it cannot even try: when a Sentinel names no usable address. Nobody else would try again.
 */
function neverEnds(redis: Redis) {
  let opened = false
  redis.on('connecting', () => {
    opened = false
  })
  // A connection that was closed on purpose had been opened, or is said to be parting.
  redis.on('close', () => {
    opened = true
  })
  redis.on('end', () => {
    if (!opened && !parting.has(redis)) setTimeout(() => redis.connect().catch(() => {}), REDIS.retryLongest).unref()
  })
}

const parting = new WeakSet<Redis | Cluster>()

/** Closes a connection that may be down, busy or half open: politely within `boundMs`, by force after. */
export async function disconnect(redis: Connection, boundMs: number): Promise<void> {
  parting.add(redis)
  if (redis.status !== 'ready') return redis.disconnect()
  const bound = setTimeout(() => redis.disconnect(), boundMs)
  await redis.quit().catch(() => redis.disconnect())
  clearTimeout(bound)
}

/**
 * What INFO answers: of one Redis, or of each master of a cluster that can be asked. Rejects when the server that has
 * `key` does not answer.
 */
export async function infosOf(redis: Connection, key: string): Promise<string[]> {
  if (redis instanceof Redis) return [await redis.info()]
  await redis.exists(key)
  const asked = await Promise.allSettled(redis.nodes('master').map((node) => node.info()))
  return asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
}
