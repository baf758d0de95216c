import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Completion } from '../../src/completions/completion.ts'
import { type ConvosoOptions, createConvoso } from '../../src/convoso/client.ts'
import { statusMap } from '../../src/convoso/statuses.ts'
import type { OutcomeReport } from '../../src/delivery/crm.ts'

interface Seen {
  method: string
  url: string
  headers: IncomingHttpHeaders
  form: URLSearchParams
}

const TOKEN = 'token-for-tests'
const forever = new AbortController().signal
const ok = (response: ServerResponse) => response.end('{"success":true}')

const report: OutcomeReport = {
  requestId: 'req_1',
  callId: 'call-1',
  leadId: '65007347',
  callLogId: null,
  verdict: { outcome: 'VOICEMAIL', rule: 'answered_by', evidence: 'answered_by=voicemail' },
  completion: null,
}
const completion: Completion = {
  callId: 'call-1',
  status: 'completed',
  answeredBy: 'voicemail',
  durationSeconds: 115.6,
  errorMessage: null,
  disposition: null,
  tags: [],
  warmTransferState: null,
  transferredTo: '+15550100001',
  postTransferSeconds: null,
  variables: { plan_type: 'Family', member_count: 4, zip: { odd: true } },
  summary: 'Left a message & hung up.',
  recordingUrl: 'https://127.0.0.1/recording?id=1&x=2',
  lines: [],
  transcript: 'assistant: Hello 👋 = 100% + more\nuser: café & "tea"\r\n',
}

/** A Convoso on a local port that keeps what it was sent and answers with `reply`, and a client of it. */
async function start(t: Test, reply: (response: ServerResponse) => void, options: Partial<ConvosoOptions> = {}) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { method = '', url = '', headers } = request
    seen.push({ method, url, headers, form: new URLSearchParams(body) })
    server.emit('seen')
    reply(response)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const map = statusMap(undefined)
  if (map.kind === 'faults') throw new Error(map.faults.join())
  const origin = `http://127.0.0.1:${port}`
  const convoso = createConvoso({
    origin,
    token: TOKEN,
    statuses: map.table,
    timeZone: 'UTC',
    skewMs: 0,
    timeoutMs: 10_000,
    ...options,
  })
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await convoso.close()
  })
  const send = (wanted: OutcomeReport = report, signal = forever) => convoso.writes(wanted)[0]?.send(signal)
  return { convoso, send, seen, server }
}

t.test('leads/update', async (t) => {
  const { convoso, send, seen } = await start(t, ok)
  t.strictSame(await send({ ...report, completion }), { kind: 'done' })
  const { method, url, headers, form } = seen[0] as Seen

  t.equal(`${method} ${url}`, 'POST /v1/leads/update', 'no token in the URL, nor anything else')
  t.equal(headers['content-type'], 'application/x-www-form-urlencoded')
  t.notMatch(JSON.stringify(headers), TOKEN, 'nor in a header')
  t.strictSame(Object.fromEntries(form), {
    auth_token: TOKEN,
    lead_id: '65007347',
    status: 'A',
    call_transcript: [
      'Call Outcome: VOICEMAIL',
      'Plan Type: Family',
      'Members: 4',
      'Duration: 116s',
      '',
      '--- Transcript ---',
      'assistant: Hello 👋 = 100% + more\nuser: café & "tea"',
    ].join('\n'),
    call_summary: 'Left a message & hung up.',
    recording_url: 'https://127.0.0.1/recording?id=1&x=2',
    answered_by: 'voicemail',
    call_duration: '116',
    transferred_to: '+15550100001',
    plan_type: 'Family',
    member_count: '4',
    bland_call_id: 'call-1',
  })
  t.strictSame(
    convoso.writes(report).map(({ name }) => name),
    ['leads/update'],
    'alone without a call log',
  )
})

t.test('what has no value is not sent', async (t) => {
  const { send, seen } = await start(t, ok)
  await send({ ...report, callId: null })
  const blank = { ...completion, transcript: '', summary: ' ', recordingUrl: '', transferredTo: null }
  await send({
    ...report,
    completion: { ...blank, durationSeconds: 0, variables: { plan_type: '', member_count: [] } },
  })
  t.strictSame(Object.keys(Object.fromEntries(seen[0]?.form ?? [])), [
    'lead_id',
    'status',
    'call_transcript',
    'auth_token',
  ])
  t.strictSame(Object.fromEntries(seen[1]?.form ?? []), {
    auth_token: TOKEN,
    lead_id: '65007347',
    status: 'A',
    call_transcript: 'Call Outcome: VOICEMAIL\nDuration: 0s',
    answered_by: 'voicemail',
    call_duration: '0',
    bland_call_id: 'call-1',
  })
})

t.test('a disposition that is to stay: all of the outcome is sent but the status', async (t) => {
  const { convoso, seen } = await start(t, ok)
  for (const keepDisposition of [true, false]) {
    const [lead] = convoso.writes({ ...report, completion }, { keepDisposition })
    t.equal(lead?.name, 'leads/update', 'the same mark either way')
    await lead?.send(forever)
  }
  const [without, all] = seen.map(({ form }) => Object.fromEntries(form))
  t.equal(without?.status, undefined)
  t.strictSame({ ...without, status: 'A' }, all)
  t.match(without, { bland_call_id: 'call-1', call_transcript: /^Call Outcome: VOICEMAIL/ })
  t.equal(convoso.writes({ ...report, callLogId: '880011' }, { keepDisposition: true }).length, 2)
})

