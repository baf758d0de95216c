import t from 'tap'
import type { Origin } from '../../src/calls/claim.ts'
import { redisFor } from '../stage.ts'
import { NO_PERMIT, NOT_INTERESTED, room, storeFor } from './store-stand.ts'

/*
 * What happens once in ten thousand calls: a second call for one request, a call the store forgot, looks that kill, a store
 * that may not be believed, one that is full. The transitions, one by one, on a real Redis.
 */

const server = await redisFor(t)
const bytes = (said = {}) => Buffer.from(JSON.stringify(said))
const as = (outcome: 'TRANSFERRED' | 'BUSY' | 'NO_COMPLETION') => ({ ...NOT_INTERESTED, outcome })
const DAY = 86_400_000

t.test('a second call', async (t) => {
  t.test('reopens what was delivered, and that stands as the one to outdo', async (t) => {
    for (const end of ['settle', 'fail'] as const) {
      const stand = await storeFor(t, server.url)
      const { store, delivering, settled, hash, redis, keys } = stand
      const claim = await delivering(1)
      await (end === 'settle' ? store.settle(claim, as('BUSY')) : store.fail(claim, as('BUSY'), 'x', ['a/write'], 1))
      const [first] = await stand.twice(() => store.takeCompletion('call-2', 'req-1', bytes()))
      t.match(first, { kind: 'second_call', requestId: 'req-1' })
      const call = await hash('req-1')
      t.match(call, { state: 'delivering', completion: 'call-1', others: 'call-2', attempts: '0' })
      t.equal(call.delivered, end === 'settle' ? 'BUSY' : undefined)
      t.notOk(call.done, 'all its writes are to do again')
      t.equal((await redis.zcard(keys.completed)) + (await redis.zcard(keys.failed)), 0)
      t.equal(await settled('req-1', as('TRANSFERRED')), true)
      t.match(await hash('req-1'), { delivered: 'TRANSFERRED' })
      t.match(await stand.stats(), { second_call: '1', completed: '1' })
      t.equal(await store.completionBytes('call-2'), null)
      t.match(await store.takeCompletion('call-2', 'req-1', bytes()), { kind: 'duplicate' }, 'a copy of it')
      t.equal(await stand.state('req-1'), 'completed')
      t.equal(await store.completionBytes('call-2'), null)
    }
  })

  t.test('that ends first is kept until the other has', async (t) => {
    const { store, admitted, lead, state, hash, redis, keys } = await storeFor(t, server.url)
    await admitted(1)
    await store.confirmDial('req-1', lead(1), 1, 'call-1')
    t.match(await store.takeCompletion('call-2', 'req-1', bytes({ second: 1 })), { kind: 'second_call' })
    t.equal(await state('req-1'), 'pending')
    t.equal(await redis.zcard(keys.pending), 1, 'the first holds its slot')
    t.ok((await redis.pttl(keys.completion('call-2'))) > 2 * DAY, 'as long as the call')
    await store.takeCompletion('call-1', null, bytes())
    t.match(await hash('req-1'), { state: 'delivering', completion: 'call-1', others: 'call-2' })
  })

  t.test('that was delivered alone is not undone by less', async (t) => {
    const { store, admitted, lead, hand, settled, hash } = await storeFor(t, server.url)
    await admitted(1)
    await store.confirmDial('req-1', lead(1), 1, 'call-1')
    await store.takeCompletion('call-2', 'req-1', bytes())
    await store.conclude(await hand('look', 'req-1'), as('NO_COMPLETION'), true)
    await settled('req-1', as('TRANSFERRED'))
    t.match(await hash('req-1'), { state: 'completed', delivered: 'TRANSFERRED' })
    t.match(await store.takeCompletion('call-1', 'req-1', bytes()), {
      kind: 'new',
      claim: { call: { delivered: 'TRANSFERRED' } },
    })
  })

  t.test('is told by an answer, once, and joined by a completion that was here before', async (t) => {
    const { store, admitted, lead, stats, steps, hash, redis, keys } = await storeFor(t, server.url)
    await admitted(1)
    await store.confirmDial('req-1', lead(1), 1, 'call-1')
    for (let n = 0; n < 2; n++) {
      t.match(await store.confirmDial('req-1', lead(1), 1, 'call-2'), { kind: 'second_call' })
    }
    t.match(await store.takeCompletion('call-2', null, bytes()), { kind: 'second_call', requestId: 'req-1' })
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-2'), { kind: 'second_call' })
    await store.takeCompletion('call-3', null, bytes())
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-3'), { kind: 'second_call' })
    t.match(await hash('req-1'), { others: 'call-2 call-3' })
    t.equal(await redis.zcard(keys.parked), 0)
    t.match(await stats(), { second_call: '2' })
    t.same(await steps('req-1'), ['admitted', 'dialing', 'pending', ...Array(3).fill('second_call')])
  })

  t.test('never crosses a write that is on its way, nor does a third, nor a replay', async (t) => {
    const { store, redis, keys, delivering, times } = await storeFor(t, server.url)
    const writer = await delivering(1)
    for (const id of ['call-2', 'call-3']) {
      await store.takeCompletion(id, 'req-1', bytes())
      t.ok(Number(await redis.zscore(keys.due_deliver, 'req-1')) - Date.now() > times.lease - 5000, id)
    }
    await store.replay('req-1')
    t.ok(Number(await redis.zscore(keys.due_deliver, 'req-1')) - Date.now() > times.lease - 5000, 'replay')
    t.equal(await store.settle(writer, NOT_INTERESTED), false)
  })

  t.test('need not wait for a writer that is done', async (t) => {
    const { store, redis, keys, delivering } = await storeFor(t, server.url)
    const later = { reason: 'x', waitMs: 60_000, done: [], writesLeft: 1, throttled: false }
    await store.writeLater(await delivering(1), NOT_INTERESTED, later)
    await store.takeCompletion('call-2', 'req-1', bytes())
    t.ok(Number(await redis.zscore(keys.due_deliver, 'req-1')) <= Date.now() + 1)
  })
})

