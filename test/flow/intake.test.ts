import t from 'tap'
import { sign } from '../../src/bland/signature.ts'
import { startRedis } from '../../src/dev/redis/start.ts'
import { ADMIN, redisFor, stage } from '../stage.ts'

/* What senders hear: a reason for every no, and a yes only for what is stored. */

const redis = await redisFor(t)
const lead = { phone_number: '2125550150', lead_id: 'I1', list_id: 1 }
const LEADS = '/webhooks/awhealth-outbound'
const COMPLETIONS = '/webhooks/bland-callback'
const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }
const signed = (payload: string) => ({
  method: 'POST' as const,
  url: COMPLETIONS,
  headers: { ...json, 'x-webhook-signature': sign(Buffer.from(payload), 'test-webhook-secret') },
  payload,
})

t.test('a bad lead: 400, and every field at fault at once', async (t) => {
  const { app, redis: store, prefix } = await stage(t, { redisUrl: redis.url })
  const cases: [string, Record<string, string>, string | undefined, RegExp][] = [
    ['nothing', json, '{}', /phone_number is required, lead_id is required, list_id is required/],
    [
      'blank, null and zero',
      json,
      '{"phone_number":" ","lead_id":"0","list_id":null}',
      /phone_number.*lead_id.*list_id/,
    ],
    ['the word null', form, 'phone_number=null&lead_id=NULL&list_id=', /phone_number.*lead_id.*list_id/],
    ['wrong types', json, '{"phone_number":{},"lead_id":[1],"list_id":true}', /phone_number.*lead_id.*list_id/],
    [
      'a short number beside a missing id',
      json,
      '{"phone_number":"55512","list_id":1}',
      /phone_number must be.*lead_id/,
    ],
    ['a Canadian number', json, '{"phone_number":"4165550123","lead_id":1,"list_id":1}', /phone_number belongs to CA/],
    ['an array', json, '[{"phone_number":"2125550150"}]', /the body must be one lead/],
    ['a text', json, '"lead"', /the body must be one lead/],
    ['nothing at all', json, 'null', /the body must be one lead/],
    ['cut-off JSON', json, '{"phone_number":"2125550150","lead', /JSON/],
    ['no body', json, undefined, /empty/i],
    ['a poisoned prototype', json, '{"__proto__":{"a":1},"lead_id":1}', /./],
    [
      'ids that lost their digits',
      json,
      '{"phone_number":"2125550150","lead_id":12345678901234567890,"list_id":1e21}',
      /lead_id must.*list_id must/,
    ],
    [
      'a field without a bottom',
      json,
      `{"phone_number":"2125550150","lead_id":1,"deep":${'['.repeat(20_000)}${']'.repeat(20_000)}}`,
      /list_id is required, deep is nested/,
    ],
    [
      'more fields than a lead has',
      json,
      JSON.stringify({ ...lead, ...Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`f${i}`, i])) }),
      /at most 500 fields/,
    ],
    ['a form with a field twice', form, 'phone_number=2125550150&lead_id=1&lead_id=2&list_id=1', /lead_id must be/],
  ]
  for (const [name, headers, payload, reason] of cases) {
    const answer = await app.inject({
      method: 'POST',
      url: LEADS,
      headers,
      ...(payload === undefined ? {} : { payload }),
    })
    t.equal(answer.statusCode, 400, name)
    t.match(answer.json(), { success: false, error: reason, request_id: /^req_/ }, name)
    t.notMatch(answer.body, /node_modules|at .*\.ts/, 'no stack')
  }
  const large = await app.inject({ method: 'POST', url: LEADS, payload: { ...lead, notes: 'x'.repeat(300_000) } })
  t.equal(large.statusCode, 413)
  t.match(large.json(), { success: false, request_id: /^req_/ })
  const xml = await app.inject({ method: 'POST', url: LEADS, headers: { 'content-type': 'text/xml' }, payload: '<a/>' })
  t.equal(xml.statusCode, 415)
  const plain = await app.inject({
    method: 'POST',
    url: LEADS,
    headers: { 'content-type': 'text/plain' },
    payload: 'x',
  })
  t.equal(plain.statusCode, 415)
  const nowhere = await app.inject({ url: '/nope?secret=x' })
  t.match(nowhere.json(), { success: false, error: 'Not Found', path: '/nope' })
  t.same(await store.keys(`${prefix}:call:*`), [], 'nothing was stored')
})

