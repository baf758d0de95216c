import t from 'tap'
import type { Claim } from '../../src/calls/claim.ts'
import { redisFor } from '../stage.ts'
import { NOT_INTERESTED, PERMIT, room, storeFor, today } from './store-stand.ts'

/* The transitions of a call that is being delivered, one by one, on a real Redis: what each changes, refuses, and leaves alone when it runs twice. */

const server = await redisFor(t)

t.test('a decision needs the current fence', async (t) => {
  const { store, admitted, delivering, state } = await storeFor(t, server.url)
  const old = (claim: Claim) => ({ ...claim, fence: '0' })
  const dialing = await admitted(1)
  t.equal(await store.undial(old(dialing), 'x', 0), false)
  t.equal(await store.conclude(old(dialing), NOT_INTERESTED, true), false)
  t.equal(await store.lookLater(old(dialing), { step: 'looked', reason: 'x', waitMs: 0 }), false)
  const claim = await delivering(2)
  const later = { reason: 'x', waitMs: 0, done: [], writesLeft: 1, throttled: false }
  t.equal(await store.settle(old(claim), NOT_INTERESTED), false)
  t.equal(await store.fail(old(claim), NOT_INTERESTED, 'x', [], 1), false)
  t.equal(await store.writeLater(old(claim), NOT_INTERESTED, later), false)
  t.same([await state('req-1'), await state('req-2')], ['dialing', 'delivering'])
})

t.test('settle ends a call: line for the rest, everything else let go', async (t) => {
  const stand = await storeFor(t, server.url)
  const claim = await stand.delivering(1)
  const [first, second] = await stand.twice(() => stand.store.settle(claim, { ...NOT_INTERESTED, doNotCall: true }))
  t.same([first, second], [true, true])
  t.equal(await stand.state('req-1'), 'completed')
  const { redis, keys } = stand
  t.equal(await redis.exists(keys.lead('lead-1'), keys.phone('+12125550101'), keys.completion('call-1')), 0)
  t.equal(await redis.zcard(keys.due_deliver), 0)
  const rest = await redis.pttl(keys.line('+12125550101'))
  t.ok(rest > 115_000 && rest <= 120_000, `the number rests ${rest} ms`)
  t.equal(await redis.sismember(keys.dnc, '+12125550101'), 1)
  t.ok((await redis.pttl(keys.call('req-1'))) <= 1_000_000)
  const stats = await redis.hgetall(keys.stats(today()))
  t.match(stats, { admitted: '1', completed: '1', 'outcome.NOT_INTERESTED': '1' }, 'counted under the date of today')
})

t.test('settle works in a Redis that is full: it is what frees memory', async (t) => {
  const full = await redisFor(t, {})
  const { store, redis, delivering, admitted } = await storeFor(t, full.url)
  const claim = await delivering(1)
  await redis.config('SET', 'maxmemory', '1')
  await t.rejects(admitted(2), /OOM/)
  t.equal(await store.settle(claim, NOT_INTERESTED), true)
})

t.test('a call that ended without a completion leaves no mark that one was taken', async (t) => {
  const { store, redis, keys, lead, admitted } = await storeFor(t, server.url)
  await admitted(1)
  await store.confirmDial('req-1', lead(1), 1, 'call-1')
  await redis.zadd(keys.due_look, 1, 'req-1')
  const [look] = (await store.claimDue('op-1', 'i', room(0, 1))).claims
  await store.conclude(look as Claim, NOT_INTERESTED, true)
  const [claim] = (await store.claimDue('op-2', 'i', room(0, 0, 1))).claims
  await store.settle(claim as Claim, NOT_INTERESTED)
  await redis.del(keys.call('req-1'))
  t.match(await store.takeCompletion('call-1', 'req-1', Buffer.from('{}')), { kind: 'unknown' }, 'kept, not dropped')
})

t.test('settle touches nothing of another call', async (t) => {
  const { store, redis, keys, delivering } = await storeFor(t, server.url)
  const claim = await delivering(1)
  for (const key of [keys.lead('lead-1'), keys.phone('+12125550101'), keys.line('+12125550101')]) {
    await redis.set(key, 'req-other', 'PX', 5000)
  }
  await store.settle(claim, NOT_INTERESTED)
  for (const key of [keys.lead('lead-1'), keys.phone('+12125550101'), keys.line('+12125550101')]) {
    t.equal(await redis.get(key), 'req-other')
    t.ok((await redis.pttl(key)) <= 5000)
  }
  t.equal(await redis.sismember(keys.dnc, '+12125550101'), 0)
  await redis.zadd(keys.completed, 1, 'req-long-ago')
  await store.settle(await delivering(2), NOT_INTERESTED)
  t.same(await redis.zrange(keys.completed, 0, '-1'), ['req-1', 'req-2'], 'what has expired leaves the list')
})

