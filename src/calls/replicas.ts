import type { Claim } from './claim.ts'
import type { Clock } from './clock.ts'
import { keysOf } from './keys.ts'
import type { Connection } from './redis.ts'

/**
 * Tells whether the step into `dialing` is on enough replicas: a primary that is lost before it has passed the step on
 * takes it along, and the call would be dialed again. Never rejects; false whenever that is not certain.
 */
export type Witness = (claim: Claim) => Promise<boolean>

/**
 * A witness that asks for `count` replicas; when that is 0, Redis is not asked and the answer is yes. `redis` is a
 * connection of its own, for WAIT holds it up. Whoever comes meanwhile shares the next round, so that an answer takes
 * two `timeoutMs` at most.
 *
 * Replication is ordered: a replica that has a write of this round has everything that was written before it, by whatever
 * connection (https://redis.io/docs/latest/commands/wait/). The claim is read back in the same round, for it may have
 * been written to a primary that has been replaced since.
 */
export function createWitness(options: {
  redis: Connection
  prefix: string
  count: number
  timeoutMs: number
  clock: Clock
}): Witness {
  const { redis, prefix, count, timeoutMs, clock } = options
  const keys = keysOf(prefix)
  let waiting: Claim[] = []
  let under: Promise<unknown> = Promise.resolve()
  let next: Promise<boolean[]> | undefined

  async function round(claims: Claim[]): Promise<boolean[]> {
    const pipeline = redis
      .pipeline()
      .hincrby(keys.control, 'witness_rounds', 1)
      .wait(count, Math.ceil(timeoutMs / 2))
    for (const { call } of claims) pipeline.hmget(keys.call(call.requestId), 'fence', 'dialed_at_ms')
    const [written, waited, ...read] = (await pipeline.exec()) ?? []
    const enough = written?.[0] === null && Number(waited?.[1]) >= count
    return claims.map(({ fence, call }, i) => {
      const [now, dialedAt] = (read[i]?.[1] ?? []) as (string | null)[]
      return enough && now === fence && Number(dialedAt) === call.dialedAt
    })
  }

  /** The next round: sent when the one under way is over, with all claims that have come until then. */
  async function join(): Promise<boolean[]> {
    await under
    const claims = waiting
    waiting = []
    next = undefined
    const nobody = () => claims.map(() => false)
    const bound = new AbortController()
    const late = clock.delay(timeoutMs, bound.signal).then(nobody)
    const answer = Promise.race([round(claims).catch(nobody), late])
    under = answer.finally(() => bound.abort())
    return answer
  }

  return async function witness(claim) {
    if (count === 0) return true
    const place = waiting.push(claim) - 1
    next ??= join()
    return (await next)[place] ?? false
  }
}