t.test('a form is as good as JSON, and unknown fields are kept', async (t) => {
  const { app, call, redis: store, prefix, bland } = await stage(t, { redisUrl: redis.url })
  const payload =
    'phone_number=%28212%29+555-0151&lead_id=I2&list_id=9&first_name=Ren%C3%A9&favourite=%F0%9F%8D%8E&blank=&toString=x'
  const answer = await app.inject({ method: 'POST', url: LEADS, headers: form, payload })
  t.equal(answer.statusCode, 202)
  const [dial] = await bland.seen((entry) => entry.what === 'dial')
  t.match(dial, { body: { phone_number: '+12125550151', request_data: { first_name: 'René', favourite: '🍎' } } })
  const kept = await store.hgetall(`${prefix}:call:${answer.json().request_id}`)
  t.match(kept, { 'lead.first_name': 'René', 'lead.favourite': '🍎', 'lead.toString': 'x', list_id: '9' })
  t.notOk('lead.blank' in kept)
  t.equal((await call(answer.json().request_id)).request_id, answer.json().request_id)
})

t.test('errors of Redis are logged without the command they hang on', async (t) => {
  const own = await redisFor(t, {})
  const { post, bland, redis: store, prefix, logged } = await stage(t, { redisUrl: own.url })
  bland.faults({ answer_late_ms: 300, never: 1 })
  await post({ ...lead, phone_number: '2125550159' })
  await bland.seen(({ what }) => what === 'placed')
  await store.set(`${prefix}:pending`, 'not a list')
  while (!logged().includes('broke off')) await new Promise((resolve) => setTimeout(resolve, 10))
  t.match(logged(), /WRONGTYPE/)
  t.notMatch(logged(), /5550159|"args"/)
})

t.test('numbers as people write them', async (t) => {
  const { app } = await stage(t, { redisUrl: redis.url, env: { BLAND_MAX_CONCURRENT: '1' } })
  const taken = [
    '2125550160',
    '12125550161',
    '+12125550162',
    '(212) 555-0163',
    '212.555.0164',
    ' 1-212-555-0165 ',
    2125550166,
    '+15551234567',
    '7875550167',
  ]
  for (const [i, phone_number] of taken.entries()) {
    const { statusCode } = await app.inject({
      method: 'POST',
      url: LEADS,
      payload: { phone_number, lead_id: `P${i}`, list_id: 1 },
    })
    t.equal(statusCode, 202, String(phone_number))
  }
  for (const phone_number of [
    '212555016',
    '22125550160',
    '+442079460123',
    '2425550100',
    '212-555-CALL',
    '+1 212 555 0160 x5',
    true,
  ]) {
    const { statusCode } = await app.inject({
      method: 'POST',
      url: LEADS,
      payload: { phone_number, lead_id: 'P', list_id: 1 },
    })
    t.equal(statusCode, 400, String(phone_number))
  }
})

t.test('the lead secret, in a header or in the URL', async (t) => {
  const { app } = await stage(t, { redisUrl: redis.url, env: { CONVOSO_WEBHOOK_SECRET: 's3cret' } })
  const post = (url: string, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url, headers, payload: lead })
  t.equal((await post(LEADS)).statusCode, 401)
  t.equal((await post(LEADS, { 'x-webhook-secret': 's3creT' })).statusCode, 401)
  t.equal((await post(`${LEADS}?secret=nope`)).statusCode, 401)
  t.match((await post(LEADS)).json(), { success: false, error: /x-webhook-secret/, request_id: /^req_/ })
  t.equal((await post(LEADS, { 'x-webhook-secret': 's3cret' })).statusCode, 202)
  t.equal((await post(`${LEADS}?secret=s3cret`)).statusCode, 202)
})

t.test('completions: signed by a secret of ours, over these bytes', async (t) => {
  const { app } = await stage(t, { redisUrl: redis.url, env: { BLAND_WEBHOOK_SECRET: 'new, test-webhook-secret' } })
  const good = signed('{"call_id":"c-1","status":"busy"}')
  t.equal((await app.inject(good)).statusCode, 200)
  t.equal((await app.inject({ ...good, headers: json })).statusCode, 401)
  t.equal((await app.inject({ ...good, payload: `${good.payload} ` })).statusCode, 401)
  t.match((await app.inject({ ...good, headers: json })).json(), { success: false, error: /Signature/ })
})

