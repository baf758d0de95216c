import { createHash, createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { sign } from '../../src/dev/bland-simulator/sign.ts'
import { type BlandSimulatorOptions, createBlandSimulator } from '../../src/dev/bland-simulator/simulator.ts'
import { type Clock, wallClock } from '../../src/dev/simulator/clock.ts'

type Json = Record<string, unknown>
const PHONE = '+12125550123'
const quick = {
  answer_ms: [0, 0],
  call_ms: [5, 5],
  copy_ms: [0, 0],
  resend_ms: 1,
  same_number_ms: 0,
} satisfies BlandSimulatorOptions['dials']

interface Mail {
  bytes: Buffer
  json: Json
  headers: IncomingHttpHeaders
}

/** A webhook that keeps what it gets; `answers` are its statuses in turn, 200 after them. */
async function receiver(t: Test, answers: number[] = []) {
  const mails: Mail[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const bytes = Buffer.concat(chunks)
    mails.push({ bytes, json: JSON.parse(bytes.toString()) as Json, headers: request.headers })
    response.writeHead(answers.shift() ?? 200).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { mails, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?call=r1` }
}

async function start(t: Test, options: BlandSimulatorOptions = {}) {
  const bland = createBlandSimulator({ ...options, dials: { ...quick, ...options.dials } })
  await bland.listen()
  t.teardown(() => bland.close())
  return bland
}
type Bland = Awaited<ReturnType<typeof start>>

async function ask(bland: Bland, path: string, init: RequestInit = {}) {
  const headers = { authorization: 'simulated-key', 'content-type': 'application/json' }
  const response = await fetch(bland.url + path, { headers, ...init })
  const text = await response.text()
  return { status: response.status, text, json: (text.startsWith('{') ? JSON.parse(text) : {}) as Json }
}
const post = (bland: Bland, path: string, body: unknown) =>
  ask(bland, path, { method: 'POST', body: JSON.stringify(body) })
const order = (more: Json = {}) => ({
  phone_number: PHONE,
  pathway_id: 'p1',
  metadata: { request_id: 'r1', lead_id: '42' },
  request_data: { first_name: 'Ana' },
  ...more,
})
const dial = (bland: Bland, more: Json = {}) => post(bland, '/v1/calls', order(more))
const completions = (bland: Bland, times = 1) =>
  bland.seen((entry) => entry.what === 'mail' && entry.kind === 'completion', times)

t.test('a dial becomes a call, and the call a signed completion', async (t) => {
  const hook = await receiver(t)
  const bland = await start(t)
  bland.script({ lead_id: '42', outcome: 'TRANSFERRED', completion: { summary: 'as told' } })
  const { status, json } = await dial(bland, { webhook: hook.url })
  t.equal(status, 200)
  t.match(json, { status: 'success', call_id: /^[0-9a-f-]{36}$/, batch_id: null })
  await completions(bland)

  const [mail] = hook.mails
  t.match(mail?.json, {
    call_id: json.call_id,
    metadata: { request_id: 'r1', lead_id: '42' },
    variables: { first_name: 'Ana', plan_type: 'Family' },
    warm_transfer_call: { state: 'MERGED' },
    pathway_tags: [{ name: 'Intro' }, null],
    summary: 'as told',
  })
  t.equal(mail?.json.call_length, 115 / 60, 'minutes')
  t.equal(mail?.json.corrected_duration, '115', 'seconds, as text')
  const expected = createHmac('sha256', 'simulated-secret')
    .update(mail?.bytes ?? '')
    .digest('hex')
  t.equal(mail?.headers['x-webhook-signature'], expected)
  t.equal(sign(mail?.bytes ?? Buffer.alloc(0), 'simulated-secret'), expected)

  const ledger = bland.ledger()
  t.same(
    ledger.entries.map(({ what }) => what),
    ['dial', 'placed', 'answer', 'ended', 'mail'],
  )
  t.match(ledger.entries[0], { body: order({ webhook: hook.url }), lead_id: '42', attempt: 1 })
  t.match(ledger.entries[4], {
    sha256: createHash('sha256')
      .update(mail?.bytes ?? '')
      .digest('hex'),
    status: 200,
  })
  t.match(ledger, { live: 0, max_live: 1, placed: 1, numbers: { [PHONE]: { placed: 1, overlaps: 0 } } })
})

t.test('every outcome has its record', async (t) => {
  const hook = await receiver(t)
  const bland = await start(t)
  const expected: Record<string, Json> = {
    TRANSFERRED: { warm_transfer_call: { state: 'MERGED' } },
    COLD_TRANSFER: { warm_transfer_call: null, transferred_to: String, post_transfer_duration: 4.2 },
    DO_NOT_CALL: { concatenated_transcript: /user: Take me off/ },
    BAD_NUMBER: { status: 'failed', completed: false, error_message: /not found/ },
    VOICEMAIL: { answered_by: 'voicemail', corrected_duration: '9' },
    CALLBACK: { variables: { callback_requested: true } },
    NOT_INTERESTED: { disposition_tag: 'NOT_INTERESTED' },
    NO_ANSWER: { status: 'no-answer', variables: {}, metadata: { lead_id: 'NO_ANSWER' }, call_length: 0 },
    BUSY: { status: 'busy', answered_by: null },
    CANCELED: { status: 'canceled', price: 0 },
    FAILED: { status: 'failed', completed: true, error_message: /Spam/ },
    ANSWERED: { answered_by: 'human', transferred_to: null },
    UNKNOWN: { status: 'unknown', answered_by: 'unknown' },
  }
  for (const [index, name] of Object.keys(expected).entries()) {
    await post(bland, '/__script', { lead_id: name, outcome: name })
    const phone_number = `+1212555${String(100 + index).padStart(4, '0')}`
    await dial(bland, { phone_number, metadata: { lead_id: name }, webhook: hook.url })
  }
  await completions(bland, 13)
  for (const { json } of hook.mails) {
    const name = String((json.metadata as Json).lead_id)
    t.match(json, expected[name] ?? {}, name)
  }
  t.equal(bland.ledger().placed, 13)
})

t.test('auth and validation', async (t) => {
  const bland = await start(t)
  const auth = (authorization: string) =>
    ask(bland, '/v1/calls', { headers: { authorization } }).then(({ status, json }) => ({ status, json }))
  t.same(await auth('wrong'), {
    status: 401,
    json: { data: null, errors: [{ error: 'AUTH_FAILURE', message: 'Unauthorized' }] },
  })
  t.equal((await auth('Bearer simulated-key')).status, 200)
  for (const [more, message] of [
    [{ phone_number: null }, 'Invalid parameters. Error: ["Missing required parameter: phone_number."]'],
    [{ phone_number: '123' }, /^Invalid phone number/],
    [{ pathway_id: '' }, 'Invalid parameters. Error: ["Missing required parameter: task."]'],
    [{ webhook: 'http://example.com/' }, 'webhook must be a string that starts with https://.'],
    [{ metadata: 'x' }, 'metadata must be an object.'],
    [{ request_data: [] }, 'request_data must be an object.'],
    [{ retry: 3 }, 'Retry must be an object.'],
    [{ record: 'yes' }, 'Record must be a boolean'],
    [{ from: 'x' }, /^Invalid 'from'/],
    [{ transfer_phone_number: '1' }, 'Invalid transfer_phone_number.'],
    [{ transfer_phone_number: '2125550123' }, /^Transfer phone number cannot be the same/],
    [{ voicemail: { action: 'x' } }, /^Invalid voicemail action/],
    [{ max_duration: 721 }, 'max_duration must be at most 12 hours.'],
  ] as [Json, string | RegExp][]) {
    t.match(await dial(bland, more), { status: 400, json: { status: 'error', message } })
  }
  t.equal(bland.ledger().placed, 0)
})

t.test('refusals, the pause between calls to one number, concurrency', async (t) => {
  const bland = await start(t)
  for (const [kind, status, body] of [
    ['dnc', 400, { status: 'DNC Error' }],
    ['sensitive', 400, { message: /sensitive/ }],
    ['blacklisted', 429, { message: 'This number is blacklisted.' }],
    ['no_balance', 402, { message: 'Insufficient balance.' }],
    ['flagged', 403, { message: /flagged/ }],
    ['pathway_not_found', 404, { message: /not found/ }],
    ['objective', 418, { error: 'OBJECTIVE_VALIDATION_ERROR' }],
    ['invalid_number', 400, { error: 'Invalid phone number format', status: undefined }],
    ['international', 400, { errors: [{ error: 'CALL_UNPAID_INTL_BLOCK' }] }],
  ] as const) {
    bland.faults({ refusals: { [PHONE]: kind } })
    t.match(await dial(bland), { status, json: body }, kind)
  }
  bland.faults({ refusals: { '*': 'no_balance' } })
  t.equal((await dial(bland, { phone_number: '+12125550199' })).status, 402)

  bland.faults({ refusals: {}, same_number_ms: 10_000, call_ms: [60_000, 60_000] })
  t.equal((await dial(bland)).status, 200)
  t.match(await dial(bland), { status: 429, json: { message: /every 10 seconds/ } })
  bland.faults({ same_number_ms: 0, concurrency: 1 })
  t.match(await dial(bland), { status: 429, json: { errors: [{ error: 'CALL_RL_PLAN_CONCURRENCY' }] } })
  bland.faults({ concurrency: 2 })
  t.equal((await dial(bland)).status, 200)
  t.match(bland.ledger(), { live: 2, max_live: 2, numbers: { [PHONE]: { placed: 2, overlaps: 1 } } })
  bland.forget()
  t.match(bland.ledger(), { live: 2, max_live: 2, placed: 0, entries: [] })
})

t.test('answers that go wrong, before and after the number rings', async (t) => {
  const bland = await start(t)
  for (const [fault, status, placed] of [
    ['rate_limited', 429, false],
    ['error_before', 500, false],
    ['drop_before', 'dropped', false],
    ['hang_before', 'hung', false],
    ['error_after', 500, true],
    ['unable_after', 400, true],
    ['html_after', 502, true],
    ['no_id_after', 200, true],
    ['drop_after', 'dropped', true],
    ['hang_after', 'hung', true],
  ] as const) {
    bland.forget()
    bland.script({ phone_number: PHONE, faults: { [fault]: 1 }, faulty_attempts: 1 })
    const abort = new AbortController()
    const request = ask(bland, '/v1/calls', {
      ...{ method: 'POST', body: JSON.stringify(order()), signal: abort.signal },
    }).catch(() => null)
    const [answer] = await bland.seen((entry) => entry.what === 'answer')
    if (status === 'hung') abort.abort()
    t.match(answer, { status, call_id: placed ? String : null }, fault)
    t.equal(
      (await request)?.status ?? null,
      typeof status === 'number' ? status : null,
      `${fault}: as the client saw it`,
    )
    t.equal(bland.ledger().placed, placed ? 1 : 0, fault)
    t.match(await dial(bland), { status: 200, json: { call_id: String } }, 'the fault ends after one attempt')
  }
})

t.test('slow answers and refused connections', async (t) => {
  const hook = await receiver(t)
  const bland = await start(t, { dials: { answer_late_ms: 30, answer_ms: [30, 30] } })
  const startedMs = performance.now()
  await dial(bland, { webhook: hook.url })
  t.ok(performance.now() - startedMs >= 55)
  t.equal((await completions(bland)).length, 1)

  bland.faults({ early: 1, answer_late_ms: 0, answer_ms: [0, 0] })
  bland.forget()
  await dial(bland, { webhook: hook.url })
  t.same(
    bland.ledger().entries.map(({ what }) => what),
    ['dial', 'placed', 'ended', 'mail', 'answer'],
  )

  bland.faults({ refuse_ms: 50 })
  const outcomes = new Set<string>()
  while (!outcomes.has('ECONNREFUSED') || !outcomes.has('ok')) {
    const outcome = await ask(bland, '/__faults').then(
      () => 'ok',
      (error: Error & { cause?: { code?: string } }) => String(error.cause?.code),
    )
    if (outcome !== 'ok' || outcomes.has('ECONNREFUSED')) outcomes.add(outcome)
  }
  t.pass('refused for a while, then back at the same address')
})

t.test('completions: copies, never, late, resent, stripped, padded, badly signed, with company', async (t) => {
  const hook = await receiver(t, [500, 429])
  const bland = await start(t)
  const run = async (faults: Json, mails: number) => {
    bland.forget()
    hook.mails.length = 0
    bland.script({ phone_number: PHONE, faults, outcome: 'ANSWERED' })
    await dial(bland, { webhook: hook.url })
    await bland.seen((entry) => entry.what === 'mail', mails)
    return hook.mails
  }

  const [first, , third] = await run({}, 3)
  t.same(first?.bytes, third?.bytes, 'sent again until it was taken')
  t.match(
    bland.ledger().entries.flatMap((entry) => (entry.what === 'mail' ? [entry.status] : [])),
    [500, 429, 200],
  )
  t.equal((await run({ twice: 1 }, 2)).length, 2)
  t.equal((await run({ thrice: 1 }, 3)).length, 3)

  const [, late] = [await run({ late: 1, late_ms: [40, 40] }, 1), bland.ledger().entries]
  t.ok((late[4]?.at_ms ?? 0) - (late[3]?.at_ms ?? 0) >= 35)

  t.same((await run({ metadata_stripped: 1 }, 1))[0]?.json.metadata, {})
  t.equal((await run({ unsigned: 1 }, 1))[0]?.headers['x-webhook-signature'], undefined)
  const [forged] = await run({ wrongly_signed: 1 }, 1)
  t.match(forged?.headers['x-webhook-signature'], /^[0-9a-f]{64}$/)
  t.not(forged?.headers['x-webhook-signature'], sign(forged?.bytes ?? Buffer.alloc(0), 'simulated-secret'))

  const [big] = await run({ padded: 1, padded_mb: [2, 2] }, 1)
  t.ok((big?.bytes.length ?? 0) > 2_000_000 && (big?.bytes.length ?? 0) < 2_100_000, String(big?.bytes.length))
  t.equal(big?.headers['x-webhook-signature'], sign(big?.bytes ?? Buffer.alloc(0), 'simulated-secret'))

  const company = await run({ events_before: 1, enrichment_after: 1 }, 5)
  t.equal(company.filter(({ json }) => typeof json.category === 'string').length, 3)
  t.match(company.at(-1)?.json, { event_type: String, call_id: String })

  bland.forget()
  bland.script({ phone_number: PHONE, faults: { never: 1 }, outcome: 'ANSWERED' })
  const { json } = await dial(bland, { webhook: hook.url })
  await bland.seen((entry) => entry.what === 'ended')
  t.match((await ask(bland, `/v1/postcall/webhooks/${json.call_id}`)).json, { errors: [{ error: 'NOT_FOUND' }] })
  t.match(await ask(bland, `/v1/calls/${json.call_id}`), { status: 200, json: { queue_status: 'complete' } })
  bland.script({ phone_number: PHONE })
  const next = await dial(bland, { webhook: hook.url })
  t.match(await completions(bland), [{ call_id: next.json.call_id }], 'the first one to come')
})

t.test('resends end', async (t) => {
  const hook = await receiver(t, [500, 500, 500, 500])
  const bland = await start(t, { dials: { resends: 1 } })
  await dial(bland, { webhook: hook.url })
  await completions(bland, 2)
  await dial(bland, { webhook: hook.url })
  t.match(await completions(bland, 4), [{ attempt: 1 }, { attempt: 2, status: 500 }, { attempt: 1 }, { attempt: 2 }])
})

t.test('lookups', async (t) => {
  const hook = await receiver(t)
  let aheadMs = 0
  const clock: Clock = { ...wallClock, now: () => Date.now() + aheadMs }
  const bland = await start(t, { clock, dials: { call_ms: [60_000, 60_000], settle_ms: 500 } })
  const { json: placed } = await dial(bland, { webhook: hook.url })
  const list = (query = '') => ask(bland, `/v1/calls${query}`).then(({ json }) => json)
  const path = `/v1/calls/${placed.call_id}`

  t.match(await list(), { count: 0, calls: [] }, 'the list lags')
  t.match((await ask(bland, path)).json, { completed: false, queue_status: 'started', metadata: { request_id: 'r1' } })
  aheadMs = 3000
  const listed = await list(`?to_number=${encodeURIComponent(PHONE)}`)
  t.match(listed, { count: 1, calls: [{ call_id: placed.call_id, to: PHONE, completed: false }] })
  t.notOk('metadata' in ((listed.calls as Json[])[0] ?? {}))
  t.match(await list(`?to_number=${PHONE}`), { count: 0 }, 'an unescaped plus is a space')

  t.match(await post(bland, `${path}/stop`, {}), { status: 200, json: { status: 'success' } })
  t.match(await post(bland, `${path}/stop`, {}), { status: 400, json: { message: /SID not found/ } })
  await completions(bland)
  t.match((await ask(bland, path)).json, { status: 'canceled', completed: false, answered_by: null }, 'not settled yet')
  aheadMs = 4000
  t.match((await ask(bland, path)).json, { status: 'canceled', completed: true, request_data: { first_name: 'Ana' } })
  const stored = (await ask(bland, `/v1/postcall/webhooks/${placed.call_id}`)).json
  t.match(stored, { errors: null, data: { url: hook.url, metadata: [{ response_code: 200, send_type: 'spawn' }] } })
  t.equal(JSON.stringify((stored.data as Json).payload), hook.mails[0]?.bytes.toString(), 'the very payload')

  const second = (await dial(bland)).json
  aheadMs = 10_000
  const ids = async (query: string) => ((await list(query)).calls as Json[]).map(({ call_id }) => call_id)
  t.same(await ids('?ascending=true'), [placed.call_id, second.call_id])
  t.same(await ids('?limit=1'), [second.call_id])
  t.same(await ids('?from=1&to=2'), [placed.call_id])
  t.same(await ids('?completed=true'), [placed.call_id])
  const noon = new Date(Date.now() + 3500).toISOString()
  t.same(await ids(`?start_date=${noon}`), [second.call_id])
  t.same(await ids(`?end_date=${noon}`), [placed.call_id])

  t.equal((await ask(bland, '/v1/calls/nobody')).status, 404)
  bland.faults({ forgotten: 1 })
  const forgotten = (await dial(bland)).json
  aheadMs = 20_000
  t.equal((await ask(bland, `/v1/calls/${forgotten.call_id}`)).status, 404)
  t.same(await ids(''), [second.call_id, placed.call_id], 'placed, and unknown to every look-up')
  bland.faults({ lookup_error: 1 })
  t.equal((await ask(bland, path)).status, 500)
})

t.test('the same seed gives the same calls, in whatever order they are dialed', async (t) => {
  const phones = [100, 101, 102, 103, 104, 105].map((n) => `+12125550${n}`)
  const dials = { early: 0.5, thrice: 0.3, rate_limited: 0.3 }
  const run = async (seed: number, order: string[]) => {
    const bland = await start(t, { seed, dials })
    await Promise.all(order.map((phone_number) => dial(bland, { phone_number, metadata: {} })))
    const entries = bland.ledger().entries.filter(({ what }) => what === 'placed' || what === 'answer')
    await bland.close()
    return entries
      .map((entry) => JSON.stringify({ ...entry, n: 0, at_ms: 0, created: 0 }))
      .sort()
      .join('\n')
  }
  const first = await run(7, phones)
  t.equal(await run(7, [...phones].reverse()), first)
  t.not(await run(8, phones), first)
})

t.test('dials and scripts are checked', async (t) => {
  const bland = await start(t)
  const before = (await ask(bland, '/__faults')).json
  t.match(await post(bland, '/__faults', { earli: 1, never: 2 }), {
    status: 400,
    json: { error: 'unknown: earli, never must be <= 1' },
  })
  t.same((await ask(bland, '/__faults')).json, before)
  t.match(await post(bland, '/__faults', { never: 0.5, outcomes: { BUSY: 1 } }), { status: 200, json: { never: 0.5 } })
  t.match(await post(bland, '/__script', { outcome: 'BUSY' }), { status: 400, json: { error: /lead_id is required/ } })
  t.match(await post(bland, '/__script', { lead_id: 1, outcome: 'WON' }), { status: 400, json: { error: /^outcome/ } })
  t.throws(() => bland.faults({ nothing: 1 } as Json), /unknown: nothing/)

  await dial(bland)
  t.match(await bland.seen(({ what }) => what === 'placed'), [{ scene: 'BUSY' }], 'drawn by weight')
  await bland.seen(({ what }) => what === 'ended')
  const from = bland.ledger().entries.length
  await dial(bland)
  t.match((await ask(bland, `/__ledger?from=${from}`)).json.entries, [{ n: from, what: 'dial', attempt: 2 }])
  t.equal((await ask(bland, '/__ledger', { method: 'DELETE', headers: {} })).status, 204)
  t.match((await ask(bland, '/__ledger')).json, { placed: 0 })
})
