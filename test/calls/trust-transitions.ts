import t from 'tap'
import type { Seen } from '../../src/calls/arguments.ts'
import { redisFor } from '../stage.ts'
import { NO_PERMIT, NOT_INTERESTED, PERMIT, room, storeFor } from './store-stand.ts'

/* Whether a store is believed when it says who may be dialed: pauses by themselves, what lifts them, and a store that is full. On a real Redis. */

const server = await redisFor(t)
const fresh = (): Seen => ({ epoch: 'e1', dials: 0, resumed: 0 })
type Stand = Awaited<ReturnType<typeof storeFor>>

const paused = ({ redis, keys }: Stand) => redis.hget(keys.control, 'paused_why')
const wary = async ({ redis, keys }: Stand) => Number(await redis.hget(keys.control, 'wary_until_ms')) > Date.now()
/** A call whose number may ring from now on. */
const dialed = async ({ store, admitted }: Stand, n: number) => store.remember(await admitted(n))
/** What Redis holds of a store, to be put back later. */
async function backup({ redis, prefix }: Stand) {
  const names = await redis.keys(`${prefix}:*`)
  const dumps = await Promise.all(names.map(async (name) => [name, (await redis.dumpBuffer(name)) as Buffer] as const))
  return async () => {
    await redis.del(...(await redis.keys(`${prefix}:*`)))
    for (const [name, dump] of dumps) await redis.restore(name, 0, dump)
  }
}

t.test('an emptied store pauses by itself, and who resumes it makes it wary', async (t) => {
  const stand = await storeFor(t, server.url)
  const { store, redis, keys, lead, beside } = stand
  await stand.admitted(1)
  await redis.del(...(await redis.keys(`${stand.prefix}:*`)))
  const [first, second] = await stand.twice(() => store.claimDue('op-1', 'i', room()))
  t.match([first, second], [{ claims: [] }, { claims: [] }])
  t.equal(await paused(stand), 'store_emptied', 'noticed though nobody is to be dialed')
  t.match(await store.admit('req-2', lead(2), 1, PERMIT), { kind: 'new', claim: null, waitsFor: 'pause' })
  await store.takeCompletion('call-1', null, Buffer.from('{}'))
  t.match(await stand.stats(), { parked: '1' }, 'completions are taken')

  await stand.twice(() => store.resume())
  t.ok(await wary(stand))
  t.ok(Number(await redis.hget(keys.control, 'wary_until_ms')) - Date.now() > stand.times.line - 5000)
  for (const instance of [store, beside({ epoch: 'e1', dials: 99, resumed: 0 })]) {
    const { claims } = await instance.claimDue(`op-${Math.random()}`, 'i', room(5))
    t.ok(claims.every((claim) => claim.standing?.wary))
    t.equal(await paused(stand), null, 'every instance believes it again, whatever it saw before')
  }
  t.match(await store.admit('req-3', lead(3), 1, PERMIT), { claim: { standing: { wary: true } } })
  await redis.hset(keys.control, 'wary_until_ms', Date.now() - 1)
  t.match(await store.admit('req-4', lead(4), 1, PERMIT), { claim: { standing: { wary: false } } })
  await store.pause('lunch')
  await store.resume()
  t.notOk(await wary(stand), 'an ordinary pause makes nobody wary')
})

t.test('another epoch is another store, unless somebody vouched for it', async (t) => {
  const stand = await storeFor(t, server.url)
  await stand.redis.set(stand.keys.epoch, 'e2')
  await stand.store.claimDue('op-1', 'i', room())
  t.equal(await paused(stand), 'store_emptied')
  await stand.store.vouch()
  t.equal(await paused(stand), 'store_emptied', 'a start does not lift what an accident caused')
  await stand.store.resume()
  await stand.store.claimDue('op-2', 'i', room())
  t.match([await paused(stand), stand.seen.epoch], [null, 'e2'])
})