t.test('log/update follows where the lead came with a call log', async (t) => {
  const { convoso, seen } = await start(t, ok)
  const writes = convoso.writes({ ...report, callLogId: '880011' })
  t.strictSame(
    writes.map(({ name }) => name),
    ['leads/update', 'log/update'],
  )
  t.strictSame(await writes[1]?.send(forever), { kind: 'done' })
  t.equal(seen[0]?.url, '/v1/log/update')
  t.strictSame(Object.fromEntries(seen[0]?.form ?? []), {
    auth_token: TOKEN,
    call_log_id: '880011',
    call_transcript: 'Call Outcome: VOICEMAIL',
    extra_field_01: 'VOICEMAIL',
  })
  for (const callLogId of ['', '0', 'null']) t.equal(convoso.writes({ ...report, callLogId }).length, 1)
})

t.test('a lead without an id is never asked for', async (t) => {
  const { send, seen } = await start(t, ok)
  for (const leadId of ['', ' ', '0', '00', 'null', 'NULL'])
    t.strictSame(await send({ ...report, leadId }), { kind: 'never', reason: 'leads/update lead_id_missing' })
  t.equal(seen.length, 0)
})

t.test('no value is longer than the longest', async (t) => {
  const { send, seen } = await start(t, ok, { longest: 80 })
  const long = '📞'.repeat(100_000)
  const variables = { plan_type: long }
  await send({ ...report, completion: { ...completion, summary: long, transcript: long, variables } })
  const form = seen[0]?.form ?? new URLSearchParams()
  for (const name of ['call_summary', 'call_transcript', 'plan_type']) {
    t.match(form.get(name), /📞\n\[… cut\]$/u, name)
    t.ok((form.get(name)?.length ?? 81) <= 80)
  }
})

t.test('failures, each of one request', async (t) => {
  const lost = { kind: 'later', reason: /^leads\/update no_answer (ECONNRESET|UND_ERR_SOCKET)$/ }
  const cases: [string, (response: ServerResponse) => void, object][] = [
    [
      'success: false on 200',
      (response) => response.end('{"success":false,"code":6001,"text":"No such Lead"}'),
      { kind: 'never', reason: 'leads/update 6001 no_such_lead' },
    ],
    [
      '429 with Retry-After',
      (response) => response.writeHead(429, { 'Retry-After': '3' }).end('slow down'),
      { kind: 'later', reason: 'leads/update 429 too_many_requests', retryAfterMs: 3000, throttled: true },
    ],
    [
      '500',
      (response) => response.writeHead(500).end('{"success":true}'),
      { kind: 'later', reason: 'leads/update 500 server_error', retryAfterMs: null, throttled: false },
    ],
    [
      'HTML on 200',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
      { kind: 'later', reason: 'leads/update 200 html' },
    ],
    ['nothing on 200', (response) => response.end(), { kind: 'later', reason: 'leads/update 200 empty' }],
    ['reset after the write', (response) => response.socket?.resetAndDestroy(), lost],
    [
      'cut off within the answer',
      (response) => {
        response.writeHead(200, { 'content-length': '100' }).write('{"success":true}')
        response.socket?.destroySoon()
      },
      lost,
    ],
    [
      'an answer without end',
      (response) => response.end(`{"success":true,"data":"${'x'.repeat(4_200_000)}"}`),
      { kind: 'later', reason: 'leads/update no_answer UND_ERR_RES_EXCEEDED_MAX_SIZE' },
    ],
    [
      'JSON that calls itself HTML',
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('{"success":true}'),
      { kind: 'done' },
    ],
  ]
  for (const [name, reply, expected] of cases)
    t.test(name, async (t) => {
      const { send, seen } = await start(t, reply)
      t.match(await send(), expected)
      t.equal(seen.length, 1)
    })
})

t.test('too slow', async (t) => {
  const { send, seen } = await start(t, () => {}, { timeoutMs: 50 })
  t.match(await send(), { kind: 'later', reason: 'leads/update timed_out', throttled: false })
  t.equal(seen.length, 1)
})

t.test('slow within the answer', async (t) => {
  const { send } = await start(t, (response) => response.write('{"success"'), { timeoutMs: 50 })
  t.match(await send(), { kind: 'later', reason: 'leads/update timed_out' })
})

t.test('aborted by the caller', async (t) => {
  const { send, seen, server } = await start(t, () => {}, { timeoutMs: 3_600_000 })
  const lease = new AbortController()
  const answer = send(report, lease.signal)
  await once(server, 'seen')
  lease.abort()
  t.match(await answer, { kind: 'later', reason: 'leads/update aborted' })
  t.match(await send(report, lease.signal), { kind: 'later', reason: 'leads/update aborted' }, 'and before it began')
  t.equal(seen.length, 1)
})

t.test('nobody there, and closed', async (t) => {
  const { convoso, send, server } = await start(t, ok)
  await new Promise((closed) => server.close(closed))
  t.match(await send(), { kind: 'later', reason: 'leads/update no_answer ECONNREFUSED' })
  await Promise.all([convoso.close(), convoso.close()])
  t.match(await send(), { kind: 'later', reason: /^leads\/update no_answer UND_ERR_(CLOSED|DESTROYED)$/ })
})
