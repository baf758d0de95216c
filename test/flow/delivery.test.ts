import t from 'tap'
import { ADMIN, redisFor, stage } from '../stage.ts'

/* Convoso says no in many ways. Every outcome gets there, or ends where a person can see it and send it again. */

const redis = await redisFor(t)
const done = (call: { state: string }) => call.state === 'completed'

t.test('an outcome gets through every way Convoso fails', async (t) => {
  const { post, convoso, until, bland } = await stage(t, { redisUrl: redis.url })
  const ways = {
    success_false: { code: 9999, text: 'Something new' },
    too_many: { retry_after: 1 },
    server_error: { status: 503 },
    html: {},
    empty: {},
    reset_before: {},
    truncated: {},
    reset_after: {},
  } as const
  const leads = Object.entries(ways).map(([way, detail], i) => {
    const lead_id = `D${i}`
    convoso.script({ lead_id, faults: { 'leads/update': { [way]: { first: 2, ...detail } } } })
    return { way, lead_id, phone_number: String(2125550130 + i), list_id: 1 }
  })
  const answers = await Promise.all(leads.map(({ way: _, ...lead }) => post(lead)))
  const calls = await Promise.all(answers.map(({ body }) => until(body.request_id, done)))
  for (const [i, { way, lead_id }] of leads.entries()) {
    t.match(convoso.ledger().leads[lead_id], { confirmed: 1 }, `${way}: written`)
    t.equal(calls[i]?.steps.filter(({ step }) => step === 'write_failed').length, 2, `${way}: two tries failed`)
  }
  t.equal(bland.ledger().placed, leads.length)
})

t.test('a lead Convoso does not know is a dead letter, and can be replayed', async (t) => {
  const { app, post, convoso, until, logged } = await stage(t, { redisUrl: redis.url })
  convoso.faults({ strict_leads: true })
  const { body } = await post({ phone_number: '2125550140', lead_id: 'D20', list_id: 1 })
  const dead = await until(body.request_id, ({ state }) => state === 'failed')
  t.match(dead, { last_error: /6001/, due_at: null })
  t.match(logged(), /dead letter/)
  const admin = { authorization: `Bearer ${ADMIN}` }
  const listed = (await app.inject({ url: '/calls?state=failed', headers: admin })).json()
  t.match(listed, { calls: [{ request_id: body.request_id }] })

  convoso.leads([{ lead_id: 'D20' }])
  const replay = await app.inject({ method: 'POST', url: `/calls/${body.request_id}/replay`, headers: admin })
  t.equal(replay.statusCode, 202)
  const call = await until(body.request_id, done)
  t.ok(call.steps.some(({ step }) => step === 'replayed'))
  t.match(convoso.ledger().leads.D20, { confirmed: 1 })

  const again = await app.inject({
    method: 'POST',
    url: `/calls/${body.request_id}/replay/`,
    headers: { ...admin, 'content-type': 'application/json' },
    payload: '',
  })
  t.equal(again.statusCode, 409)
  const unknown = await app.inject({ method: 'POST', url: '/calls/req_0_unknown/replay', headers: admin })
  t.equal(unknown.statusCode, 404)
})

t.test('a write that is done is not sent again while the next one fails', async (t) => {
  const { post, convoso, until } = await stage(t, { redisUrl: redis.url })
  convoso.faults({ 'log/update': { server_error: { first: 2 } } })
  const { body } = await post({ phone_number: '2125550141', lead_id: 'D21', list_id: 1, call_log_id: 'CL21' })
  await until(body.request_id, done)
  t.match(convoso.ledger(), { leads: { D21: { applied: 1 } }, call_logs: { CL21: { applied: 1 } } })
})

t.test('the two writes of a call with a log keep to the rate as well', async (t) => {
  const { post, convoso, until } = await stage(t, { redisUrl: redis.url, env: { CONVOSO_MAX_RPS: '4', LEASE: '15' } })
  const { body } = await post({ phone_number: '2125550143', lead_id: 'D23', list_id: 1, call_log_id: 'CL23' })
  await until(body.request_id, done)
  const [first, second] = await convoso.seen((entry) => entry.what === 'write', 2)
  t.ok((second?.at_ms ?? 0) - (first?.at_ms ?? 0) >= 240, 'a quarter of a second apart')
})

t.test('a 429 slows all writers down', async (t) => {
  const { post, convoso, until, redis: store, prefix } = await stage(t, { redisUrl: redis.url })
  convoso.script({ lead_id: 'D22', faults: { 'leads/update': { too_many: { first: 1 } } } })
  const { body } = await post({ phone_number: '2125550142', lead_id: 'D22', list_id: 1 })
  await until(body.request_id, done)
  t.equal(await store.hget(`${prefix}:control`, 'crm_per_second'), '500', 'half of 1000')
})

t.test('never more writes in a second than allowed', async (t) => {
  const { post, convoso } = await stage(t, { redisUrl: redis.url, env: { CONVOSO_MAX_RPS: '20' } })
  for (let i = 0; i < 50; i++) await post({ phone_number: String(2125550200 + i), lead_id: `R${i}`, list_id: 1 })
  await convoso.seen((entry) => entry.what === 'write', 50)
  // Requests leave evenly; on their way they bunch up a little.
  t.ok(convoso.ledger().peak_rps <= 24, `peak ${convoso.ledger().peak_rps}/s`)
})