t.test('a store that lost its last dials pauses', async (t) => {
  const stand = await storeFor(t, server.url)
  await dialed(stand, 1)
  const putBack = await backup(stand)
  const stale = { ...stand.seen }
  await dialed(stand, 2)
  t.match(stand.seen, { dials: 2 })
  await putBack()
  await stand.beside(stale).claimDue('op-1', 'i', room())
  t.equal(await paused(stand), null, 'an instance that saw less cannot know')
  await stand.store.claimDue('op-2', 'i', room(5))
  t.equal(await paused(stand), 'store_rolled_back')
  await stand.store.resume()
  t.ok(await wary(stand))
  await stand.store.claimDue('op-3', 'i', room())
  t.equal(await paused(stand), null, 'and what was vouched for is the new mark')
  t.match(stand.seen, { dials: 0 })
})

t.test('a failover that lost dials which had rung nobody is no reason to pause', async (t) => {
  const stand = await storeFor(t, server.url)
  await dialed(stand, 1)
  const putBack = await backup(stand)
  await stand.admitted(2)
  await putBack()
  await stand.store.claimDue('op-1', 'i', room(5))
  t.equal(await paused(stand), null)
})

t.test('a store that lost a resume pauses too', async (t) => {
  for (const how of ['resumed', 'emptied'] as const) {
    const stand = await storeFor(t, server.url)
    await stand.admitted(1)
    await stand.store.resume()
    await stand.store.claimDue('op-1', 'i', room())
    const putBack = await backup(stand)
    if (how === 'emptied') await stand.redis.del(...(await stand.redis.keys(`${stand.prefix}:*`)))
    await stand.store.resume()
    await stand.store.claimDue('op-2', 'i', room())
    await putBack()
    await stand.store.claimDue('op-3', 'i', room())
    t.equal(await paused(stand), 'store_rolled_back', `an older backup of a store that was ${how}`)
    await stand.store.resume()
    await stand.store.claimDue('op-4', 'i', room())
    t.equal(await paused(stand), null)
  }
})

t.test('a resume is believed, whatever the clock says', async (t) => {
  const stand = await storeFor(t, server.url)
  await stand.redis.hset(stand.keys.control, 'resumed_at_ms', Date.now() + 3_600_000)
  await stand.store.claimDue('op-1', 'i', room())
  await stand.redis.hdel(stand.keys.control, 'resumed_at_ms')
  await stand.store.claimDue('op-2', 'i', room())
  t.equal(await paused(stand), 'store_rolled_back')
  await stand.store.resume()
  await stand.store.claimDue('op-3', 'i', room())
  t.equal(await paused(stand), null)
})

t.test('an answer that comes late does not set back what was seen', async (t) => {
  const stand = await storeFor(t, server.url)
  const early = stand.redis.claimDue
  const answers: (() => void)[] = []
  stand.redis.claimDue = async (...args) => {
    const answer = await early.call(stand.redis, ...args)
    await new Promise<void>((resolve) => answers.push(resolve))
    return answer
  }
  const late = stand.store.claimDue('op-1', 'i', room())
  await t.resolves(stand.redis.ping())
  stand.redis.claimDue = early
  await stand.store.resume()
  await dialed(stand, 1)
  const { ...seen } = stand.seen
  t.match(seen, { dials: 1 })
  answers[0]?.()
  await late
  t.same(stand.seen, seen)
})

t.test('an operator’s pause hides neither that the store is in doubt nor how it came', async (t) => {
  const stand = await storeFor(t, server.url)
  await stand.redis.del(stand.keys.epoch)
  await stand.store.claimDue('op-1', 'i', room())
  await stand.store.pause('looking into it')
  t.equal(await paused(stand), 'looking into it')
  await stand.store.resume()
  t.ok(await wary(stand))

  const quick = await storeFor(t, server.url)
  await quick.redis.del(quick.keys.epoch)
  await quick.store.resume()
  t.ok(await wary(quick), 'nor does one who resumes before anybody noticed')
})