t.test('a call the store forgot', async (t) => {
  t.test('is made anew by its own signed completion, once', async (t) => {
    const stand = await storeFor(t, server.url)
    const { store, redis, keys, lead, hash } = stand
    const origin: Origin = { requestId: 'req-1', lead: lead(1), dialedAt: Date.now() - 60_000, store: stand.prefix }
    const [first, second] = await stand.twice(() =>
      store.takeCompletion('call-1', 'req-1', bytes(), { origin, writes: 2 }),
    )
    t.match(
      [first, second],
      Array(2).fill({ kind: 'new', requestId: 'req-1', claim: { call: { rebuiltFrom: 'completion' } } }),
    )
    t.match(await hash('req-1'), {
      ...{ state: 'delivering', lead_id: 'lead-1', list_id: '1', phone: '+12125550101', writes: '2' },
      ...{ completion: 'call-1', dialed_at_ms: String(origin.dialedAt) },
    })
    t.same(await stand.steps('req-1'), ['rebuilt', 'completion'])
    t.match(await stand.stats(), { rebuilt: '1' })
    t.same(await redis.mget(keys.lead('lead-1'), keys.phone('+12125550101')), ['req-1', 'req-1'])
    t.ok((await redis.pttl(keys.line('+12125550101'))) > 4_700_000, 'an agent may be talking')
    t.match(await store.takeCompletion('call-1', 'req-1', bytes(), { origin, writes: 2 }), { kind: 'duplicate' })
    t.match(await store.takeCompletion('call-2', 'req-1', bytes(), { origin, writes: 2 }), { kind: 'second_call' })
    await stand.settled('req-1')
    await redis.del(keys.call('req-1'))
    t.match(await store.takeCompletion('call-1', 'req-1', bytes(), { origin, writes: 2 }), { kind: 'duplicate' })
    t.match(await stand.stats(), { rebuilt: '1' })
  })

  t.test('is not when it is another store’s, or older than anybody remembers, or known', async (t) => {
    const stand = await storeFor(t, server.url)
    const { store, lead, redis, keys } = stand
    const origin: Origin = { requestId: 'req-9', lead: lead(9), dialedAt: Date.now(), store: stand.prefix }
    const take = (id: string, other: Partial<Origin>, requestId = 'req-9') =>
      store.takeCompletion(id, requestId, bytes(), { origin: { ...origin, ...other }, writes: 1 })
    t.match(await take('call-1', { store: '{another}' }), { kind: 'unknown' })
    t.match(await take('call-2', { dialedAt: Date.now() - 31 * DAY }), { kind: 'unknown' })
    t.match(await store.takeCompletion('call-3', 'req-9', bytes()), { kind: 'unknown' }, 'nor an unsigned one')
    t.equal(await redis.exists(keys.call('req-9')), 0)
    await stand.admitted(1)
    t.match(await take('call-4', {}, 'req-1'), { kind: 'new' })
    t.notOk((await stand.hash('req-1')).rebuilt_from)
  })

  t.test('is followed by those that came since: they are not dialed beside it', async (t) => {
    const stand = await storeFor(t, server.url)
    const { store, lead, redis, keys } = stand
    await store.admit('req-2', lead(1), 1, NO_PERMIT)
    await store.admit('req-3', { ...lead(3), phone: lead(1).phone }, 1, NO_PERMIT)
    const origin: Origin = { requestId: 'req-1', lead: lead(1), dialedAt: Date.now(), store: stand.prefix }
    await store.takeCompletion('call-1', 'req-1', bytes(), { origin, writes: 1 })
    t.same(await redis.mget(keys.lead('lead-1'), keys.phone('+12125550101')), ['req-2', 'req-1'])
    for (const id of ['req-2', 'req-3']) {
      t.match(await stand.hash(id), { state: 'delivering', sibling_of: 'req-1', completion: 'call-1' })
    }
    t.same((await store.claimDue('op', 'i', room(5))).claims, [])
  })

  t.test('and that was just dialed can end without a completion', async (t) => {
    const { store, lead, hash, redis, keys } = await storeFor(t, server.url)
    await store.confirmDial('req-1', lead(1), 1, 'call-1')
    t.ok(Math.abs(Number((await hash('req-1')).dialed_at_ms) - Date.now()) < 5000)
    t.equal(await redis.get(keys.line('+12125550101')), 'req-1')
    t.equal(await redis.zcard(keys.pending), 1)
  })
})

