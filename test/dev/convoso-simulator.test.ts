import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { type ConvosoSimulatorOptions, createConvosoSimulator } from '../../src/dev/convoso-simulator/simulator.ts'
import { type Clock, wallClock } from '../../src/dev/simulator/clock.ts'

type Json = Record<string, unknown>
const TOKEN = 'simulated-token'

async function start(t: Test, options: ConvosoSimulatorOptions = {}) {
  const convoso = createConvosoSimulator(options)
  await convoso.listen()
  t.teardown(() => convoso.close())
  return convoso
}
type Convoso = Awaited<ReturnType<typeof start>>

async function ask(url: string, init: RequestInit = {}) {
  const response = await fetch(url, init)
  const text = await response.text()
  const json = (text.endsWith('}') ? JSON.parse(text) : {}) as Json
  return { status: response.status, headers: response.headers, text, json }
}
const form = (convoso: Convoso, endpoint: string, params: Record<string, string>) =>
  ask(`${convoso.url}/v1/${endpoint}`, {
    method: 'POST',
    body: new URLSearchParams({ auth_token: TOKEN, ...params }),
  })
const update = (convoso: Convoso, more: Record<string, string> = {}) =>
  form(convoso, 'leads/update', {
    lead_id: '42',
    status: 'NI',
    call_transcript: 'Call Outcome: NOT_INTERESTED',
    ...more,
  })
