import { createHash } from 'node:crypto'
import t from 'tap'
import { sign } from '../../src/bland/signature.ts'
import { redisFor, stage } from '../stage.ts'

/* One lead's way from Convoso through Bland and back, and the ways it is known to go astray. */

const redis = await redisFor(t)
const done = (call: { state: string }) => call.state === 'completed'

t.test('a lead becomes one call and one outcome', async (t) => {
  const { post, bland, convoso, until } = await stage(t, { redisUrl: redis.url })
  bland.script({ lead_id: '7001', outcome: 'TRANSFERRED' })

  const { status, body } = await post({
    phone_number: '(212) 555-0101',
    lead_id: 7001,
    list_id: '16529',
    first_name: 'Ana',
    state: 'NY',
  })
  t.equal(status, 202)
  t.match(body, { success: true, request_id: /^req_\d{13}_[0-9a-f]+$/ })
  const call = await until(body.request_id, done)

  const [dial] = await bland.seen((entry) => entry.what === 'dial')
  t.match(dial, {
    body: {
      phone_number: '+12125550101',
      pathway_id: 'test-pathway',
      metadata: { request_id: body.request_id, lead_id: '7001', list_id: '16529' },
      request_data: { first_name: 'Ana', state: 'NY', request_id: body.request_id },
      webhook: new RegExp(`/webhooks/bland-callback\\?call=${body.request_id}$`),
    },
  })
  const [write] = await convoso.seen((entry) => entry.what === 'write')
  t.match(write, {
    endpoint: 'leads/update',
    lead_id: '7001',
    params: { status: 'ACA', bland_call_id: call.call_id, call_transcript: /^Call Outcome: TRANSFERRED\n/ },
  })
  t.match(call, { state: 'completed', outcome: 'TRANSFERRED', due_at: null })
  t.same(
    call.steps.map(({ step }) => step),
    ['admitted', 'dialing', 'pending', 'completion', 'completed'],
  )
  t.match(convoso.ledger(), { violations: 0, leads: { 7001: { applied: 1, confirmed: 1 } } })
})

t.test('a call log given with the lead is written too', async (t) => {
  const { post, convoso, until } = await stage(t, { redisUrl: redis.url })
  const { body } = await post({ phone_number: '2125550102', lead_id: 'L2', list_id: 1, call_log_id: 'CL9' })
  await until(body.request_id, done)
  t.match(convoso.ledger(), { leads: { L2: { applied: 1 } }, call_logs: { CL9: { applied: 1 } }, violations: 0 })
})

t.test('the same lead under way is a duplicate, and so may be its number', async (t) => {
  const { post, bland, until } = await stage(t, { redisUrl: redis.url, env: { SIBLINGS: 'ignore' } })
  bland.faults({ call_ms: [300, 300] })
  const first = await post({ phone_number: '2125550103', lead_id: 'L3', list_id: 1 })
  const posts = await Promise.all([
    post({ phone_number: '+1 212 555 0103', lead_id: 'L3', list_id: 1 }),
    post({ phone_number: '12125550103', lead_id: 'L3-elsewhere', list_id: 2 }),
    post({ phone_number: '2125550199', lead_id: 'L3', list_id: 1 }),
  ])
  for (const { status, body } of posts) {
    t.equal(status, 202)
    t.match(body, { success: true, duplicate: true, request_id: first.body.request_id })
  }
  await until(first.body.request_id, done)
  t.equal(bland.ledger().placed, 1)
})

t.test('a completion that overtakes the answer to its dial is taken', async (t) => {
  const { post, bland, convoso, until } = await stage(t, { redisUrl: redis.url })
  bland.faults({ early: 1, answer_late_ms: 150 })
  const { body } = await post({ phone_number: '2125550104', lead_id: 'L4', list_id: 1 })
  const call = await until(body.request_id, done)
  t.match(
    call.steps.map(({ step, detail }) => `${step} ${detail}`),
    ['admitted ', 'dialing ', 'completion from=dialing'],
  )
  t.match(bland.ledger(), { placed: 1 })
  t.match(convoso.ledger(), { leads: { L4: { applied: 1 } } })
})

