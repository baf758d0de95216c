import t from 'tap'
import { sign } from '../../src/bland/signature.ts'
import { createOverdue } from '../../src/completions/overdue.ts'
import { redisFor, stage } from '../stage.ts'

/* Answers that are lost, completions that do not come, and a vendor that says no: nobody is rung twice, every lead ends. */

// Most of a story's time is waiting for a deadline: side by side they take as long as the longest.
t.jobs = 4
const redis = await redisFor(t)
const done = (call: { state: string }) => call.state === 'completed'

t.test('an answer that is lost is never followed by a second dial', { buffered: true }, async (t) => {
  for (const fault of ['drop_after', 'error_after', 'unable_after', 'html_after', 'no_id_after'] as const) {
    await t.test(fault, async (t) => {
      const { post, bland, convoso, until } = await stage(t, { redisUrl: redis.url })
      bland.faults({ [fault]: 1, call_ms: [200, 200] })
      const { body } = await post({ phone_number: '2125550109', lead_id: 'L9', list_id: 1 })
      const call = await until(body.request_id, done)
      t.ok(call.steps.some(({ step }) => step === 'answer_lost'))
      t.match(bland.ledger(), { placed: 1, numbers: { '+12125550109': { placed: 1 } } })
      t.equal(bland.ledger().entries.filter((entry) => entry.what === 'dial').length, 1)
      t.match(convoso.ledger(), { leads: { L9: { applied: 1 } } })
    })
  }
})

t.test('a lost answer whose completion never comes is found by looking', { buffered: true }, async (t) => {
  const { post, bland, convoso, until } = await stage(t, {
    redisUrl: redis.url,
    env: { LEASE: '1', CALL_DEADLINE_SECONDS: '1' },
  })
  bland.script({ lead_id: 'L10', outcome: 'NOT_INTERESTED', faults: { drop_after: 1, never: 1 } })
  const { body } = await post({ phone_number: '2125550110', lead_id: 'L10', list_id: 1 })
  const call = await until(body.request_id, done)
  t.match(call, { outcome: 'NOT_INTERESTED', call_id: /./ })
  t.match(bland.ledger(), { placed: 1 })
  t.match(convoso.ledger(), { leads: { L10: { applied: 1 } } })
})

t.test('a dial nobody ever hears of ends as DIAL_UNCONFIRMED, after its line', { buffered: true }, async (t) => {
  const {
    post,
    bland,
    convoso,
    until,
    redis: store,
    prefix,
  } = await stage(t, {
    redisUrl: redis.url,
    env: { LEASE: '1', CALL_DEADLINE_SECONDS: '2', LINE_HOLD: '1' },
  })
  bland.faults({ drop_before: 1 })
  const { body } = await post({ phone_number: '2125550111', lead_id: 'L11', list_id: 1 })
  const waiting = await until(body.request_id, ({ steps }) => steps.some(({ step }) => step === 'answer_lost'))
  t.equal(waiting.state, 'dialing')
  t.equal(await store.get(`${prefix}:line:+12125550111`), body.request_id, 'its line is held')
  t.same(await store.zrange(`${prefix}:pending`, 0, '-1'), [body.request_id], 'and its slot')
  const call = await until(body.request_id, done)
  t.equal(call.outcome, 'DIAL_UNCONFIRMED')
  const [dialing, concluded] = ['dialing', 'concluded'].map((name) => call.steps.find(({ step }) => step === name))
  t.ok(
    Date.parse(concluded?.at ?? '') - Date.parse(dialing?.at ?? '') >= 2000,
    'not before the longest call would have ended',
  )
  t.equal(bland.ledger().entries.filter((entry) => entry.what === 'dial').length, 1)
  t.match(convoso.ledger(), { leads: { L11: { applied: 1 } } })
  t.equal(await store.zcard(`${prefix}:pending`), 0)
})

t.test(
  'an overdue completion is fetched, a live call gets more time, a forgotten one ends',
  { buffered: true },
  async (t) => {
    const {
      post,
      bland,
      convoso,
      until,
      redis: store,
      prefix,
    } = await stage(t, {
      redisUrl: redis.url,
      env: { LEASE: '1', CALL_DEADLINE_SECONDS: '1', LINE_HOLD: '1' },
    })
    bland.script({ lead_id: 'V1', outcome: 'VOICEMAIL', faults: { never: 1 } })
    bland.script({ lead_id: 'V2', outcome: 'BUSY', faults: { call_ms: [2500, 2500] } })
    bland.script({ lead_id: 'V3', outcome: 'BUSY', faults: { never: 1, forgotten: 1 } })
    const ids = await Promise.all(
      ['V1', 'V2', 'V3'].map(async (lead_id, i) => {
        const { body } = await post({ phone_number: String(2125550160 + i), lead_id, list_id: 1 })
        return body.request_id
      }),
    )
    const [fetched, live, forgotten] = ids as [string, string, string]
    t.equal((await until(fetched, done)).outcome, 'VOICEMAIL')
    const longer = await until(live, ({ steps }) => steps.some(({ detail }) => detail === 'reason=still_live'))
    t.equal(longer.state, 'pending')
    t.ok((await store.pttl(`${prefix}:line:+12125550161`)) > 1000, 'its line goes on too')
    t.equal((await until(live, done)).outcome, 'BUSY')
    const gone = await until(forgotten, done)
    t.match(gone, { outcome: 'NO_COMPLETION', rule: 'vendor_knows_nothing' })
    t.equal(gone.steps.filter(({ step }) => step === 'looked').length, 2)
    t.match(convoso.ledger(), { leads: { V1: { applied: 1 }, V2: { applied: 1 }, V3: { applied: 1 } } })
    t.equal(bland.ledger().placed, 3)
  },
)

