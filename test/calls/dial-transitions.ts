import t from 'tap'
import type { Claim } from '../../src/calls/claim.ts'
import { redisFor } from '../stage.ts'
import { NO_PERMIT, NOT_INTERESTED, PERMIT, room, storeFor, today } from './store-stand.ts'

/* The transitions up to the dial, one by one, on a real Redis: what each changes, refuses, and leaves alone when it runs twice. */

const server = await redisFor(t)

t.test('admit', async (t) => {
  t.test('takes lead, number, line, slot and attempt in one step', async (t) => {
    const { store, redis, keys, lead } = await storeFor(t, server.url)
    const admission = await store.admit('req-1', lead(1), 1, PERMIT)
    t.match(admission, { kind: 'new', claim: { fence: /\d/, call: { state: 'dialing', lead: lead(1) } } })
    for (const key of [keys.lead('lead-1'), keys.phone('+12125550101'), keys.line('+12125550101')]) {
      t.equal(await redis.get(key), 'req-1')
    }
    t.same(await redis.zrange(keys.pending, 0, '-1'), ['req-1'])
    t.same(await redis.zrange(keys.attempts('+12125550101'), 0, '-1'), ['req-1'])
    for (const name of await redis.keys(`${keys.epoch.slice(0, -6)}*:req-1`))
      t.ok((await redis.pttl(name)) > 86_000_000)
  })

  t.test('run twice, it is not its own duplicate', async (t) => {
    const stand = await storeFor(t, server.url)
    const [first, second] = await stand.twice(() => stand.store.admit('req-1', stand.lead(1), 1, PERMIT))
    t.match(first, { kind: 'new', requestId: 'req-1' })
    t.match(second, { kind: 'new', requestId: 'req-1', claim: { call: { state: 'dialing' } } })
  })

  t.test('waits in order of arrival for slot, pace, permit and a store that was emptied', async (t) => {
    for (const [waitsFor, limits, permit, epoch] of [
      ['slot', { maxConcurrent: 1 }, true, 'e1'],
      ['pace', { dialsPerSecond: 1 }, true, 'e1'],
      ['turn', {}, false, 'e1'],
      ['pause', {}, true, 'e2'],
    ] as const) {
      const { store, redis, keys, lead } = await storeFor(t, server.url, limits)
      if (waitsFor !== 'pause') await store.admit('req-0', lead(0), 1, PERMIT)
      await redis.set(keys.epoch, epoch)
      t.match(await store.admit('req-1', lead(1), 1, { permit, siblings: true }), {
        kind: 'new',
        claim: null,
        waitsFor,
      })
      await store.admit('req-2', lead(2), 1, PERMIT)
      t.same(await redis.zrange(keys.due_dial, 0, '-1'), ['req-1', 'req-2'], `${waitsFor}: nobody overtakes`)
    }
  })

  t.test('a duplicate answers with the first, and is counted', async (t) => {
    const { store, redis, keys, lead, admitted } = await storeFor(t, server.url)
    await admitted(1)
    t.same(await store.admit('req-2', lead(1), 1, PERMIT), { kind: 'duplicate', requestId: 'req-1' })
    const sameNumber = { ...lead(2), phone: lead(1).phone }
    t.same(await store.admit('req-3', sameNumber, 1, { permit: true, siblings: false }), {
      kind: 'duplicate',
      requestId: 'req-1',
    })
    t.equal(await redis.exists(keys.call('req-2'), keys.call('req-3'), keys.lead('lead-2')), 0)
    t.match(await redis.hgetall(keys.stats(today())), { admitted: '1', duplicate: '2' })
  })

  t.test('a number on the do-not-call list is refused, and the CRM is told', async (t) => {
    const stand = await storeFor(t, server.url)
    const { store, redis, keys, lead, state, steps } = stand
    await redis.sadd(keys.dnc, '+12125550101')
    const [first, second] = await stand.twice(() => store.admit('req-1', lead(1), 1, PERMIT))
    t.same([first, second], Array(2).fill({ kind: 'refused', requestId: 'req-1', rule: 'do_not_call' }))
    t.equal(await state('req-1'), 'delivering')
    t.same(await steps('req-1'), ['admitted', 'refused'])
    t.match(await redis.hgetall(keys.stats(today())), { refused: '1' })
    t.equal(await redis.exists(keys.line('+12125550101'), keys.pending, keys.attempts('+12125550101')), 0)
    const [claim] = (await store.claimDue('op', 'i', room(0, 0, 1))).claims
    t.match(claim, { call: { verdict: { outcome: 'REFUSED', rule: 'do_not_call' }, endedAt: Number } })
  })

  t.test('what a call waits for is told, until it waits no more', async (t) => {
    const { store, redis, keys, lead } = await storeFor(t, server.url)
    await store.admit('req-1', lead(1), 1, NO_PERMIT)
    t.equal(await redis.hget(keys.call('req-1'), 'waits_for'), 'turn')
    t.match(await redis.hget(keys.call('req-1'), 'step.2'), /^\d{13} queued waits_for=turn$/)
    await store.claimDue('op', 'i', room(1))
    t.equal(await redis.hget(keys.call('req-1'), 'waits_for'), null)
  })

  t.test('attempts of more than eight days ago are forgotten, and the rest in time', async (t) => {
    const { redis, keys, admitted } = await storeFor(t, server.url)
    await redis.zadd(keys.attempts('+12125550101'), Date.now() - 9 * 86_400_000, 'req-old')
    const claim = await admitted(1)
    t.same(await redis.zrange(keys.attempts('+12125550101'), 0, '-1'), ['req-1'])
    t.ok((await redis.pttl(keys.attempts('+12125550101'))) > 7 * 86_400_000)
    t.ok(Math.abs((claim.call.dialedAt ?? 0) - Date.now()) < 5000)
  })

  t.test('a pointer to a call that is gone does not block a lead for ever', async (t) => {
    const { store, redis, keys, lead } = await storeFor(t, server.url)
    await redis.set(keys.lead('lead-1'), 'req-gone')
    t.match(await store.admit('req-1', lead(1), 1, PERMIT), { kind: 'new', requestId: 'req-1' })
  })
})