t.test('even when it carries nothing but its call_id', async (t) => {
  const { post, app, bland, convoso, until } = await stage(t, { redisUrl: redis.url })
  bland.faults({ never: 1, answer_late_ms: 300 })
  const { body } = await post({ phone_number: '2125550105', lead_id: 'L5', list_id: 1 })
  const [placed] = await bland.seen((entry) => entry.what === 'placed')
  const bytes = JSON.stringify({ call_id: placed?.what === 'placed' && placed.call_id, status: 'busy' })
  const answer = await app.inject({
    method: 'POST',
    url: '/webhooks/bland-callback',
    headers: {
      'content-type': 'application/json',
      'x-webhook-signature': sign(Buffer.from(bytes), 'test-webhook-secret'),
    },
    payload: bytes,
  })
  t.equal(answer.statusCode, 200)
  const call = await until(body.request_id, done)
  t.equal(call.outcome, 'BUSY')
  t.match(convoso.ledger(), { leads: { L5: { applied: 1 } } })
})

t.test('copies of a completion change nothing', async (t) => {
  const { post, bland, convoso, until, redis: store, prefix } = await stage(t, { redisUrl: redis.url })
  bland.faults({ thrice: 1, copy_ms: [0, 50] })
  const { body } = await post({ phone_number: '2125550106', lead_id: 'L6', list_id: 1 })
  const mails = await bland.seen((entry) => entry.what === 'mail' && entry.kind === 'completion', 3)
  t.same(
    mails.map((mail) => mail.what === 'mail' && mail.status),
    [200, 200, 200],
  )
  await until(body.request_id, done)
  t.match(convoso.ledger(), { leads: { L6: { applied: 1 } } })
  t.same(await store.keys(`${prefix}:completion:*`), [], 'and leave no bytes behind')
})

t.test('in-call events and enrichments are acknowledged and change nothing', async (t) => {
  const { post, bland, convoso, until } = await stage(t, { redisUrl: redis.url })
  bland.faults({ events_before: 1, enrichment_after: 1 })
  const { body } = await post({ phone_number: '2125550107', lead_id: 'L7', list_id: 1 })
  const enrichment = await bland.seen((entry) => entry.what === 'mail' && entry.kind === 'enrichment')
  t.match(enrichment, [{ status: 200 }])
  await until(body.request_id, done)
  t.notOk(bland.ledger().entries.some((entry) => entry.what === 'mail' && entry.status !== 200))
  t.match(convoso.ledger(), { leads: { L7: { applied: 1 } } })
})

t.test('a completion of 6 MB is taken and delivered', async (t) => {
  const { post, bland, convoso, until } = await stage(t, { redisUrl: redis.url })
  bland.faults({ padded: 1, padded_mb: [6, 6] })
  const { body } = await post({ phone_number: '2125550108', lead_id: 'L8', list_id: 1 })
  await until(body.request_id, done)
  const [mail] = await bland.seen((entry) => entry.what === 'mail' && entry.kind === 'completion')
  t.ok(mail?.what === 'mail' && mail.bytes > 5_900_000 && mail.status === 200)
  t.match(convoso.ledger(), { leads: { L8: { applied: 1 } } })
})

t.test('a number Bland must not call is refused for good', async (t) => {
  const { post, bland, convoso, until, redis: store, prefix } = await stage(t, { redisUrl: redis.url })
  bland.faults({ refusals: { '+12125550113': 'dnc' } })
  const { body } = await post({ phone_number: '2125550113', lead_id: 'L13', list_id: 1 })
  const call = await until(body.request_id, done)
  t.match(call, { outcome: 'REFUSED', rule: 'do_not_call' })
  t.equal(await store.sismember(`${prefix}:dnc`, '+12125550113'), 1)
  t.equal(await store.exists(`${prefix}:line:+12125550113`), 0, 'nobody was rung: the line is free')

  const again = await post({ phone_number: '2125550113', lead_id: 'L13-b', list_id: 1 })
  t.match(again, { status: 202, body: { success: true, state: 'refused', rule: 'do_not_call' } })
  await until(again.body.request_id, done)
  t.equal(bland.ledger().entries.filter((entry) => entry.what === 'dial').length, 1)
  t.match(convoso.ledger(), { leads: { L13: { applied: 1 }, 'L13-b': { applied: 1 } } })
})