const tell = (convoso: Convoso, what: string, body: unknown) =>
  ask(`${convoso.url}/__${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
/** What the client sees: the status, or the error of a connection that broke. */
const seen = (request: Promise<{ status: number }>) =>
  request.then(
    ({ status }) => status,
    (error: Error & { cause?: { code?: string } }) => error.cause?.code,
  )
const violations = (convoso: Convoso) =>
  convoso.ledger().entries.flatMap((entry) => (entry.what === 'violation' ? [`${entry.rule}: ${entry.field}`] : []))

t.test('writes an outcome to a lead, and remembers it', async (t) => {
  const convoso = await start(t)
  t.match(await update(convoso), { status: 200, json: { success: true, data: { lead_id: '42' } } })
  t.match(await update(convoso, { status: 'CB' }), { json: { success: true } })
  t.match(convoso.lead('42'), { status: 'CB', call_transcript: 'Call Outcome: NOT_INTERESTED' })
  const ledger = convoso.ledger()
  t.match(ledger, { requests: 2, violations: 0, leads: { '42': { applied: 2, confirmed: 2, refused: 0 } } })
  t.match(ledger.entries[0], { what: 'write', endpoint: 'leads/update', method: 'POST', lead_id: '42', fault: null })
  t.notMatch(JSON.stringify(ledger), TOKEN)

  const search = await form(convoso, 'leads/search', { lead_id: '42', offset: '' })
  t.match(search.json, {
    data: { total: '1', entries: [{ id: '42', lead_id: '42', status: 'CB', field_1: 'Call Outcome: NOT_INTERESTED' }] },
  })
  t.notMatch(search.text, 'call_transcript', 'custom fields come back by number')
  t.equal(convoso.ledger().violations, 0, 'blanks are normal in a search')
})

t.test('shows when a lead was saved, on the clocks of the account', async (t) => {
  let atMs = Date.parse('2026-11-01T08:59:58Z')
  const clock: Clock = { ...wallClock, now: () => atMs }
  const convoso = await start(t, { clock })
  const eastern = await start(t, { clock, timeZone: 'America/New_York' })
  const shown = async (at: Convoso) => {
    const { data } = (await form(at, 'leads/search', { lead_id: '42' })).json as { data: { entries: Json[] } }
    const { created_at, modified_at, status } = data.entries[0] ?? {}
    return { created_at, modified_at, status }
  }
  for (const at of [convoso, eastern]) at.leads([{ lead_id: 42, status: 'NEW', modified_at: 'whenever' }])
  const created_at = '2026-11-01 01:59:58'
  t.strictSame(
    await shown(convoso),
    { created_at, modified_at: created_at, status: 'NEW' },
    'our own, not what was told',
  )
  t.match(await shown(eastern), { created_at: '2026-11-01 03:59:58' })
  atMs += 3_600_000
  await update(convoso)
  t.strictSame(
    await shown(convoso),
    { created_at, modified_at: created_at, status: 'NI' },
    'the same hour again: no zone',
  )
  atMs += 5000
  t.strictSame(await shown(convoso), { created_at, modified_at: created_at, status: 'NI' }, 'a search saves nothing')
  convoso.agent({ lead_id: '42', status: 'SALE' })
  t.strictSame(await shown(convoso), { created_at, modified_at: '2026-11-01 02:00:03', status: 'SALE' })
  t.match(convoso.lead('42'), { call_transcript: /NOT_INTERESTED/ }, 'the rest stays')
  t.match((await tell(convoso, 'agent', { lead_id: 42, status: 'CB' })).json, { lead_id: '42', status: 'CB' })
  t.equal((await shown(convoso)).status, 'CB')
  t.match(await tell(convoso, 'agent', { lead_id: '42', status: 'ZZTOP' }), { status: 400, json: { error: /status/ } })
  t.throws(() => convoso.agent({ lead_id: '42', status: 'ZZTOP' }), RangeError)
  const agents = convoso.ledger().entries.filter(({ what }) => what === 'agent')
  t.match(agents, [{ lead_id: '42', status: 'SALE' }, { status: 'CB' }])
  t.match(convoso.ledger(), { requests: 6, leads: { '42': { applied: 1 } } }, 'an agent is no client of ours')
})

t.test('is as strict as Convoso, and notes what Convoso would let pass', async (t) => {
  const convoso = await start(t)
  t.match((await update(convoso, { auth_token: 'x' })).json, { success: false, code: 5001 })
  t.match((await update(convoso, { lead_id: '0' })).json, { success: false, code: 6001, text: 'No such Lead' })
  t.match((await update(convoso, { lead_id: '' })).json, { success: false, code: 6001 })
  t.match((await form(convoso, 'leads/update', { Lead_id: '42' })).json, { code: 6001 }, 'names are case-sensitive')
  await update(convoso, { list_id: '1', phone_number: '2125550123', notes: '', colour: 'red', status: 'ZZTOP' })
  const query = new URLSearchParams({ auth_token: TOKEN, lead_id: '42', status: 'NI' })
  t.match(await ask(`${convoso.url}/v1/leads/update?${query}`), { json: { success: true } }, 'GET and query work')
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"auth_token":"x"}' }
  t.match((await ask(`${convoso.url}/v1/leads/update`, json)).json, { code: 5001 }, 'a JSON body is not read')
  t.same(violations(convoso), [
    'bad token: ',
    'no lead id: lead_id',
    'blank: lead_id',
    'no lead id: lead_id',
    'unknown field: Lead_id',
    'blank: notes',
    'unknown field: colour',
    'moves the lead: list_id',
    'rewrites the phone: phone_number',
    'unknown status: status',
    'token in the URL: ',
    'JSON body: ',
    'bad token: ',
  ])
  t.match(convoso.ledger().entries[1], { what: 'refused', reason: '5001 Invalid authorization token' })
  const lost = await ask(`${convoso.url}/v1/lead/update`)
  t.match(lost, { status: 404, text: /^<!DOCTYPE html>/ })
})

t.test('leads it was not told of', async (t) => {
  const convoso = await start(t, { dials: { strict_leads: true } })
  t.match((await update(convoso)).json, { code: 6001 })
  t.match((await update(convoso)).json, { code: 6001 }, 'a refusal makes nothing known')
  t.match((await form(convoso, 'log/update', { call_log_id: '7', extra_field_01: 'x' })).json, { code: 6033 })
  t.match(await tell(convoso, 'leads', [{ lead_id: 42, call_log_id: 7, phone_number: '2125550123' }]), {
    json: { added: 1 },
  })
  t.match((await update(convoso)).json, { success: true })
  t.match((await form(convoso, 'log/update', { call_log_id: '7', extra_field_01: 'x' })).json, { success: true })
  t.match(convoso.ledger(), {
    leads: { '42': { applied: 1, confirmed: 1, refused: 2 } },
    call_logs: { '7': { applied: 1, refused: 1 } },
  })
})

t.test('the other endpoints', async (t) => {
  const convoso = await start(t)
  t.match((await form(convoso, 'log/update', {})).json, { code: 6032 })
  t.match((await form(convoso, 'log/update', { call_log_id: '7' })).json, { code: 6035 })
  t.match((await form(convoso, 'log/update', { call_log_id: '7', call_transcript: 'x' })).json, { success: true })
  t.match((await form(convoso, 'leads/insert', { phone_number: '2125550123' })).json, { code: 6007 })
  t.match((await form(convoso, 'leads/insert', { list_id: '1', phone_number: '555' })).json, { code: 6008 })
  const inserted = await form(convoso, 'leads/insert', { list_id: '1', phone_number: '2125550123' })
  t.match(inserted.json, { success: true, data: { lead_id: Number } })
  t.match((await form(convoso, 'leads/search', { phone_number: '2125550123' })).json, { data: { total: '1' } })
  t.match((await form(convoso, 'leads/search', { phone_number: '+12125550123' })).json, { data: { total: '0' } })

  t.match((await form(convoso, 'dnc/insert', { phone_number: '+1212555' })).json, { code: 6007 })
  t.match((await form(convoso, 'dnc/insert', { phone_number: '2125550123' })).json, { success: true, id: String })
  t.match((await form(convoso, 'dnc/insert', { phone_number: '2125550123' })).json, { code: 6008 })

  const callback = { lead_id: '42', recipient: 'system', callback_time: '2026-11-23 10:00 AM', comments: 'x' }
  t.match((await form(convoso, 'callbacks/insert', { ...callback, lead_id: '0' })).json, { code: 6001 })
  t.match((await form(convoso, 'callbacks/insert', { ...callback, recipient: 'me' })).json, { code: 6023 })
  t.match((await form(convoso, 'callbacks/insert', { ...callback, recipient: 'personal' })).json, { code: 6006 })
  t.match((await form(convoso, 'callbacks/insert', { ...callback, callback_time: 'soon' })).json, { code: 7237 })
  t.match((await form(convoso, 'callbacks/insert', callback)).json, { data: { callback_id: String } })
  t.match((await form(convoso, 'callbacks/search', { lead_id: '42' })).json, {
    data: { total: '1', results: [{ lead_id: '42', comments: 'x' }] },
  })
  const statuses = await form(convoso, 'status/search', { query: 'NEW' })
  t.match(statuses.json, { success: true, code: 200, data: [{ status: 'NEW', final: 'N', custom_status: 'N' }] })
  t.match((await form(convoso, 'status/search', { query: 'DNCA' })).json, { data: [{ dnc: 'Y', final: 'Y' }] })
})

t.test('each fault, for the first request of every lead', async (t) => {
  const convoso = await start(t)
  for (const [name, fault, status, body, applied] of [
    ['success_false', { code: 7777, text: 'Odd' }, 200, '{"success":false,"code":7777,"text":"Odd"}', 0],
    ['too_many', {}, 429, /Too Many/, 0],
    ['server_error', { status: 502 }, 502, /^<!DOCTYPE html>/, 0],
    ['html', {}, 200, /^<!DOCTYPE html>/, 0],
    ['empty', {}, 200, '', 0],
    ['truncated', {}, 200, /^\{"success":true.*[^}]$/, 1],
  ] as const) {
    convoso.forget()
    convoso.faults({ 'leads/update': { [name]: { first: 1, ...fault } } })
    t.match(await update(convoso), { status, text: body }, name)
    t.match((await update(convoso, { lead_id: '43' })).text, body, 'counted for each lead')
    t.match(await update(convoso), { status: 200, json: { success: true } })
    const { leads, entries } = convoso.ledger()
    t.match(leads['42'], { applied: applied + 1, confirmed: 1, refused: 1 - applied }, name)
    t.match(entries[0], applied ? { what: 'write', fault: name } : { what: 'refused', reason: name })
  }
  for (const [name, applied] of [
    ['reset_before', 0],
    ['reset_after', 1],
  ] as const) {
    convoso.forget()
    convoso.faults({ 'leads/update': { [name]: { first: 1 } } })
    const lead_id = name
    t.match(await seen(update(convoso, { lead_id })), /^(ECONNRESET|UND_ERR_SOCKET)$/)
    t.equal(convoso.lead(lead_id)?.status, applied ? 'NI' : undefined, name)
    t.match(convoso.ledger().leads[lead_id] ?? { applied: 0 }, { applied })
  }
  convoso.faults({ 'leads/update': { too_many: { first: 1, retry_after: 3 }, slow: { first: 1, ms: 30 } } })
  const startedMs = performance.now()
  t.equal((await update(convoso)).headers.get('retry-after'), '3')
  t.ok(performance.now() - startedMs >= 25, 'slow adds to another fault')

  convoso.faults({ 'leads/update': {} })
  await tell(convoso, 'script', {
    lead_id: '42',
    faults: { 'leads/update': { html: { first: 1 }, reset_before: { first: 3 }, success_false: { first: 2 } } },
  })
  const tries = [await update(convoso), await update(convoso, { lead_id: '43' }), await update(convoso)]
  t.match(tries, [{ text: /^<!/ }, { json: { success: true } }, { json: { success: false } }], 'one lead, in turn')
})

t.test('rates: faults by chance, too many requests, an outage', async (t) => {
  let aheadMs = 0
  const clock: Clock = { ...wallClock, now: () => 1_000_000 + aheadMs }
  const tries = async (seed: number, order: string[]) => {
    const convoso = await start(t, { seed, clock, dials: { 'leads/update': { success_false: { rate: 0.5 } } } })
    const answers = await Promise.all(order.map((lead_id) => update(convoso, { lead_id })))
    return answers.map(({ json }, index) => `${order[index]} ${json.success}`).sort()
  }
  const ids = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10']
  const first = await tries(3, ids)
  t.equal(new Set(first.map((line) => line.split(' ')[1])).size, 2, 'some fail, some do not')
  t.same(await tries(3, [...ids].reverse()), first, 'the same ones with the same seed')
  t.notSame(await tries(4, ids), first)

  const convoso = await start(t, { clock, dials: { rps: 2 } })
  t.same(
    [(await update(convoso)).status, (await update(convoso)).status, (await update(convoso)).status],
    [200, 200, 429],
  )
  aheadMs = 600
  t.same([(await update(convoso)).status, (await update(convoso)).status], [200, 429])
  t.match(convoso.ledger(), { peak_rps: 5, requests: 5, leads: { '42': { applied: 3, refused: 2 } } })

  convoso.faults({ outage_ms: 1000, rps: 0 })
  t.match(await update(convoso), { status: 503, text: /^<!/ })
  aheadMs = 1600
  t.equal((await update(convoso)).status, 200)
  t.equal(convoso.ledger().peak_rps, 6, 'a window of one second')
})

t.test('dials are checked', async (t) => {
  const convoso = await start(t)
  t.match(await tell(convoso, 'faults', { outage: 1, 'leads/update': { html: { firs: 1 } } }), {
    status: 400,
    json: { error: 'unknown: outage, unknown: leads/update/html/firs' },
  })
  t.match((await tell(convoso, 'faults', { rps: 3 })).json, { rps: 3, strict_leads: false })
  t.match((await ask(`${convoso.url}/__faults`)).json, { rps: 3 })
  t.match(await tell(convoso, 'leads', [{}]), { status: 400 })
  t.match(await tell(convoso, 'send', { url: 'x' }), { status: 400, json: { error: /url/ } })
  t.match(await tell(convoso, 'script', { lead_id: '1' }), { status: 400 })
})

t.test('sends leads to a webhook', async (t) => {
  const got: { type: string | undefined; secret: unknown; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    got.push({ type: request.headers['content-type'], secret: request.headers['x-webhook-secret'], body })
    response.writeHead(202).end('{"success":true,"request_id":"r1"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/awhealth-outbound`
  const convoso = await start(t)
  const lead = { lead_id: 42, list_id: '1', phone_number: '2125550123', email: null }

  t.match(await convoso.send({ url: `${url}?secret=s`, lead }), {
    status: 202,
    body: { request_id: 'r1' },
    error: null,
  })
  t.match((await tell(convoso, 'send', { url, lead, encoding: 'form', secret: 's' })).json, { status: 202 })
  t.match(got, [
    { type: 'application/json', secret: undefined, body: JSON.stringify(lead) },
    { type: 'application/x-www-form-urlencoded', secret: 's', body: /phone_number=2125550123&email=$/ },
  ])
  t.notMatch(JSON.stringify(convoso.ledger()), 'secret=', 'nor the webhook’s secret')
  t.match(convoso.ledger().entries, [
    { what: 'sent', url, lead, status: 202 },
    { what: 'sent', encoding: 'form' },
  ])
  server.close()
  server.closeAllConnections()
  t.match(await convoso.send({ url, lead }), { status: 0, error: String })
})