t.test('undial gives everything back, and only its own', async (t) => {
  const stand = await storeFor(t, server.url)
  const claim = await stand.admitted(1)
  await stand.redis.set(stand.keys.line('+12125550101'), 'req-other')
  const [first, second] = await stand.twice(() => stand.store.undial(claim, 'rate_limited', 60_000))
  t.same([first, second], [true, true])
  t.equal(await stand.state('req-1'), 'queued')
  t.same(await stand.steps('req-1'), ['admitted', 'dialing', 'queued'])
  const waiting = await stand.redis.hgetall(stand.keys.call('req-1'))
  t.match(waiting, { waits_for: 'rate_limited', last_error: 'rate_limited', 'step.3': /queued reason=rate_limited$/ })
  t.equal(await stand.redis.hget(stand.keys.control, 'dial_rests_until_ms'), null, 'nobody else has to rest')
  t.equal(await stand.redis.zcard(stand.keys.pending), 0)
  t.equal(await stand.redis.exists(stand.keys.attempts('+12125550101')), 0)
  t.equal(await stand.redis.get(stand.keys.line('+12125550101')), 'req-other', "another call's line is not touched")
  t.same((await stand.store.claimDue('op', 'i', room(5))).claims, [], 'not before its time')
})

t.test('undial can have everybody rest', async (t) => {
  const { store, redis, keys, lead, admitted } = await storeFor(t, server.url)
  const claim = await admitted(1)
  await store.undial(claim, 'insufficient_balance', 60_000, { restMs: 60_000 })
  t.equal(await redis.exists(keys.line('+12125550101')), 0, 'the line is free')
  t.match(await store.admit('req-2', lead(2), 1, PERMIT), { kind: 'new', claim: null, waitsFor: 'rest' })
  const due = await store.claimDue('op', 'i', room(5))
  t.same(due.claims, [])
  t.ok(due.nextMs > 50_000 && due.nextMs <= 60_000, 'and asking again is worth it after the rest')
  t.match(await redis.hgetall(keys.control), { dial_rests_why: 'insufficient_balance' })
  await redis.del(keys.due_dial)
  await redis.hdel(keys.control, 'dial_rests_until_ms')
  const second = await admitted(3)
  await redis.hset(keys.control, 'dial_rests_until_ms', Date.now() + 60_000)
  await store.undial(second, 'rate_limit', 5000, { restMs: 5000 })
  const until = Number(await redis.hget(keys.control, 'dial_rests_until_ms'))
  t.ok(until - Date.now() > 50_000, 'a shorter rest does not cut a longer one short')
})

