import t from 'tap'
import type { Conclusion } from '../../src/calls/claim.ts'
import { redisFor } from '../stage.ts'
import { NO_PERMIT, NOT_INTERESTED, PERMIT, room, storeFor } from './store-stand.ts'

/* Leads that share a number: one call, its outcome for all of them. The transitions, one by one, on a real Redis. */

const server = await redisFor(t)
const A_PHONE = 2_125_550_101
const bytes = (said = {}) => Buffer.from(JSON.stringify(said))
const UNCONFIRMED: Conclusion = { ...NOT_INTERESTED, outcome: 'DIAL_UNCONFIRMED', rule: 'never_seen' }

/** A call of lead 1, and a lead that shares its number for each of `others`. */
async function group(t: Parameters<typeof storeFor>[0], ...others: number[]) {
  const stand = await storeFor(t, server.url)
  const claim = await stand.admitted(1)
  for (const n of others) await stand.store.admit(`req-${n}`, stand.lead(n, A_PHONE), 1, PERMIT)
  const states = () => Promise.all([1, ...others].map((n) => stand.state(`req-${n}`)))
  return { ...stand, twice: stand.twice.bind(stand), claim, states }
}

t.test('a lead whose number is under way waits for that call, and is never dialed', async (t) => {
  const stand = await group(t)
  const { store, redis, keys, lead, hash } = stand
  const [first, second] = await stand.twice(() => store.admit('req-2', lead(2, A_PHONE), 1, PERMIT))
  t.same([first, second], Array(2).fill({ kind: 'sibling', requestId: 'req-2', siblingOf: 'req-1' }))
  t.match(await hash('req-2'), { state: 'queued', sibling_of: 'req-1', waits_for: 'sibling' })
  t.same(await stand.steps('req-2'), ['admitted', 'sibling'])
  t.same(await stand.steps('req-1'), ['admitted', 'dialing', 'sibling'])
  t.same(await redis.smembers(keys.siblings('req-1')), ['req-2'])
  t.ok((await redis.pttl(keys.siblings('req-1'))) > 86_400_000)
  t.equal(await redis.get(keys.phone(lead(1).phone)), 'req-1')
  t.equal(await redis.get(keys.lead('lead-2')), 'req-2')
  t.match(await stand.stats(), { admitted: '2', sibling: '1' })
  t.notOk((await stand.stats()).duplicate)

  t.match(await store.admit('req-3', lead(2, A_PHONE), 1, PERMIT), { kind: 'duplicate', requestId: 'req-2' })
  t.match(await store.admit('req-4', lead(4, A_PHONE), 1, PERMIT), { siblingOf: 'req-1' }, 'never of a sibling')
  const wanted = { permit: true, siblings: false }
  t.match(await store.admit('req-5', lead(5, A_PHONE), 1, wanted), { kind: 'duplicate', requestId: 'req-1' })

  await redis.zadd(keys.due_dial, 1, 'req-2')
  t.same((await store.claimDue('op', 'i', room(5))).claims, [], 'nor when it is due')
  t.ok(Number(await redis.zscore(keys.due_dial, 'req-2')) - Date.now() > stand.times.line - 5000)
})

