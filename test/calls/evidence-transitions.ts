import t from 'tap'
import type { Claim } from '../../src/calls/claim.ts'
import { redisFor } from '../stage.ts'
import { NOT_INTERESTED, room, storeFor, today } from './store-stand.ts'

/* The transitions that record what a vendor said, one by one, on a real Redis: what each changes, refuses, and leaves alone when it runs twice. */

const server = await redisFor(t)

t.test('confirmDial', async (t) => {
  t.test('makes the call pending, and is safe to run twice', async (t) => {
    const stand = await storeFor(t, server.url)
    await stand.admitted(1)
    const [first] = await stand.twice(() => stand.store.confirmDial('req-1', stand.lead(1), 1, 'call-1'))
    t.match(first, { kind: 'pending', claim: null })
    t.equal(await stand.redis.get(stand.keys.call_id('call-1')), 'req-1')
    const due = Number(await stand.redis.zscore(stand.keys.due_look, 'req-1'))
    t.ok(due - Date.now() > stand.times.deadline - 5000, 'due at its deadline')
  })

  t.test('never moves a call backwards', async (t) => {
    const { store, lead, delivering, state } = await storeFor(t, server.url)
    await delivering(1)
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1'), { kind: 'again' })
    t.equal(await state('req-1'), 'delivering')
  })

  t.test('a second call_id is a second call', async (t) => {
    const { store, redis, keys, lead, admitted, steps } = await storeFor(t, server.url)
    await admitted(1)
    await store.confirmDial('req-1', lead(1), 1, 'call-1')
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1-again'), { kind: 'second_call' })
    t.match(await steps('req-1'), ['admitted', 'dialing', 'pending', 'second_call'])
    t.equal(await redis.hget(keys.call('req-1'), 'second_call_id'), 'call-1-again')
    t.match(await redis.hgetall(keys.stats(today())), { second_call: '1' })
  })

  t.test('brings a call back that was given up too early', async (t) => {
    const { store, redis, keys, lead, admitted, state } = await storeFor(t, server.url)
    await store.undial(await admitted(1), 'x', 60_000)
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1'), { kind: 'pending' })
    t.equal(await state('req-1'), 'pending')
    t.same(await redis.zrange(keys.pending, 0, '-1'), ['req-1'], 'with its slot')
    t.equal(await redis.get(keys.line('+12125550101')), 'req-1', 'and its line')
    t.equal(await redis.zcard(keys.due_dial), 0)
  })

  t.test('after the call has ended, its call_id is only noted', async (t) => {
    const stand = await storeFor(t, server.url)
    const { store, redis, keys, lead, admitted, state, steps } = stand
    await store.conclude(await admitted(1), NOT_INTERESTED, true)
    const [first, second] = await stand.twice(() => store.confirmDial('req-1', lead(1), 1, 'call-1'))
    t.match([first, second], [{ kind: 'later' }, { kind: 'later' }])
    t.equal(await state('req-1'), 'delivering')
    t.equal(await redis.get(keys.call_id('call-1')), 'req-1')
    t.match(await steps('req-1'), ['admitted', 'dialing', 'concluded', 'answered'])
    t.equal(await redis.zcard(keys.pending), 0)
  })

  t.test('makes a call anew whose store was emptied', async (t) => {
    const { store, redis, keys, lead, admitted, state } = await storeFor(t, server.url)
    await admitted(1)
    await redis.del(keys.call('req-1'), keys.pending, keys.due_look)
    await redis.del(keys.lead('lead-1'), keys.phone('+12125550101'))
    const logged = { ...lead(1), callLogId: 'log-1' }
    t.match(await store.confirmDial('req-1', logged, 2, 'call-1'), { kind: 'pending' })
    t.equal(await state('req-1'), 'pending')
    t.same(await redis.mget(keys.lead('lead-1'), keys.phone('+12125550101')), ['req-1', 'req-1'])
    t.match(await redis.hgetall(keys.call('req-1')), { call_log_id: 'log-1', writes: '2', rebuilt_from: 'dial' })
    t.match(await store.takeCompletion('call-1', null, Buffer.from('{}')), { kind: 'new', requestId: 'req-1' })
  })

  t.test('does not make anew what was delivered and forgotten', async (t) => {
    const { store, redis, keys, lead, delivering } = await storeFor(t, server.url)
    await store.settle(await delivering(1), NOT_INTERESTED)
    await redis.del(keys.call('req-1'))
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1'), { kind: 'again' })
    t.equal(await redis.exists(keys.call('req-1'), keys.pending), 0)
  })

  t.test('is joined by a completion that came before anybody knew whose it was', async (t) => {
    const { store, redis, keys, lead, admitted } = await storeFor(t, server.url)
    await admitted(1)
    t.match(await store.takeCompletion('call-1', null, Buffer.from('{"a":1}')), { kind: 'unknown' })
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1'), {
      kind: 'joined',
      claim: { budget: 'deliver', call: { state: 'delivering', completion: 'call-1' } },
    })
    t.equal((await store.completionBytes('call-1'))?.toString(), '{"a":1}')
    t.equal(await redis.zcard(keys.parked), 0)
  })
})