t.test('who asks not to be called again is not', async (t) => {
  const { post, bland, until } = await stage(t, { redisUrl: redis.url, env: { LINE_HOLD: '1' } })
  bland.script({ lead_id: 'L14', outcome: 'DO_NOT_CALL' })
  const { body } = await post({ phone_number: '2125550114', lead_id: 'L14', list_id: 1 })
  t.equal((await until(body.request_id, done)).outcome, 'DO_NOT_CALL')
  const again = await post({ phone_number: '2125550114', lead_id: 'L14', list_id: 1 })
  t.match(again.body, { state: 'refused', rule: 'do_not_call' })
  t.equal(bland.ledger().placed, 1)
})

t.test('a number rests after its call, then the next lead is dialed', async (t) => {
  const { post, bland, until } = await stage(t, { redisUrl: redis.url, env: { LINE_HOLD: '1' } })
  const first = await post({ phone_number: '2125550115', lead_id: 'L15', list_id: 1 })
  await until(first.body.request_id, done)
  const second = await post({ phone_number: '2125550115', lead_id: 'L15', list_id: 1 })
  t.notOk(second.body.duplicate)
  const waiting = await until(second.body.request_id, () => true)
  t.match(waiting, { state: 'queued', waits_for: 'line' })
  await until(second.body.request_id, done)
  const [one, two] = await bland.seen((entry) => entry.what === 'placed', 2)
  const [ended] = await bland.seen((entry) => entry.what === 'ended')
  t.ok((two?.at_ms ?? 0) - (ended?.at_ms ?? 0) >= 900, `rested ${(two?.at_ms ?? 0) - (one?.at_ms ?? 0)} ms`)
})

t.test('never more calls under way than there are slots', async (t) => {
  const { post, bland, convoso, another } = await stage(t, { redisUrl: redis.url, env: { BLAND_MAX_CONCURRENT: '5' } })
  await another({ BLAND_MAX_CONCURRENT: '5' })
  const numbers = Array.from({ length: 40 }, (_, i) => String(2125550120 + i))
  await Promise.all(numbers.map((phone_number, i) => post({ phone_number, lead_id: `S${i}`, list_id: 1 })))
  await convoso.seen((entry) => entry.what === 'write', 40)
  t.match(bland.ledger(), { placed: 40 })
  t.ok(bland.ledger().max_live <= 5, `at most ${bland.ledger().max_live} live`)
  t.ok(Object.values(bland.ledger().numbers).every(({ placed }) => placed === 1))
})

t.test('nothing personal and no secret is logged', async (t) => {
  const { post, bland, until, logged } = await stage(t, {
    redisUrl: redis.url,
    env: { CONVOSO_WEBHOOK_SECRET: 'lead-secret-value' },
  })
  bland.script({ lead_id: 'L16', outcome: 'CALLBACK' })
  const lead = {
    phone_number: '2125550116',
    lead_id: 'L16',
    list_id: 1,
    first_name: 'Zebulon',
    email: 'z@example.test',
  }
  await post({ ...lead, lead_id: '' }, { 'x-webhook-secret': 'lead-secret-value' })
  await post(lead, { 'x-webhook-secret': 'wrong-secret-value' })
  const { body } = await post(lead, { 'x-webhook-secret': 'lead-secret-value' })
  await until(body.request_id, done)
  const [mail] = await bland.seen((entry) => entry.what === 'mail' && entry.kind === 'completion')
  t.equal(mail?.what === 'mail' && mail.sha256.length, createHash('sha256').update('').digest('hex').length)
  const log = logged()
  for (const stageName of ['INIT', 'BLAND_CALL', 'WEBHOOK_REGISTERED', 'COMPLETE'])
    t.match(log, `"stage":"${stageName}"`)
  for (const personal of [
    '5550116',
    'Zebulon',
    'z@example',
    'secret-value',
    'simulated-key',
    'simulated-token',
    'assistant:',
  ]) {
    t.notMatch(log, personal)
  }
})