t.test('claimDue', async (t) => {
  t.test('asked again with the same op, it answers the same and claims nothing more', async (t) => {
    const stand = await storeFor(t, server.url)
    for (const n of [1, 2, 3]) await stand.store.admit(`req-${n}`, stand.lead(n), 1, NO_PERMIT)
    const [first, second] = await stand.twice(() => stand.store.claimDue('op-1', 'i', room(2)))
    const ids = (due: { claims: Claim[] }) => due.claims.map(({ call }) => call.requestId)
    t.same(ids(first), ['req-1', 'req-2'])
    t.same(ids(second), ['req-1', 'req-2'])
    t.same(ids(await stand.store.claimDue('op-2', 'i', room(2))), ['req-3'])
  })

  t.test('a busy line keeps nobody else waiting, and its call is due when the line is free', async (t) => {
    const { store, redis, keys, lead } = await storeFor(t, server.url)
    await redis.set(keys.line('+12125550101'), 'req-earlier', 'PX', 60_000)
    for (const n of [1, 2]) await store.admit(`req-${n}`, lead(n), 1, NO_PERMIT)
    const due = await store.claimDue('op', 'i', room(5))
    t.same(
      due.claims.map(({ call }) => call.requestId),
      ['req-2'],
    )
    t.ok(Number(await redis.zscore(keys.due_dial, 'req-1')) - Date.now() > 55_000)
    t.equal(await redis.hget(keys.call('req-1'), 'waits_for'), 'line')
  })

  t.test('paces dials, and says when asking again is worth it', async (t) => {
    const { store, lead } = await storeFor(t, server.url, { dialsPerSecond: 10 })
    for (let n = 0; n < 10; n++) await store.admit(`req-${n}`, lead(n), 1, NO_PERMIT)
    const due = await store.claimDue('op', 'i', room(10))
    const waits = due.claims.map(({ startInMs }) => startInMs)
    t.equal(due.claims.length, 3, 'as many turns as there are within a quarter of a second')
    t.ok(
      waits.every((wait, i) => wait <= i * 100 && wait > i * 100 - 30),
      waits.join(' '),
    )
    t.ok(due.nextMs > 200 && due.nextMs <= 300)
  })

  t.test('a number that came onto the do-not-call list while its lead waited is refused', async (t) => {
    const { store, redis, keys, lead, state } = await storeFor(t, server.url)
    await store.admit('req-1', lead(1), 1, NO_PERMIT)
    await redis.sadd(keys.dnc, '+12125550101')
    t.same((await store.claimDue('op', 'i', room(5))).claims, [])
    t.equal(await state('req-1'), 'delivering')
    const [claim] = (await store.claimDue('op-2', 'i', room(0, 0, 5))).claims
    t.match(claim?.call.verdict, { outcome: 'REFUSED', rule: 'do_not_call' })
  })

  t.test('an emptied store dials nobody, and still delivers', async (t) => {
    const { store, redis, keys, lead, delivering } = await storeFor(t, server.url)
    const claim = await delivering(1)
    await store.writeLater(claim, null, { reason: 'x', waitMs: 0, done: [], writesLeft: 1, throttled: false })
    await store.admit('req-2', lead(2), 1, NO_PERMIT)
    await redis.del(keys.epoch)
    const due = await store.claimDue('op', 'i', room(5, 5, 5))
    t.same(
      due.claims.map(({ budget }) => budget),
      ['deliver'],
    )
  })

  t.test('takes over when a lease has run out, not before', async (t) => {
    const { store, redis, keys, delivering } = await storeFor(t, server.url)
    const claim = await delivering(1)
    t.same((await store.claimDue('op-1', 'i', room(0, 0, 5))).claims, [])
    await redis.zadd(keys.due_deliver, 1, 'req-1')
    const [taken] = (await store.claimDue('op-2', 'i', room(0, 0, 5))).claims
    t.ok(taken)
    t.equal(await store.settle(claim, NOT_INTERESTED), false, 'the first holder may no longer decide')
    t.equal(await store.settle(taken as Claim, NOT_INTERESTED), true)
  })

  t.test('five claims that led nowhere are enough', async (t) => {
    const { store, redis, keys, delivering, state } = await storeFor(t, server.url)
    await delivering(1)
    for (let i = 0; i < 4; i++) {
      await redis.zadd(keys.due_deliver, 1, 'req-1')
      t.equal((await store.claimDue(`op-${i}`, 'i', room(0, 0, 5))).claims.length, 1)
    }
    await redis.zadd(keys.due_deliver, 1, 'req-1')
    t.same((await store.claimDue('op-5', 'i', room(0, 0, 5))).poisoned, ['req-1'])
    t.equal(await state('req-1'), 'failed')
    t.equal((await store.completionBytes('call-1'))?.toString(), '{}')
  })

  t.test('a look is leased as well, and counts its claims', async (t) => {
    const { store, redis, keys, lead, admitted, times } = await storeFor(t, server.url)
    const claim = await admitted(1)
    await redis.zadd(keys.due_look, 1, 'req-1')
    const [look] = (await store.claimDue('op-1', 'i', room(0, 5))).claims
    t.match(look, { budget: 'look', call: { requestId: 'req-1', state: 'dialing', lead: lead(1) }, startInMs: 0 })
    t.ok(Math.abs((look?.at ?? 0) - Date.now()) < 5000, 'with the time of the store')
    t.ok(Number(await redis.zscore(keys.due_look, 'req-1')) - Date.now() > times.lease - 5000)
    t.same((await store.claimDue('op-2', 'i', room(0, 5))).claims, [])
    t.equal(await redis.hget(keys.call('req-1'), 'claims'), '1')
    t.equal(await store.undial(claim, 'x', 60_000), true, 'that nobody was rung is believed of its dialer')
    t.equal(await store.conclude(look as Claim, NOT_INTERESTED, true), false, 'and whoever looked may not decide')
    t.equal(await store.undial(claim, 'x', 60_000), false, 'once')
  })

  t.test('says how long nothing will be due', async (t) => {
    const { store, redis, keys, lead } = await storeFor(t, server.url)
    t.equal((await store.claimDue('op-1', 'i', room(5, 5, 5))).nextMs, 86_400_000)
    await store.admit('req-1', lead(1), 1, NO_PERMIT)
    await redis.zadd(keys.due_dial, Date.now() + 5000, 'req-1')
    const { nextMs } = await store.claimDue('op-2', 'i', room(5, 5, 5))
    t.ok(nextMs > 4000 && nextMs <= 5000, `${nextMs} ms`)
    t.equal(await redis.exists(keys.claim('i')), 0, 'nothing was claimed, nothing is remembered')
    await redis.zadd(keys.due_dial, 1, 'req-1')
    await store.claimDue('op-3', 'i', room(5))
    t.ok((await redis.pttl(keys.claim('i'))) > 0)
  })

  t.test('an id whose hash is gone is told, once', async (t) => {
    const { store, redis, keys, admitted } = await storeFor(t, server.url)
    await admitted(1)
    await redis.del(keys.call('req-1'))
    await redis.zadd(keys.due_look, 1, 'req-1')
    t.same((await store.claimDue('op-1', 'i', room(0, 5))).vanished, ['req-1'])
    t.same((await store.claimDue('op-2', 'i', room(0, 5))).vanished, [])
    t.equal(await redis.zcard(keys.pending), 0, 'its slot is free')
    await redis.zadd(keys.due_dial, 1, 'req-a')
    await redis.zadd(keys.due_deliver, 1, 'req-b')
    t.same((await store.claimDue('op-3', 'i', room(5, 5, 5))).vanished, ['req-a', 'req-b'])
    t.same((await store.claimDue('op-4', 'i', room(5, 5, 5))).vanished, [])
    t.match(await redis.hgetall(keys.stats(today())), { vanished: '3' })
  })
})

t.test('a lead with thousands of fields is stored whole', async (t) => {
  const { store, redis, keys, lead } = await storeFor(t, server.url)
  const fields = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`field_${i}`, String(i)]))
  t.match(await store.admit('req-1', { ...lead(1), fields }, 1, PERMIT), { kind: 'new' })
  t.equal(await redis.hget(keys.call('req-1'), 'lead.field_8999'), '8999')
})