t.test('both start from the command line', async (t) => {
  const path = new URL('../../src/dev/simulators.ts', import.meta.url).pathname
  const ports = { BLAND_SIMULATOR_PORT: '0', CONVOSO_SIMULATOR_PORT: '0', CONVOSO_AUTH_TOKEN: 'mine', SEED: '5' }
  const child = spawn(process.execPath, ['--import', 'tsx', path], { env: { PATH: process.env.PATH, ...ports } })
  const idle = spawn(process.execPath, ['--import', 'tsx', path], { env: { PATH: process.env.PATH } })
  const idleExit = once(idle, 'exit')
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  for await (const chunk of child.stdout) {
    said += chunk
    if (said.split('\n').length > 2) break
  }
  const [bland = '', convoso = ''] = [...said.matchAll(/simulator: (\S+)/g)].map(([, url]) => url)
  t.match((await ask(`${bland}/__ledger`)).json, { placed: 0 })
  const written = await ask(`${convoso}/v1/leads/update`, {
    method: 'POST',
    body: new URLSearchParams({ auth_token: 'mine', lead_id: '1' }),
  })
  t.match(written.json, { success: true })
  child.kill('SIGTERM')
  t.same(await once(child, 'exit'), [0, null])

  t.same(await idleExit, [1, null], 'nothing to start')
})