t.test('completions that are none: 4xx with a reason', async (t) => {
  const { app } = await stage(t, { redisUrl: redis.url })
  for (const payload of ['', '{"call_id":"c-2"', '[]', 'null', '{"status":"completed"}']) {
    const answer = await app.inject(signed(payload))
    t.equal(answer.statusCode, 400, payload)
    t.match(answer.json(), { success: false, error: /./, request_id: /^req_/ })
  }
  const huge = await app.inject(
    signed(JSON.stringify({ call_id: 'c-3', status: 'completed', summary: 'x'.repeat(10_500_000) })),
  )
  t.equal(huge.statusCode, 413)
})

t.test('a completion nobody knows is kept for a day, and at most a thousand are', async (t) => {
  const { app, redis: store, prefix } = await stage(t, { redisUrl: redis.url })
  const answer = await app.inject(signed('{"call_id":"nobody","status":"completed"}'))
  t.match(answer.json(), { success: true })
  t.equal(await store.get(`${prefix}:completion:nobody`), '{"call_id":"nobody","status":"completed"}')
  t.ok((await store.pttl(`${prefix}:completion:nobody`)) > 86_000_000)
  for (let i = 0; i < 1001; i++) await app.inject(signed(`{"call_id":"n${i}","status":"completed"}`))
  t.equal(await store.zcard(`${prefix}:parked`), 1000)
  t.equal(await store.exists(`${prefix}:completion:nobody`), 0, 'the oldest went')
})

t.test('Redis away: 503 within 250 ms; back: 202 within 5 s', async (t) => {
  const own = await startRedis()
  t.teardown(() => own.stop())
  const { app, url, post, until } = await stage(t, { redisUrl: own.url })
  const timed = async (send: () => Promise<{ status: number; headers?: Headers }>) => {
    const startedAt = performance.now()
    const answer = await send()
    return { ...answer, ms: performance.now() - startedAt }
  }
  const raw = () => fetch(`${url}${LEADS}`, { method: 'POST', headers: json, body: JSON.stringify(lead) })
  t.equal((await app.inject('/health/ready')).statusCode, 200)
  await post({ ...lead, lead_id: 'warm', phone_number: '2125550171' })

  for (const [i, outage] of (['SIGSTOP', 'SIGKILL'] as const).entries()) {
    await own.kill(outage)
    const answers = []
    for (let i = 0; i < 9; i++)
      answers.push(
        await timed(async () => {
          const { status, headers } = await raw()
          return { status, headers }
        }),
      )
    t.ok(
      answers.every(({ status, headers }) => status === 503 && headers?.get('retry-after') === '1'),
      `${outage}: 503`,
    )
    const median = answers.map(({ ms }) => ms).sort((a, b) => a - b)[4] ?? Infinity
    t.ok(median < 250, `${outage}: median ${Math.round(median)} ms`)
    t.equal((await app.inject('/health/live')).statusCode, 200)
    const ready = await app.inject('/health/ready')
    t.equal(ready.statusCode, 503)
    const completion = await app.inject(signed('{"call_id":"c-9","status":"busy"}'))
    t.equal(completion.statusCode, 503)

    if (outage === 'SIGSTOP') await own.kill('SIGCONT')
    else await own.restart()
    const backAt = performance.now()
    for (;;) {
      const { status, body } = await post({ ...lead, lead_id: `after-${outage}`, phone_number: `212555019${i}` })
      if (status !== 202) continue
      t.ok(performance.now() - backAt < 5000, `${outage}: back after ${Math.round(performance.now() - backAt)} ms`)
      await until(body.request_id, ({ state }) => state === 'completed')
      break
    }
  }
})

