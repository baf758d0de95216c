import type { Test } from 'tap'
import type { Seen } from '../../src/calls/arguments.ts'
import type { E164, Lead } from '../../src/calls/call.ts'
import type { Budget, Conclusion } from '../../src/calls/claim.ts'
import { type Clock, systemClock } from '../../src/calls/clock.ts'
import { keysOf } from '../../src/calls/keys.ts'
import { connect, disconnect } from '../../src/calls/redis.ts'
import { createStore } from '../../src/calls/store.ts'
import { type Times, timesOf } from '../../src/calls/times.ts'
import { createViews } from '../../src/calls/views.ts'
import type { Config } from '../../src/config.ts'

/* A store of its own on a real Redis, for tests of single transitions. */

let prefixes = 0

const defaults = {
  BLAND_WEBHOOK_URL: 'https://calls.example.com/',
  LEASE: 15,
  BLAND_MAX_DURATION: 30,
  LINE_HOLD: 120,
  LINE_HOLD_TRANSFERRED: 4800,
}
const more = { COMPLETED_TTL: 1000, FAILED_TTL: 2000, RETRY_INITIAL_DELAY: 1000, RETRY_MAX_DELAY: 900_000 }
export const NOT_INTERESTED: Conclusion = {
  outcome: 'NOT_INTERESTED',
  rule: 'some_rule',
  evidence: 'transcript line 1',
  doNotCall: false,
  holdMs: 120_000,
}

/** A store of its own; `op` makes the next script run under that op id, as ioredis does when it sends a command again. */
export async function storeFor(t: Test, redisUrl: string, limits = {}, times: Partial<Times> = {}) {
  const prefix = `{store-${process.pid}-${++prefixes}}`
  const redis = connect({ REDIS_URL: redisUrl }, 'patient', () => {})
  t.teardown(() => disconnect(redis, 500))
  const keys = keysOf(prefix)
  await redis.set(keys.epoch, 'e1')
  let forced: string | undefined
  const clock: Clock = { ...systemClock, id: () => forced ?? systemClock.id() }
  const all = { ...timesOf({ ...defaults, ...more } as Config), ...times }
  const seen: Seen = { epoch: 'e1', dials: 0, resumed: 0 }
  const shared = {
    redis,
    prefix,
    times: all,
    limits: { maxConcurrent: 10, dialsPerSecond: 1_000_000, crmPerSecond: 1_000_000, ...limits },
    clock,
  }
  const store = createStore({ ...shared, seen })
  const lead = (n: number, phone = 2_125_550_100 + n): Lead => ({
    leadId: `lead-${n}`,
    listId: '1',
    phone: `+1${phone}` as E164,
    callLogId: null,
    fields: { first_name: 'Ana' },
  })
  const admitted = async (n: number, phone?: number) => {
    const admission = await store.admit(`req-${n}`, lead(n, phone), 1, PERMIT)
    if (admission.kind !== 'new' || !admission.claim) throw new Error(`not dialing: ${JSON.stringify(admission)}`)
    return admission.claim
  }
  const hand = async (budget: Budget, id: string) => {
    await redis.zadd(keys[`due_${budget}`], 1, id)
    const { claims } = await store.claimDue(systemClock.id(), 'hand', { ...room(), [budget]: 1 })
    if (claims[0]?.call.requestId !== id) throw new Error(`${id} cannot be claimed`)
    return claims[0]
  }
  return {
    store,
    seen,
    redis,
    keys,
    prefix,
    /** The store of another instance, which has seen this much of it. */
    beside: (saw: Seen) => createStore({ ...shared, seen: saw }),
    /** Makes a call due, and takes it in hand. */
    hand,
    /** Delivers what a call came to, as it is known by then. */
    settled: async (id: string, conclusion = NOT_INTERESTED) => store.settle(await hand('deliver', id), conclusion),
    /** What a call's hash holds. */
    hash: (id: string) => redis.hgetall(keys.call(id)),
    stats: () => redis.hgetall(keys.stats(today())),
    times: all,
    lead,
    /** A call in dialing, with the claim to dial it. */
    admitted,
    /** A call in delivering, with the claim to deliver it. */
    delivering: async (n: number) => {
      await admitted(n)
      const taken = await store.takeCompletion(`call-${n}`, `req-${n}`, Buffer.from('{}'))
      if (taken.kind !== 'new' || !taken.claim) throw new Error('not delivering')
      return taken.claim
    },
    state: async (id: string) => (await createViews(redis, prefix).find(id))?.call.state,
    steps: async (id: string) => (await createViews(redis, prefix).find(id))?.call.steps.map(({ what }) => what),
    /** Everything the store holds, to see that a repeated script changed nothing. */
    snapshot: async () => {
      const names = (await redis.keys(`${prefix}:*`)).sort()
      return Promise.all(names.map(async (name) => [name, (await redis.dumpBuffer(name))?.toString('hex')]))
    },
    async twice<T>(step: () => Promise<T>): Promise<[T, T]> {
      forced = systemClock.id()
      const first = await step()
      const before = await this.snapshot()
      const second = await step()
      t.same(await this.snapshot(), before, 'the second run changed nothing')
      forced = undefined
      return [first, second]
    },
  }
}

/** The caller can dial at once, and wants siblings to be told. */
export const PERMIT = { permit: true, siblings: true }
export const NO_PERMIT = { permit: false, siblings: true }
export const today = () => new Date().toISOString().slice(0, 10)
export const room = (dial = 0, look = 0, deliver = 0) => ({ dial, look, deliver })