t.test('a call waiting for a far-off time keeps all its keys a day longer than that', async (t) => {
  const { store, redis, keys, delivering } = await storeFor(t, server.url)
  const WEEK = 7 * 86_400_000
  const later = { reason: 'x', waitMs: WEEK, done: [], writesLeft: 1, throttled: false }
  await store.writeLater(await delivering(1), null, later)
  const names = [keys.call('req-1'), keys.lead('lead-1'), keys.phone('+12125550101'), keys.completion('call-1')]
  for (const key of names) t.ok((await redis.pttl(key)) > WEEK + 86_000_000, key)
})

t.test('writeLater keeps what is done and when it began to fail; fail and replay', async (t) => {
  const stand = await storeFor(t, server.url)
  const { store, redis, keys } = stand
  const claim = await stand.delivering(1)
  const later = { reason: 'busy', waitMs: 0, done: ['a/write'], writesLeft: 1, throttled: true }
  const deferred = await stand.twice(() => store.writeLater(claim, { ...NOT_INTERESTED, doNotCall: true }, later))
  t.same(deferred, [true, true])
  t.equal(await redis.sismember(keys.dnc, '+12125550101'), 1, 'an opt-out does not wait for the CRM')
  t.equal(await store.settle(claim, NOT_INTERESTED), false, 'whoever put it off has no claim any more')
  t.equal(await redis.hget(keys.control, 'crm_per_second'), '500000', 'throttled: half of the rate')
  const [again] = (await store.claimDue('op-1', 'i', room(0, 0, 5))).claims
  t.match(again, { call: { attempts: 1, done: ['a/write'], firstFailedAt: Number, lastError: 'busy' } })
  const failing = { ...NOT_INTERESTED, rule: 'another_rule' }
  const failed = await stand.twice(() => store.fail(again as Claim, failing, 'no_such_lead', ['a/write'], 1))
  t.same(failed, [true, true])
  t.match(await redis.hgetall(keys.call('req-1')), { last_error: 'no_such_lead', rule: 'another_rule' })
  t.match(await redis.hgetall(keys.stats(today())), { failed: '1' })
  t.same(await redis.zrange(keys.failed, 0, '-1'), ['req-1'])
  t.ok(
    (await redis.pttl(keys.completion('call-1'))) > 86_400_000 / 48 &&
      (await redis.pttl(keys.completion('call-1'))) <= stand.times.failedTtl,
  )
  t.equal(await stand.state('req-1'), 'failed')
  t.equal((await store.completionBytes('call-1'))?.toString(), '{}', 'its bytes are kept')
  t.equal(await redis.exists(keys.lead('lead-1')), 0, 'the lead may come again')
  const [replayed] = await stand.twice(() => store.replay('req-1'))
  t.equal(replayed, 'yes')
  t.equal(await redis.zcard(keys.failed), 0)
  const [third] = (await store.claimDue('op-2', 'i', room(0, 0, 5))).claims
  t.match(third, { call: { attempts: 0, firstFailedAt: null, done: ['a/write'] } })
  t.equal(await store.replay('req-1'), 'yes', 'while somebody writes it: only the curve starts anew')
  t.equal(await store.settle(third as Claim, NOT_INTERESTED), true, 'and the writer keeps its claim')
  t.equal(await store.replay('req-1'), 'no')
  t.equal(await store.replay('req-none'), 'unknown')
})

t.test('the rate is halved once a second at most, never below one, and grows back', async (t) => {
  const { store, redis, keys, delivering } = await storeFor(t, server.url, { crmPerSecond: 8 })
  const later = { reason: 'busy', waitMs: 0, done: [], writesLeft: 1, throttled: true }
  const rate = async () => Number(await redis.hget(keys.control, 'crm_per_second'))
  const throttle = async (n: number) => {
    // Nobody waits, and the next turn is at once.
    await redis.del(keys.due_deliver)
    await redis.hdel(keys.control, 'crm_next_us')
    await store.writeLater(await delivering(n), NOT_INTERESTED, later)
  }
  // The control hash is where all instances read the rate, so that is where the test turns its clock back.
  const slowed = (perSecond: number, secondsAgo: number) =>
    redis.hset(keys.control, 'crm_per_second', perSecond, 'crm_slowed_at_ms', Date.now() - secondsAgo * 1000)
  await throttle(1)
  await throttle(2)
  t.equal(await rate(), 4, 'two at once halve it once')
  await slowed(1, 2)
  await throttle(3)
  t.equal(await rate(), 1)
  await slowed(1, 30)
  await throttle(4)
  t.ok((await rate()) > 2.4 && (await rate()) < 2.6, 'half a minute gave back half of eight; one more halves it')
})

t.test('a clock that was set back stops neither rate', async (t) => {
  const { store, redis, keys, lead, delivering } = await storeFor(t, server.url, {
    dialsPerSecond: 10,
    crmPerSecond: 10,
  })
  const anHourAhead = (Date.now() + 3_600_000) * 1000
  await redis.hset(
    keys.control,
    'dial_next_us',
    anHourAhead,
    'crm_next_us',
    anHourAhead,
    'dial_rests_until_ms',
    anHourAhead,
  )
  t.match(await store.admit('req-2', lead(2), 1, PERMIT), { kind: 'new', claim: { startInMs: 0 } })
  t.ok(await delivering(1))
})