t.test('takeCompletion', async (t) => {
  t.test('frees the slot, keeps the line, and is safe to run twice', async (t) => {
    const stand = await storeFor(t, server.url)
    await stand.admitted(1)
    const [first, second] = await stand.twice(() => stand.store.takeCompletion('call-1', 'req-1', Buffer.from('{}')))
    t.match([first, second], [{ kind: 'new' }, { kind: 'new' }])
    t.equal(await stand.redis.zcard(stand.keys.pending), 0)
    t.ok((await stand.redis.pttl(stand.keys.line('+12125550101'))) > 4_700_000, 'it may have been a transfer')
  })

  t.test('is taken from every state, once', async (t) => {
    for (const from of ['queued', 'dialing', 'pending', 'concluded', 'completed'] as const) {
      const { store, lead, admitted, state } = await storeFor(t, server.url)
      const claim = await admitted(1)
      if (from === 'queued') await store.undial(claim, 'x', 60_000)
      if (from === 'pending') await store.confirmDial('req-1', lead(1), 1, 'call-1')
      if (from === 'concluded' || from === 'completed') await store.conclude(claim, NOT_INTERESTED, true)
      if (from === 'completed') {
        const [due] = (await store.claimDue('op', 'i', room(0, 0, 1))).claims
        await store.settle(due as Claim, NOT_INTERESTED)
      }
      t.match(await store.takeCompletion('call-1', 'req-1', Buffer.from('{}')), { kind: 'new' }, from)
      t.equal(await state('req-1'), 'delivering')
      t.match(await store.takeCompletion('call-1', 'req-1', Buffer.from('{}')), { kind: 'duplicate' })
      t.match(await store.takeCompletion('call-2', 'req-1', Buffer.from('{}')), { kind: 'second_call' })
    }
  })

  t.test('the completion of a second call is kept, and told', async (t) => {
    const { store, redis, keys, delivering, steps } = await storeFor(t, server.url)
    await delivering(1)
    t.match(await store.takeCompletion('call-2', 'req-1', Buffer.from('{"second":1}')), { kind: 'second_call' })
    t.equal((await store.completionBytes('call-2'))?.toString(), '{"second":1}')
    t.match(await redis.hgetall(keys.call('req-1')), { completion: 'call-1', others: 'call-2' })
    t.match(await steps('req-1'), ['admitted', 'dialing', 'completion', 'second_call'])
    t.match(await redis.hgetall(keys.stats(today())), { second_call: '1' })
    t.equal(await redis.get(keys.call_id('call-2')), 'req-1 taken')
    t.match(await store.takeCompletion('call-2', 'req-1', Buffer.from('{}')), { kind: 'duplicate' }, 'told once')
    t.equal((await store.completionBytes('call-2'))?.toString(), '{"second":1}')
  })

  t.test('those nobody knows are parked for a day', async (t) => {
    const { store, redis, keys } = await storeFor(t, server.url)
    await redis.zadd(keys.parked, Date.now() - 2 * 86_400_000, 'call-old')
    await store.takeCompletion('call-1', 'req-unknown', Buffer.from('{}'))
    await store.claimDue('op', 'i', room())
    t.same(await redis.zrange(keys.parked, 0, '-1'), ['call-1'])
    t.match(await redis.hgetall(keys.stats(today())), { parked: '1', unmatched: '1' })
  })

  t.test('reopens a call with all its writes to do again', async (t) => {
    const { store, admitted } = await storeFor(t, server.url)
    await store.conclude(await admitted(1), NOT_INTERESTED, true)
    const [claim] = (await store.claimDue('op-1', 'i', room(0, 0, 1))).claims
    const later = { reason: 'x', waitMs: 60_000, done: ['a/write'], writesLeft: 1, throttled: false }
    await store.writeLater(claim as Claim, NOT_INTERESTED, later)
    const taken = await store.takeCompletion('call-1', 'req-1', Buffer.from('{}'))
    t.match(taken, { kind: 'new', claim: { call: { done: [], firstFailedAt: null, attempts: 0 } } })
  })

  t.test('waits for a write that is on its way: two outcomes must not cross', async (t) => {
    const { store, redis, keys, admitted, times } = await storeFor(t, server.url)
    await store.conclude(await admitted(1), NOT_INTERESTED, true)
    const [writer] = (await store.claimDue('op-1', 'i', room(0, 0, 1))).claims
    t.match(await store.takeCompletion('call-1', 'req-1', Buffer.from('{}')), { kind: 'new', claim: null })
    t.equal(await store.settle(writer as Claim, NOT_INTERESTED), false)
    t.ok(Number(await redis.zscore(keys.due_deliver, 'req-1')) - Date.now() > times.lease - 5000)
  })

  t.test('waits its turn behind those that wait for the CRM', async (t) => {
    const { store, redis, keys, delivering, admitted } = await storeFor(t, server.url)
    const later = { reason: 'x', waitMs: 0, done: [], writesLeft: 1, throttled: false }
    await store.writeLater(await delivering(1), NOT_INTERESTED, later)
    await admitted(2)
    t.match(await store.takeCompletion('call-2', 'req-2', Buffer.from('{}')), { kind: 'new', claim: null })
    t.same(await redis.zrange(keys.due_deliver, 0, '-1'), ['req-1', 'req-2'])
  })

  t.test('a copy keeps the bytes of a dead letter, and leaves none of a completed call', async (t) => {
    const { store, delivering } = await storeFor(t, server.url)
    await store.fail(await delivering(1), NOT_INTERESTED, 'x', [], 1)
    await store.takeCompletion('call-1', 'req-1', Buffer.from('{"copy":1}'))
    t.equal((await store.completionBytes('call-1'))?.toString(), '{}')
    await store.settle(await delivering(2), NOT_INTERESTED)
    await store.takeCompletion('call-2', 'req-2', Buffer.from('{"copy":1}'))
    t.equal(await store.completionBytes('call-2'), null)
  })

  t.test('a copy after the call has been forgotten is still a copy', async (t) => {
    const { store, redis, keys, delivering } = await storeFor(t, server.url)
    await store.settle(await delivering(1), NOT_INTERESTED)
    await redis.del(keys.call('req-1'))
    t.match(await store.takeCompletion('call-1', null, Buffer.from('{}')), { kind: 'duplicate' })
    t.equal(await redis.exists(keys.completion('call-1')), 0)
  })

  t.test('says yes only when the bytes are stored', async (t) => {
    const { store, redis, keys, admitted, state } = await storeFor(t, server.url)
    await admitted(1)
    const set = redis.set
    redis.set = (() => Promise.resolve('OK')) as typeof set
    await t.rejects(store.takeCompletion('call-1', 'req-1', Buffer.from('{}')), /NOBYTES/)
    redis.set = set
    t.equal(await state('req-1'), 'dialing')
    t.equal(await redis.exists(keys.completion('call-1')), 0)
  })
})

