import t from 'tap'
import type { Lead } from '../../src/calls/call.ts'
import type { Claim, Conclusion } from '../../src/calls/claim.ts'
import { EVENTS, type Event, FROM, type From, leadsTo, MOVES } from '../../src/calls/moves.ts'
import { redisFor } from '../stage.ts'
import { NO_PERMIT, NOT_INTERESTED, room, storeFor } from './store-stand.ts'

/*
 * The scripts against their own table: a call is brought into every state, every event happens to it there, and it has
 * to go where the table says, or to stay with its fence.
 */

const REFUSED: Conclusion = { ...NOT_INTERESTED, outcome: 'REFUSED', rule: 'number_refused', holdMs: 0 }
const NO_COMPLETION: Conclusion = { ...NOT_INTERESTED, outcome: 'NO_COMPLETION' }
const LATER = { reason: 'x', waitMs: 60_000 }
const DUE = { queued: 'due_dial', dialing: 'due_look', pending: 'due_look', delivering: 'due_deliver' } as const

/** "Not now" is one script: of a call that is delivering it defers the write, of the others the look. */
const SAME_SCRIPT: Partial<Record<Event, From[]>> = { look: ['delivering'], defer: ['dialing', 'pending'] }

t.test('every event, in every state', async (t) => {
  const stand = await storeFor(t, (await redisFor(t)).url, { maxConcurrent: 1000 })
  const { store, redis, keys } = stand
  let n = 0

  const hash = (id: string) => redis.hgetall(keys.call(id))
  /** The claim of whoever shows this fence. */
  const held = async (id: string, by: 'fence' | 'dial_fence' = 'fence') => {
    const { fence = '0', dial_fence: dialFence = fence } = await hash(id)
    return { call: { requestId: id }, fence: by === 'fence' ? fence : dialFence } as Claim
  }
  const bytes = Buffer.from('{}')

  /** A call in that state, which has no completion yet. */
  async function bring(from: From): Promise<{ id: string; callId: string; lead: Lead }> {
    const at = ++n
    const call = { id: `req-${at}`, callId: `call-${at}`, lead: stand.lead(at) }
    const { id } = call
    if (from === 'absent') return call
    if (from === 'queued') await store.admit(id, call.lead, 1, NO_PERMIT)
    else await stand.admitted(at)
    if (from === 'pending') await store.confirmDial(id, call.lead, 1, call.callId)
    if (!['delivering', 'completed', 'failed'].includes(from)) return call
    await store.conclude(await held(id), NO_COMPLETION, true)
    if (from === 'completed') await store.settle(await held(id), NO_COMPLETION)
    if (from === 'failed') await store.fail(await held(id), NO_COMPLETION, 'x', [], 1)
    return call
  }

  const isDue = async (id: string, from: From) => {
    if (from in DUE) await redis.zadd(keys[DUE[from as keyof typeof DUE]], 'XX', 0, id)
  }
  const claimAll = (dial: number) => store.claimDue(`op-${++n}`, 'i', room(dial, dial ? 0 : 1, dial ? 0 : 1))

  const happens: Record<Event, (call: Awaited<ReturnType<typeof bring>>, from: From) => Promise<unknown>> = {
    admit: ({ id, lead }) => store.admit(id, lead, 1, NO_PERMIT),
    refuse: async ({ id, lead }, from) => {
      await redis.sadd(keys.dnc, lead.phone)
      await isDue(id, from)
      await claimAll(1)
    },
    dial: async ({ id }, from) => {
      await isDue(id, from)
      await claimAll(1)
    },
    undial: async ({ id }) => store.undial(await held(id, 'dial_fence'), 'x', 60_000),
    turn_down: async ({ id }) => store.conclude(await held(id, 'dial_fence'), REFUSED, false),
    confirm: ({ id, lead, callId }) => store.confirmDial(id, lead, 1, callId),
    complete: ({ id, lead, callId }) => {
      const origin = { requestId: id, lead, dialedAt: Date.now(), store: keys.epoch.replace(/:epoch$/, '') }
      return store.takeCompletion(callId, id, bytes, { origin, writes: 1 })
    },
    copy: async ({ id, callId }, from) => {
      await redis.set(keys.call_id(callId), id)
      if (from !== 'absent') await redis.hset(keys.call(id), 'completion', callId)
      await store.takeCompletion(callId, id, bytes)
    },
    outdo: async ({ id, callId }, from) => {
      if (from !== 'absent') await redis.hset(keys.call(id), 'call_id', callId)
      await store.takeCompletion(`${callId}-second`, id, bytes)
    },
    share: async ({ id }, from) => {
      await redis.del(keys.due_dial)
      const first = await bring('dialing')
      await redis.sadd(keys.siblings(first.id), id)
      if (from !== 'absent') await redis.hset(keys.call(id), 'sibling_of', first.id)
      await store.conclude(await held(first.id), NO_COMPLETION, true)
    },
    claim: async ({ id }, from) => {
      await isDue(id, from)
      await claimAll(0)
    },
    look: async ({ id }) => store.lookLater(await held(id), { ...LATER, step: 'looked' }),
    conclude: async ({ id }) => store.conclude(await held(id), NO_COMPLETION, true),
    defer: async ({ id }) =>
      store.writeLater(await held(id), null, { ...LATER, done: [], writesLeft: 1, throttled: false }),
    settle: async ({ id }) => store.settle(await held(id), NOT_INTERESTED),
    fail: async ({ id }) => store.fail(await held(id), null, 'x', [], 1),
    poison: async ({ id }, from) => {
      if (from !== 'absent') await redis.hset(keys.call(id), { claims: 5, dialed_at_ms: 1 })
      await isDue(id, from)
      await claimAll(0)
    },
    replay: ({ id }) => store.replay(id),
  }

  for (const event of EVENTS) {
    const wrong: string[] = []
    for (const from of FROM) {
      if (SAME_SCRIPT[event]?.includes(from)) continue
      // Nobody stands in the way of those before.
      await redis.del(keys.due_dial, keys.due_look, keys.due_deliver)
      const call = await bring(from)
      const before = await hash(call.id)
      if ((before.state ?? 'absent') !== from) wrong.push(`${from} was not reached`)
      await happens[event](call, from)
      const { state = 'absent', fence } = await hash(call.id)
      const to = leadsTo(event, from)
      const moved = fence !== before.fence
      if (state !== (to ?? from) || moved !== (to !== null)) {
        wrong.push(`from ${from}: to ${state}${moved ? '' : ', not moved'}; the table says ${MOVES[event][from]}`)
      }
    }
    t.same(wrong, [], event)
  }
})