t.test('what the call comes to is the outcome of all, by whatever road', async (t) => {
  const ends = {
    completion: ({ store }) => store.takeCompletion('call-1', 'req-1', bytes()),
    conclusion: ({ store, claim }) => store.conclude(claim, UNCONFIRMED, true),
    refusal: ({ store, claim }) => store.conclude(claim, { ...NOT_INTERESTED, outcome: 'REFUSED' }, false),
    'a no of the list': async ({ store, claim, redis, keys, hand }) => {
      await store.undial(claim, 'x', 0)
      await redis.sadd(keys.dnc, '+12125550101')
      await t.rejects(hand('dial', 'req-1'), 'refused instead')
    },
    'a joined completion': async ({ store, lead }) => {
      await store.takeCompletion('call-1', null, bytes())
      await store.confirmDial('req-1', lead(1), 1, 'call-1')
    },
  } satisfies Record<string, (stand: Awaited<ReturnType<typeof group>>) => Promise<unknown>>
  for (const [how, end] of Object.entries(ends)) {
    const stand = await group(t, 2, 3)
    await end(stand)
    t.same(await stand.states(), Array(3).fill('delivering'), how)
    const [first, ...others] = await Promise.all(['req-1', 'req-2', 'req-3'].map(stand.hash))
    for (const other of others) {
      const shared = ({ call_id, completion, outcome, rule }: Record<string, string>) => ({
        call_id,
        completion,
        outcome,
        rule,
      })
      t.same(shared(other), shared(first as Record<string, string>), how)
    }
    t.equal((await stand.steps('req-2'))?.at(-1), 'shared')
    t.equal(await stand.redis.zcard(stand.keys.due_dial), 0)
    t.match(
      await stand.store.admit('req-4', stand.lead(4, A_PHONE), 1, PERMIT),
      { kind: 'sibling' },
      'and of a late one',
    )
    t.equal(await stand.state('req-4'), 'delivering')
    for (const id of ['req-1', 'req-2', 'req-3', 'req-4']) t.equal(await stand.settled(id), true)
    t.match(await stand.stats(), { completed: '4', 'outcome.NOT_INTERESTED': '4' })
    const next = await stand.store.admit('req-5', stand.lead(5, A_PHONE), 1, NO_PERMIT)
    t.not(next.kind, 'sibling', 'then it is over')
  }
})

t.test('a call that goes back to queued takes its siblings nowhere', async (t) => {
  const { store, claim, states, hand, redis, keys } = await group(t, 2)
  await store.undial(claim, 'rate_limited', 60_000)
  t.same(await states(), ['queued', 'queued'])
  await redis.zadd(keys.due_dial, 1, 'req-2')
  t.same((await store.claimDue('op', 'i', room(5))).claims, [], 'though the line is free')
  await hand('dial', 'req-1')
  t.same(await states(), ['dialing', 'queued'])
})

t.test('a late completion reopens all of them', async (t) => {
  const { store, claim, states, settled, hash, stats } = await group(t, 2)
  await store.conclude(claim, UNCONFIRMED, true)
  for (const id of ['req-1', 'req-2']) await settled(id, UNCONFIRMED)
  t.same(await states(), ['completed', 'completed'])
  await store.takeCompletion('call-1', 'req-1', bytes())
  t.same(await states(), ['delivering', 'delivering'])
  t.match(await hash('req-2'), { completion: 'call-1' })
  for (const id of ['req-1', 'req-2']) await settled(id)
  t.match(await stats(), { completed: '2' }, 'two calls were completed, whatever was written twice')
})

t.test('a second call that outdoes the first does so for all', async (t) => {
  const { store, states, settled, hash } = await group(t, 2)
  await store.takeCompletion('call-1', 'req-1', bytes())
  for (const id of ['req-1', 'req-2']) await settled(id)
  await store.takeCompletion('call-2', 'req-1', bytes())
  t.same(await states(), ['delivering', 'delivering'])
  t.match(await hash('req-2'), { completion: 'call-1', others: 'call-2', delivered: 'NOT_INTERESTED' })
})

t.test('the bytes stay until the last of them has ended', async (t) => {
  for (const order of [
    ['req-1', 'req-2', 'req-3'],
    ['req-3', 'req-2', 'req-1'],
  ]) {
    const { store, settled } = await group(t, 2, 3)
    await store.takeCompletion('call-1', 'req-1', bytes({ kept: 1 }))
    for (const id of order) {
      t.equal((await store.completionBytes('call-1'))?.toString(), '{"kept":1}', id)
      await settled(id)
    }
    t.equal(await store.completionBytes('call-1'), null)
  }
})