t.test('the first reason of a pause stands', async (t) => {
  const stand = await storeFor(t, server.url)
  const [one, two] = [await stand.admitted(1), await stand.admitted(2)]
  t.equal(await stand.store.undial(one, 'balance', 0, { pause: true }), true)
  await stand.twice(() => stand.store.undial(two, 'unauthorized', 0, { pause: true }))
  t.equal(await paused(stand), 'balance')
  t.match(await stand.hash('req-1'), { state: 'queued', waits_for: 'balance' })
  t.same((await stand.store.claimDue('op-1', 'i', room(5))).claims, [])
  t.equal(await stand.store.undial({ ...one, fence: '0' }, 'unauthorized', 0, { pause: true }), false)
  await stand.store.resume()
  t.notOk(await wary(stand))
  t.equal((await stand.store.claimDue('op-2', 'i', room(5))).claims.length, 2, 'and both are due at once')
})

t.test('a new store dials nobody until somebody vouches for it, and two that start at once agree', async (t) => {
  const stand = await storeFor(t, server.url)
  await stand.redis.del(stand.keys.epoch)
  const unread: Seen = { ...fresh(), epoch: null }
  t.match(await stand.beside(unread).admit('req-1', stand.lead(1), 1, PERMIT), { claim: null, waitsFor: 'epoch' })
  t.equal(await paused(stand), null, 'who has not asked yet cannot tell')
  const starting = [stand.beside({ ...unread }), stand.beside({ ...unread })]
  const empty = stand.beside({ ...fresh(), epoch: '' })
  await empty.claimDue('op-1', 'i', room())
  t.equal(await paused(stand), 'no_do_not_call_list')
  await Promise.all(starting.map((store) => store.vouch()))
  t.equal(await paused(stand), null)
  t.notOk(await wary(stand))
  const epoch = await stand.redis.get(stand.keys.epoch)
  t.equal(await stand.redis.hget(stand.keys.control, 'vouched_epoch'), epoch)
  t.equal((await empty.claimDue('op-2', 'i', room(5))).claims.length, 1, 'one that started before them as well')
})

t.test('in a full Redis calls still move towards their end', async (t) => {
  const full = await redisFor(t, {})
  const stand = await storeFor(t, full.url)
  const { store, redis, admitted, lead, delivering, state } = stand
  const fill = (maxmemory: '0' | '1') => redis.config('SET', 'maxmemory', maxmemory)
  const hand: typeof stand.hand = async (...call) => {
    await fill('0')
    return stand.hand(...call).finally(() => fill('1'))
  }
  const [one, two, three] = [await admitted(1), await admitted(2), await admitted(3)]
  const [four, five] = [await delivering(4), await delivering(5)]
  await store.admit('req-7', lead(7), 1, NO_PERMIT)
  await fill('1')
  await t.rejects(store.admit('req-6', lead(6), 1, PERMIT), /OOM/)
  await t.rejects(store.takeCompletion('call-1', 'req-1', Buffer.from('{}')), /OOM/)
  t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1'), { kind: 'pending' })
  t.equal(await store.undial(two, 'x', 0), true)
  t.equal(await store.lookLater(three, { step: 'looked', reason: 'x', waitMs: 0 }), true)
  t.equal(await store.conclude(await hand('look', 'req-3'), NOT_INTERESTED, true), true)
  t.equal(await store.settle(four, NOT_INTERESTED), true)
  const later = { reason: 'x', waitMs: 0, done: [], writesLeft: 1, throttled: false }
  t.equal(await store.writeLater(five, NOT_INTERESTED, later), true)
  t.equal(await store.fail(await hand('deliver', 'req-5'), NOT_INTERESTED, 'x', [], 1), true)
  t.equal(await store.replay('req-5'), 'yes')
  await store.pause('full')
  t.equal(await paused(stand), 'full')
  t.same(await Promise.all([1, 2, 3, 4, 5].map((n) => state(`req-${n}`))), [
    'pending',
    'queued',
    'delivering',
    'completed',
    'delivering',
  ])
  t.match(one.call, { state: 'dialing' })
})