t.test('a completion that comes after all reopens a call that ended without one', { buffered: true }, async (t) => {
  const { post, app, bland, convoso, until } = await stage(t, {
    redisUrl: redis.url,
    env: { LEASE: '1', CALL_DEADLINE_SECONDS: '1', LINE_HOLD: '1' },
  })
  bland.script({ lead_id: 'V4', faults: { hang_before: 1 } })
  const { body } = await post({ phone_number: '2125550164', lead_id: 'V4', list_id: 1 })
  t.equal((await until(body.request_id, done)).outcome, 'DIAL_UNCONFIRMED')
  const bytes = JSON.stringify({ call_id: 'late-1', status: 'busy', metadata: { request_id: body.request_id } })
  const answer = await app.inject({
    method: 'POST',
    url: '/webhooks/bland-callback',
    headers: { 'x-webhook-signature': sign(Buffer.from(bytes), 'test-webhook-secret') },
    payload: bytes,
  })
  t.equal(answer.statusCode, 200)
  await until(body.request_id, (call) => call.outcome === 'BUSY' && done(call))
  t.match(convoso.lead('V4'), { status: 'B' })
})

t.test('a clear no brings the call back to queued, and it is dialed later', { buffered: true }, async (t) => {
  const { post, bland, convoso, until } = await stage(t, { redisUrl: redis.url })
  bland.script({ lead_id: 'L12', faults: { rate_limited: 1 }, faulty_attempts: 1 })
  const { body } = await post({ phone_number: '2125550112', lead_id: 'L12', list_id: 1 })
  const back = await until(body.request_id, ({ steps }) => steps.filter(({ step }) => step === 'queued').length > 0)
  t.ok(back.state !== 'queued' || Date.parse(back.due_at ?? '') > Date.now(), 'due later, and it says when')
  await until(body.request_id, done)
  t.match(bland.ledger(), { numbers: { '+12125550112': { placed: 1 } } })
  t.match(convoso.ledger(), { leads: { L12: { applied: 1 } } })
})

t.test('a completion that crosses the write of another outcome has the last word', { buffered: true }, async (t) => {
  const {
    post,
    app,
    bland,
    convoso,
    until,
    redis: store,
    prefix,
  } = await stage(t, {
    redisUrl: redis.url,
    env: { LEASE: '2', CALL_DEADLINE_SECONDS: '1', LINE_HOLD: '1' },
  })
  bland.script({ lead_id: 'V5', faults: { drop_before: 1 } })
  convoso.script({ lead_id: 'V5', faults: { 'leads/update': { slow: { first: 1, ms: 700 } } } })
  const { body } = await post({ phone_number: '2125550165', lead_id: 'V5', list_id: 1 })
  await until(body.request_id, ({ steps }) => steps.some(({ step }) => step === 'concluded'))
  // Until the write of what was concluded is on its way.
  while ((await store.hget(`${prefix}:call:${body.request_id}`, 'claims')) !== '1');
  const bytes = JSON.stringify({ call_id: 'late-2', status: 'busy', metadata: { request_id: body.request_id } })
  const headers = { 'x-webhook-signature': sign(Buffer.from(bytes), 'test-webhook-secret') }
  await app.inject({ method: 'POST', url: '/webhooks/bland-callback', headers, payload: bytes })
  await until(body.request_id, (call) => call.outcome === 'BUSY' && done(call))
  const writes = await convoso.seen((entry) => entry.what === 'write', 2)
  t.same(
    writes.map((write) => write.what === 'write' && write.params.status),
    ['N', 'B'],
  )
})

t.test('a call the vendor calls live for ever ends all the same', { buffered: true }, async (t) => {
  const { app, post, bland, until } = await stage(t, { redisUrl: redis.url })
  bland.faults({ never: 1, call_ms: [60_000, 60_000] })
  const { body } = await post({ phone_number: '2125550166', lead_id: 'V6', list_id: 1 })
  await until(body.request_id, ({ state }) => state === 'pending')
  const { work, runner, times } = app.calls
  const log = { info() {}, warn() {}, error() {} }
  const overdue = createOverdue({ store: work, voice: app.voice, runner, times, log })
  // Its deadline is far off: the look is brought forward, as if it had been due.
  const look = async () => {
    await app.calls.redis.zadd(`${app.config.KEY_PREFIX}:due:look`, 1, body.request_id)
    return (await work.claimDue(`op-${Math.random()}`, 'test', { dial: 0, look: 1, deliver: 0 })).claims[0]
  }
  const claim = await look()
  if (!claim) throw new Error('the runner was quicker')
  await overdue({ ...claim, at: (claim.call.dialedAt ?? 0) + times.endless + 1 })
  t.match(await until(body.request_id, done), { outcome: 'NO_COMPLETION', rule: 'never_ended' })
})