t.test('conclude: provably nobody was rung, or somebody may have been', async (t) => {
  const stand = await storeFor(t, server.url)
  const { store, redis, keys } = stand
  const rang = await stand.admitted(1)
  const silent = await stand.admitted(2)
  const ended = await stand.twice(() => store.conclude(rang, { ...NOT_INTERESTED, outcome: 'DIAL_UNCONFIRMED' }, true))
  t.same(ended, [true, true])
  t.equal(await stand.state('req-1'), 'delivering')
  t.same(await stand.steps('req-1'), ['admitted', 'dialing', 'concluded'])
  t.equal(await store.conclude(rang, NOT_INTERESTED, true), false, 'once')
  await store.conclude(silent, { ...NOT_INTERESTED, outcome: 'REFUSED', doNotCall: true, holdMs: 0 }, false)
  t.same(await redis.mget(keys.line('+12125550101'), keys.line('+12125550102')), ['req-1', null])
  t.same([await redis.zcard(keys.attempts('+12125550101')), await redis.zcard(keys.attempts('+12125550102'))], [1, 0])
  t.equal(await redis.sismember(keys.dnc, '+12125550102'), 1)
  t.equal(await redis.zcard(keys.pending), 0)
  t.match(await redis.hgetall(keys.stats(today())), { refused: '1' }, 'one of the two was a refusal')
})

t.test('lookLater: the call is looked at later, and a live one keeps its line', async (t) => {
  const stand = await storeFor(t, server.url)
  const { store, redis, keys } = stand
  const claim = await stand.admitted(1)
  await redis.pexpire(keys.line('+12125550101'), 5000)
  const deferred = await stand.twice(() =>
    store.lookLater(claim, { step: 'looked', reason: 'not_seen_yet', waitMs: 0 }),
  )
  t.same(deferred, [true, true])
  t.ok((await redis.pttl(keys.line('+12125550101'))) <= 5000)
  const [look] = (await store.claimDue('op-1', 'i', room(0, 5))).claims
  t.match(look?.call, { looks: 1, missed: 0, lastError: 'not_seen_yet' })
  await store.lookLater(look as Claim, { step: 'looked', reason: 'still_live', waitMs: 60_000, live: true })
  t.ok((await redis.pttl(keys.line('+12125550101'))) > stand.times.line - 5000)
  t.ok(Number(await redis.zscore(keys.due_look, 'req-1')) - Date.now() > 55_000)
  t.same(await stand.steps('req-1'), ['admitted', 'dialing', 'looked', 'looked'])
})

t.test('misses are counted until the vendor knows the call', async (t) => {
  const { store, redis, keys, admitted } = await storeFor(t, server.url)
  let claim = await admitted(1)
  for (const [said, counted] of [
    [{ missed: true }, 1],
    [{}, 1],
    [{ missed: true }, 2],
    [{ live: true }, 0],
    [{ missed: true }, 1],
  ] as const) {
    await store.lookLater(claim, { step: 'looked', reason: 'x', waitMs: 0, ...said })
    await redis.zadd(keys.due_look, 1, 'req-1')
    claim = (await store.claimDue(`op-${Math.random()}`, 'i', room(0, 1))).claims[0] as Claim
    t.equal(claim.call.missed, counted)
  }
})