t.test('a lead whose admission was carried out, and its answer lost, is still called once', async (t) => {
  const { app, post, bland, redis: store, prefix } = await stage(t, { redisUrl: redis.url })
  const { admit } = app.calls.store
  app.calls.store.admit = async (...args) => {
    await admit(...args)
    throw new Error('connection lost')
  }
  const { status, body } = await post({ ...lead, lead_id: 'I11', phone_number: '2125550181' })
  t.equal(status, 503)
  app.calls.store.admit = admit
  await bland.seen((entry) => entry.what === 'placed')
  t.match(await store.hget(`${prefix}:call:${body.request_id}`, 'step.3'), /queued reason=admission_answer_lost/)
  const again = await post({ ...lead, lead_id: 'I11', phone_number: '2125550181' })
  t.match(again.body, { duplicate: true, request_id: body.request_id })
  t.equal(bland.ledger().placed, 1)
})

t.test('health, and the calls API behind its token', async (t) => {
  const { app, post, until } = await stage(t, { redisUrl: redis.url })
  t.match((await app.inject('/health')).json(), {
    status: 'ok',
    service: 'awh-outbound-orchestrator',
    timestamp: /^\d{4}-.*Z$/,
    architecture: 'async',
  })
  for (const url of ['/calls', '/calls/stats', '/calls/x']) t.equal((await app.inject(url)).statusCode, 401)
  const get = (url: string) => app.inject({ url, headers: { authorization: `Bearer ${ADMIN}` } })
  const { body } = await post({ ...lead, lead_id: 'I9', phone_number: '2125550180' })
  await post({ ...lead, lead_id: 'I9', phone_number: '2125550180' })
  const call = await until(body.request_id, ({ state }) => state === 'completed')
  t.match((await get(`/calls/${call.call_id}`)).json(), { request_id: body.request_id }, 'by call_id too')
  t.match((await get('/calls?state=completed')).json(), { calls: [{ request_id: body.request_id }] })
  t.same((await get('/calls/stats')).json(), {
    queued: 0,
    dialing: 0,
    pending: 0,
    delivering: 0,
    failed: 0,
    completed: 1,
    refused: 0,
    duplicate: 1,
    sibling: 0,
    unconfirmed: 0,
    looked_up: 0,
    unmatched: 0,
    total: 1,
  })
  t.equal((await get('/calls/none')).statusCode, 404)
  t.match((await get('/calls?state=lost')).statusCode, 400)
  t.same((await get('/calls')).json(), { calls: [] })
  t.notMatch((await get(`/calls/${body.request_id}`)).body, '5550180', 'nothing personal')
})

t.test('without ADMIN_TOKEN the calls API is closed', async (t) => {
  const { app } = await stage(t, { redisUrl: redis.url, env: { ADMIN_TOKEN: '' } })
  const answer = await app.inject({ url: '/calls', headers: { authorization: 'Bearer ' } })
  t.equal(answer.statusCode, 401)
  t.match(answer.json(), { error: /ADMIN_TOKEN/ })
})

t.test('a Redis that evicts keys is not ready', async (t) => {
  const evicting = await redisFor(t, {})
  const { app, redis: store } = await stage(t, { redisUrl: evicting.url })
  await store.config('SET', 'maxmemory-policy', 'volatile-lru')
  const ready = await app.inject('/health/ready')
  t.equal(ready.statusCode, 503)
  t.match(ready.json(), { reason: /volatile-lru/ })
})

t.test('an instance that could not ask for the epoch at its start asks again', async (t) => {
  const full = await redisFor(t, { maxmemory: '1' })
  const { app, post, bland, redis: store, logged } = await stage(t, { redisUrl: full.url })
  t.match(logged(), /cannot be asked for its epoch/)
  t.equal((await app.inject('/health/live')).statusCode, 200)
  await store.config('SET', 'maxmemory', '0')
  await post({ ...lead, lead_id: 'I12' })
  await bland.seen(({ what }) => what === 'placed')
})

t.test('a new store without DNC_SOURCE takes leads and dials nobody', async (t) => {
  const { post, call, bland, logged } = await stage(t, { redisUrl: redis.url, env: { DNC_SOURCE: '' } })
  const { status, body } = await post({ ...lead, lead_id: 'I10' })
  t.equal(status, 202)
  t.match(await call(body.request_id), { state: 'queued', waits_for: 'pause' })
  t.match(logged(), /nobody is dialed/)
  t.equal(bland.ledger().placed, 0)
})