t.test('the bytes of dead letters stay, whatever becomes of the others and of the call', async (t) => {
  const { store, settled, hand, redis, keys, times } = await group(t, 2, 3)
  await store.takeCompletion('call-1', 'req-1', bytes({ kept: 1 }))
  const there = async (why: string) => t.equal((await store.completionBytes('call-1'))?.toString(), '{"kept":1}', why)
  for (const id of ['req-2', 'req-3'])
    await store.fail(await hand('deliver', id), NOT_INTERESTED, 'no_such_lead', [], 1)
  await settled('req-1')
  await there('two failed')
  t.ok((await redis.pttl(keys.siblings('req-1'))) > times.failedTtl, 'as long as they can be replayed')
  await store.takeCompletion('call-1', 'req-1', bytes({ copy: 1 }))
  await redis.del(keys.call('req-1'))
  t.match(await store.takeCompletion('call-1', 'req-1', bytes({ copy: 2 })), { kind: 'duplicate' })
  await there('a copy that nobody is left to take does not take them along')
  t.equal(await store.replay('req-2'), 'yes')
  await settled('req-2')
  await there('one of the two was replayed')
  t.equal(await store.replay('req-3'), 'yes')
  await settled('req-3')
  t.equal(await store.completionBytes('call-1'), null)
})

t.test('a sibling that ends before its call leaves the mark of the call alone', async (t) => {
  const { store, lead, hand, settled, redis, keys } = await group(t, 2)
  await store.confirmDial('req-1', lead(1), 1, 'call-1')
  await store.conclude(await hand('look', 'req-1'), { ...NOT_INTERESTED, outcome: 'NO_COMPLETION' }, true)
  await settled('req-2', { ...NOT_INTERESTED, outcome: 'NO_COMPLETION' })
  t.equal(await redis.get(keys.call_id('call-1')), 'req-1')
  t.match(await store.takeCompletion('call-1', null, bytes()), { kind: 'new', requestId: 'req-1' })
})

t.test('of the siblings of a call that vanished one is dialed, and the others wait for it', async (t) => {
  for (const pointer of ['gone', 'left']) {
    const { store, redis, keys, states, hash, lead } = await group(t, 2, 3)
    await redis.del(keys.call('req-1'), keys.line('+12125550101'))
    if (pointer === 'gone') await redis.del(keys.phone('+12125550101'))
    for (const id of ['req-2', 'req-3']) await redis.zadd(keys.due_dial, 1, id)
    const { claims } = await store.claimDue('op', 'i', room(5))
    t.same(
      claims.map(({ call }) => call.requestId),
      ['req-2'],
      `the pointer to it is ${pointer}`,
    )
    t.match(await states(), [undefined, 'dialing', 'queued'])
    t.match(await hash('req-3'), { sibling_of: 'req-2' })
    t.equal(await redis.get(keys.phone('+12125550101')), 'req-2')
    t.match(await store.admit('req-4', lead(4, A_PHONE), 1, PERMIT), { kind: 'sibling', siblingOf: 'req-2' })
    await store.takeCompletion('call-2', 'req-2', bytes())
    t.same(await states(), [undefined, 'delivering', 'delivering'])
  }
})

t.test('a call nobody can look after hands its siblings what is known', async (t) => {
  const { store, redis, keys, hand, hash, states } = await group(t, 2)
  for (let n = 0; n < 5; n++) await hand('look', 'req-1')
  await redis.hset(keys.call('req-1'), 'dialed_at_ms', 1)
  await redis.zadd(keys.due_look, 1, 'req-1')
  t.same((await store.claimDue('op', 'i', room(0, 1))).poisoned, ['req-1'])
  t.same(await states(), ['failed', 'delivering'])
  t.match(await hash('req-2'), { outcome: 'DIAL_UNCONFIRMED', rule: 'poison' })
})
