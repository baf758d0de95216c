import t, { type Test } from 'tap'
import { type Clock, systemClock } from '../../src/calls/clock.ts'
import { createDialer } from '../../src/dialing/dial.ts'
import type { Voice } from '../../src/dialing/voice.ts'
import { redisFor, stage } from '../stage.ts'

/* What keeps a process that stalls, hangs or closes from doing harm. */

const redis = await redisFor(t)
const done = (call: { state: string }) => call.state === 'completed'

/** A clock whose monotonic time a test can push on, as a process sees it that was stopped for a while. */
function stallingClock() {
  let stalled = 0
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + stalled }
  return { clock, stall: (ms: number) => (stalled += ms) }
}

async function claimed(t: Test) {
  const set = await stage(t, { redisUrl: redis.url, env: { LEASE: '2' } })
  const { store, work, runner, times } = set.app.calls
  const lead = { leadId: 'Q1', listId: '1', phone: '+12125550100' as never, callLogId: null, fields: {} }
  const admission = await store.admit('req_1', lead, 1, { permit: true, siblings: true })
  if (admission.kind !== 'new' || !admission.claim) throw new Error('not dialing')
  return { ...set, claim: admission.claim, work, runner, times }
}

t.test('a permission to dial that is older than half its lease is given back', async (t) => {
  const { claim, work, runner, times, bland, until } = await claimed(t)
  const { clock, stall } = stallingClock()
  let asked = 0
  const voice = { dial: async () => ({ kind: 'lost', reason: String(++asked) }) } as unknown as Voice
  const dial = createDialer({
    ...{ store: work, voice, runner, times, clock, witness: async () => true },
    log: { info() {}, warn() {}, error() {} },
  })
  stall(times.permit + 1)
  await dial(claim)
  t.equal(asked, 0, 'this dialer asked nobody to call')
  await until('req_1', done)
  t.equal(bland.ledger().placed, 1, 'somebody with a fresh permission did, once')
})

t.test('a claim is carried out once, and room comes back when the work breaks off', async (t) => {
  const { app, bland, post, until } = await stage(t, { redisUrl: redis.url, env: { LEASE: '1' } })
  const { runner } = app.calls
  let broke = 0
  const { crm } = app
  const { writes } = crm
  crm.writes = (report) => {
    if (broke++ < 2) throw new Error('broke off')
    return writes(report)
  }
  const { body } = await post({ phone_number: '2125550101', lead_id: 'Q2', list_id: 1 })
  const call = await until(body.request_id, done)
  t.equal(broke, 3, 'the lease brought the call back twice')
  t.equal(call.state, 'completed')
  t.equal(bland.ledger().placed, 1)
  const rooms = Array.from({ length: 40 }, () => runner.reserve('dial')).filter(Boolean).length
  t.equal(rooms, 16, 'no room was lost')
})

t.test('close claims nothing more, and waits for work in hand no longer than it is told', async (t) => {
  const { app, bland, post } = await stage(t, { redisUrl: redis.url, env: { LEASE: '30' } })
  bland.faults({ hang_after: 1, never: 1 })
  await post({ phone_number: '2125550102', lead_id: 'Q3', list_id: 1 })
  await bland.seen(({ what }) => what === 'dial')
  const startedAt = performance.now()
  t.equal(await app.calls.runner.close(300), 1, 'one piece of work was left to its lease')
  const took = performance.now() - startedAt
  t.ok(took >= 290 && took < 3000, `closed after ${Math.round(took)} ms`)
  t.equal(app.calls.runner.reserve('dial'), false)
  await bland.close()
})

t.test('a completion is delivered at once only where there is room: no write waits unseen for a socket', async (t) => {
  const { app, bland, convoso, post, until, redis: store, prefix } = await stage(t, { redisUrl: redis.url })
  const { runner } = app.calls
  bland.faults({ call_ms: [10, 20] })
  const taken: string[] = []
  // All of it, also what a tick has in its hand just now.
  while (taken.length < 32) {
    if (runner.reserve('deliver')) taken.push('')
    else await new Promise(setImmediate)
  }
  const { body } = await post({ phone_number: '2125550141', lead_id: 'Q9', list_id: 1 })
  await bland.seen((entry) => entry.what === 'mail' && entry.status === 200)
  t.match(await store.hgetall(`${prefix}:call:${body.request_id}`), { state: 'delivering', claims: '0' })
  t.same(convoso.ledger().leads, {})
  for (const _ of taken) runner.release('deliver')
  await until(body.request_id, done)
  t.match(convoso.ledger(), { leads: { Q9: { applied: 1 } } })
})
