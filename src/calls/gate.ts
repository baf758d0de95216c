import type { Risk } from './redis-environment.ts'

/** What an operator has said of the Redis that calls are to live in. */
export interface Terms {
  accepted: ReadonlySet<Risk>
  production: boolean
  /** So many replicas must have a dial on record before anybody is rung. */
  replicas: number
}

const OLDEST_REDIS = [7, 0] as const

/** A field of what INFO answers; '' when it is not there. */
const field = (info: string, name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? ''
const keepsFile = (info: string) => field(info, 'aof_enabled') === '1'
const policy = (info: string) => field(info, 'maxmemory_policy') || 'unknown'
const once = (lines: string[]) => [...new Set(lines)]

/**
 * Why nobody may be dialed from these servers, `infos` being what INFO answers on each of them; empty when calls are safe
 * there, or what endangers them was accepted. Valkey passes: it calls itself redis_version 7.2.4.
 */
export function gateFaults(infos: string[], { accepted, production }: Omit<Terms, 'replicas'>): string[] {
  return once(
    infos.flatMap((info) => {
      const faults: string[] = []
      const [major = 0, minor = 0] = field(info, 'redis_version').split('.').map(Number)
      if (major < OLDEST_REDIS[0] || (major === OLDEST_REDIS[0] && minor < OLDEST_REDIS[1])) {
        faults.push(`redis ${field(info, 'redis_version')} is older than ${OLDEST_REDIS.join('.')}`)
      }
      if (policy(info) !== 'noeviction' && !accepted.has('eviction')) {
        faults.push(
          `redis may evict calls: maxmemory-policy is ${policy(info)}, not noeviction; REDIS_ACCEPT=eviction takes that risk`,
        )
      }
      if (production && !keepsFile(info) && !accepted.has('no_persistence')) {
        faults.push(
          'redis keeps no append-only file, and would forget calls when it restarts; REDIS_ACCEPT=no_persistence takes that risk',
        )
      }
      return faults
    }),
  )
}

/** What is lawful, and what an operator should hear at every start all the same. */
export function gateWarnings(infos: string[], { replicas }: Pick<Terms, 'replicas'>): string[] {
  return once(
    infos.flatMap((info) => {
      const warnings: string[] = []
      const connected = Number(field(info, 'connected_slaves'))
      if (policy(info) !== 'noeviction') {
        warnings.push(`Redis may evict calls: maxmemory-policy is ${policy(info)}. A call that is evicted is lost`)
      }
      if (!keepsFile(info)) {
        warnings.push(
          'Redis keeps no append-only file: a restart of it may forget calls that were accepted, and dials that were made',
        )
      }
      if (connected > 0 && replicas === 0) {
        warnings.push(
          'Redis has replicas, and REDIS_WAIT_REPLICAS is 0: a failover may forget a dial, and its number be dialed again',
        )
      }
      if (connected < replicas) {
        warnings.push(
          `Redis has ${connected} replicas, and REDIS_WAIT_REPLICAS is ${replicas}: nobody is dialed until it has them`,
        )
      }
      return warnings
    }),
  )
}