t.test('completions nobody knows are counted, and taken off that list when somebody does', async (t) => {
  const { store, redis, keys, stats, admitted } = await storeFor(t, server.url)
  for (let n = 0; n < 2; n++) await store.takeCompletion('call-1', null, bytes())
  t.match(await stats(), { parked: '1' }, 'a copy is not another')
  await admitted(1)
  t.match(await store.takeCompletion('call-1', 'req-1', bytes()), { kind: 'new' })
  t.equal(await redis.zcard(keys.parked), 0)
  await redis.zadd(keys.parked, Date.now() - DAY - 1000, 'call-old', Date.now() - DAY + 60_000, 'call-new')
  await store.claimDue('op-1', 'i', room())
  await store.claimDue('op-2', 'i', room())
  t.match(await stats(), { unmatched: '1' })
  const many = Array.from({ length: 999 }, (_, n) => [Date.now() - n, `call-x-${n}`]).flat()
  await redis.zadd(keys.parked, ...(many as (string | number)[]))
  await redis.set(keys.completion('call-new'), 'x')
  await store.takeCompletion('call-2', null, bytes())
  t.match(await stats(), { unmatched: '2', parked: '2' }, 'the oldest gives way')
  t.equal(await redis.exists(keys.completion('call-new')), 0)
})

t.test('an answer that finds its call concluded takes the completion that was here before', async (t) => {
  const { store, admitted, lead, hash } = await storeFor(t, server.url)
  await store.conclude(await admitted(1), { ...NOT_INTERESTED, outcome: 'DIAL_UNCONFIRMED' }, true)
  await store.takeCompletion('call-1', null, bytes())
  t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1'), { kind: 'joined' })
  t.match(await hash('req-1'), { state: 'delivering', completion: 'call-1' })
})

t.test('looks that were for the call are not counted as looks for what it came to', async (t) => {
  const { store, admitted, lead, hand, stats } = await storeFor(t, server.url)
  await store.lookLater(await admitted(1), { step: 'answer_lost', reason: 'x', waitMs: 0 })
  const look = await hand('look', 'req-1')
  t.match(look.call, { looks: 0 }, 'nobody has looked yet')
  await store.lookLater(look, { step: 'look_failed', reason: 'x', waitMs: 0 })
  t.match((await hand('look', 'req-1')).call, { looks: 0 }, 'nor when the vendor could not be asked')
  await store.lookLater(await hand('look', 'req-1'), { step: 'looked', reason: 'x', waitMs: 0, missed: true })
  t.match((await hand('look', 'req-1')).call, { looks: 1 })
  await store.confirmDial('req-1', lead(1), 1, 'call-1')
  t.match((await hand('look', 'req-1')).call, { looks: 0, missed: 0 })
  t.match(await stats(), { looked_up: '1' }, 'one call was looked up, however often')
})

t.test('a call whose lookers die is held until the longest call has ended, then given up', async (t) => {
  for (const [state, outcome] of [
    ['dialing', 'DIAL_UNCONFIRMED'],
    ['pending', 'NO_COMPLETION'],
  ] as const) {
    const { store, redis, keys, admitted, lead, hand, hash, settled, times } = await storeFor(t, server.url)
    const claim = await admitted(1)
    if (state === 'pending') await store.confirmDial('req-1', lead(1), 1, 'call-1')
    for (let n = 0; n < 5; n++) await hand('look', 'req-1')
    await redis.zadd(keys.due_look, 1, 'req-1')
    t.match(await store.claimDue('op-1', 'i', room(0, 1)), { claims: [], poisoned: [] })
    const endsAt = (claim.call.dialedAt ?? 0) + times.line
    t.equal(Number(await redis.zscore(keys.due_look, 'req-1')), endsAt)
    t.match([await redis.zcard(keys.pending), await redis.get(keys.line('+12125550101'))], [1, 'req-1'])
    await redis.hset(keys.call('req-1'), 'dialed_at_ms', Date.now() - times.line)
    await redis.zadd(keys.due_look, 1, 'req-1')
    t.same((await store.claimDue('op-2', 'i', room(0, 1))).poisoned, ['req-1'])
    t.match(await hash('req-1'), {
      state: 'failed',
      outcome,
      rule: 'poison',
      evidence: 'claims=5',
      last_error: 'poison',
    })
    t.equal(await redis.exists(keys.pending, keys.due_look, keys.lead('lead-1'), keys.phone('+12125550101')), 0)
    t.equal(await store.replay('req-1'), 'yes')
    t.equal(await settled('req-1', { ...NOT_INTERESTED, outcome, rule: 'poison' }), true)
  }
})
