import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { type BlandOptions, createBland } from '../../src/bland/client.ts'
import { base } from '../fixtures/completions/samples.ts'
import { order, settings } from '../fixtures/dial-order.ts'

const { phone } = order.lead
const never = new AbortController().signal
const placed = JSON.stringify({ status: 'success', call_id: 'C1' })

function bland(t: Test, baseUrl: string, options: Partial<BlandOptions> = {}) {
  const timeouts = { connectMs: 1000, headersMs: 5000, bodyMs: 5000 }
  const voice = createBland({ baseUrl, apiKey: 'org_test', settings, permits: 2, timeouts, ...options })
  t.teardown(() => voice.close())
  return voice
}

/** A fact to wait for. */
function latch() {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

type Respond = (request: IncomingMessage, response: ServerResponse, body: string) => void

/** An HTTP server that remembers what reached it. */
async function serve(t: Test, respond: Respond) {
  const seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
    respond(request, response, body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, server }
}

/** A bare TCP server that counts bytes; `onSocket` decides what becomes of a connection. */
async function listen(t: Test, onSocket: (socket: Socket) => void) {
  const sockets: Socket[] = []
  let bytes = 0
  const server = createTcpServer((socket) => {
    sockets.push(socket)
    socket.on('data', (chunk) => {
      bytes += chunk.length
    })
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server, received: () => bytes }
}

t.test('a dial is one POST with the raw key', async (t) => {
  const { url, seen } = await serve(t, (_, response) => response.end(placed))
  t.strictSame(await bland(t, `${url}/`).dial(order, never), { kind: 'placed', callId: 'C1' })
  t.equal(seen.length, 1)
  t.match(seen[0], { method: 'POST', url: '/v1/calls', headers: { authorization: 'org_test' } })
  t.match(JSON.parse(seen[0]?.body ?? ''), { phone_number: phone, metadata: { request_id: 'req-1' } })
})

t.test('what Bland says is read by the table', async (t) => {
  const { url } = await serve(t, (_, response) => {
    response.writeHead(429, { 'retry-after': '3' }).end(JSON.stringify({ message: 'Rate limit exceeded' }))
  })
  t.match(await bland(t, url).dial(order, never), { kind: 'later', waitMs: 3000, scope: 'account' })
})

t.test('nothing was written: dial later', async (t) => {
  const closed = await listen(t, () => {})
  closed.server.close()
  await once(closed.server, 'close')
  const refused = await bland(t, `http://127.0.0.1:${closed.port}`).dial(order, never)
  t.match(refused, { kind: 'later', reason: 'connection_refused', scope: 'account' })

  const silent = await listen(t, (socket) => socket.pause())
  const tls = bland(t, `https://127.0.0.1:${silent.port}`, { timeouts: { connectMs: 50, headersMs: 50, bodyMs: 50 } })
  t.match(await tls.dial(order, never), { kind: 'later', reason: 'connect_timeout' }, 'a handshake nobody answers')

  const rude = await listen(t, (socket) => socket.resetAndDestroy())
  t.match(await bland(t, `https://127.0.0.1:${rude.port}`).dial(order, never), { kind: 'later' }, 'a broken handshake')

  const idle = await listen(t, () => {})
  t.match(await bland(t, `http://127.0.0.1:${idle.port}`).dial(order, AbortSignal.abort()), {
    kind: 'later',
    reason: 'aborted',
    scope: 'number',
  })
  const badKey = bland(t, `http://127.0.0.1:${idle.port}`, { apiKey: 'two\nlines' })
  t.match(await badKey.dial(order, never), { kind: 'stopped', reason: 'invalid_request' })
  const closing = bland(t, `http://127.0.0.1:${idle.port}`)
  await closing.close()
  t.match(await closing.dial(order, never), { kind: 'later', reason: 'closed', scope: 'number' })
  t.equal(idle.received(), 0)
})

t.test('given up while it waits for a socket, a dial is never written', async (t) => {
  let first: ServerResponse | undefined
  const arrived = latch()
  const { url, seen } = await serve(t, (_, response) => {
    if (first !== undefined) return void response.end(placed)
    first = response
    arrived.resolve()
  })
  const voice = bland(t, url, { permits: 1 })
  const running = voice.dial(order, never)
  await arrived.promise
  const giveUp = new AbortController()
  const waiting = voice.dial({ ...order, requestId: 'req-2' }, giveUp.signal)
  const third = voice.dial({ ...order, requestId: 'req-3' }, never)
  giveUp.abort()
  t.match(await waiting, { kind: 'later', reason: 'aborted' })
  first?.end(placed)
  t.match(await running, { kind: 'placed' })
  t.match(await third, { kind: 'placed' }, 'the one behind it is')
  t.strictSame(
    seen.map(({ body }) => JSON.parse(body).metadata.request_id),
    ['req-1', 'req-3'],
  )
})

t.test('written, and no answer: lost, and never sent again', async (t) => {
  const lost: [string, Respond, Record<string, unknown>][] = [
    ['dropped before an answer', (request) => request.socket.destroy(), { reason: 'connection_closed' }],
    ['reset', (request) => request.socket.resetAndDestroy(), { reason: 'connection_reset' }],
    [
      'dropped in mid-answer',
      (request, response) => {
        response.writeHead(200, { 'content-length': 1000 })
        response.write('{"status":', () => request.socket.destroy())
      },
      {},
    ],
    [
      'a page of HTML',
      (_, response) => response.writeHead(502).end('<html>Bad gateway</html>'),
      { reason: 'html_502' },
    ],
    ['an endless answer', (_, response) => response.end('x'.repeat(1_000_000)), { reason: 'answer_too_large' }],
    ['an answer that is no HTTP', (request) => request.socket.end('hello\r\n\r\n'), {}],
    ['a redirect', (_, response) => response.writeHead(307, { location: '/v1/calls' }).end(), { reason: 'http_307' }],
  ]
  for (const [name, respond, expected] of lost) {
    const { url, seen } = await serve(t, respond)
    const voice = bland(t, url)
    t.match(await voice.dial(order, never), { kind: 'lost', ...expected }, name)
    await voice.close()
    t.equal(seen.length, 1, `${name}: one POST`)
  }
})

t.test('hanging servers', async (t) => {
  const giveUp = new AbortController()
  const gone = latch()
  const hung = await serve(t, (request) => {
    request.socket.once('close', gone.resolve)
    giveUp.abort()
  })
  const patient = bland(t, hung.url, { timeouts: { connectMs: 1000, headersMs: 0, bodyMs: 0 } })
  t.match(await patient.dial(order, giveUp.signal), { kind: 'lost', reason: 'aborted' })
  await gone.promise

  const late = new AbortController()
  const slow = await serve(t, (_, response) => {
    response.writeHead(200)
    response.write('{"status":"success",', () => late.abort())
  })
  t.match(await bland(t, slow.url).dial(order, late.signal), { kind: 'lost', reason: 'aborted' })

  const mute = await serve(t, () => {})
  const impatient = bland(t, mute.url, { timeouts: { connectMs: 1000, headersMs: 50, bodyMs: 50 } })
  t.match(await impatient.dial(order, never), { kind: 'lost', reason: 'answer_timeout' })
})

t.test('a kept socket the server has closed', async (t) => {
  // The second request is either lost on the old socket or goes out on a new one; it may never be both.
  const { url, seen, server } = await serve(t, (_, response) => response.end(placed))
  const voice = bland(t, url, { permits: 1 })
  await voice.dial(order, never)
  server.closeAllConnections()
  const second = await voice.dial(order, never)
  t.equal(seen.length, second.kind === 'placed' ? 2 : 1)
  t.match(second.kind, /^(placed|lost)$/)
})

/** Bland's look-up endpoints over a table of paths. */
const lookups = (t: Test, table: Record<string, unknown>) =>
  serve(t, (request, response) => {
    const path = request.url?.split('?')[0] ?? ''
    const found = table[path]
    if (found === undefined) return void response.writeHead(404).end(JSON.stringify({ status: 'error', message: 'no' }))
    if (typeof found === 'number') return void response.writeHead(found).end('<html></html>')
    response.end(typeof found === 'string' ? found : JSON.stringify(found))
  })

t.test('find looks each candidate up by its id', async (t) => {
  const wanted = { requestId: 'req-1', phone, sinceMs: Date.parse('2026-11-22T12:00:00Z') }
  const item = (call_id: string, to = phone as string) => ({ call_id, to, completed: false })
  const other = { call_id: 'C1', metadata: { request_id: 'req-0' } }
  const ours = { call_id: 'C2', metadata: null, request_data: { request_id: 'req-1' } }
  const calls = [item('C1'), item('C9', '+12125550109'), item('C2', '2125550101'), null, { call_id: null, to: phone }]
  const find = async (table: Record<string, unknown>) => {
    const { url, seen } = await lookups(t, table)
    return { sighting: await bland(t, url).find(wanted, never), seen: seen.map((request) => request.url) }
  }

  const found = await find({ '/v1/calls': { count: 3, calls }, '/v1/calls/C1': other, '/v1/calls/C2': ours })
  t.strictSame(found.sighting, { kind: 'found', callId: 'C2' })
  t.strictSame(found.seen, [
    '/v1/calls?to_number=%2B12125550101&start_date=2026-11-22T11%3A55%3A00.000Z',
    '/v1/calls/C1',
    '/v1/calls/C2',
  ])
  const bare = { '/v1/calls': { calls: [{ call_id: 'C2' }] }, '/v1/calls/C2': ours }
  t.match((await find(bare)).sighting, { kind: 'found' }, 'an item that does not say whom it called')
  t.match((await find({ '/v1/calls': { calls: [] } })).sighting, { kind: 'unseen' })
  const over = { ...other, status: 'completed', completed: true }
  t.match((await find({ '/v1/calls': { calls: [item('C1')] }, '/v1/calls/C1': over })).sighting, { kind: 'unseen' })
  t.match((await find({ '/v1/calls': { calls: [item('C1')] }, '/v1/calls/C1': other })).sighting, { kind: 'engaged' })
  t.match((await find({ '/v1/calls': { calls }, '/v1/calls/C1': 502, '/v1/calls/C2': ours })).sighting, {
    kind: 'found',
  })
  t.match((await find({ '/v1/calls': { calls }, '/v1/calls/C1': 502 })).sighting, {
    kind: 'unavailable',
    reason: 'http_502',
  })
  t.match((await find({ '/v1/calls': 500 })).sighting, { kind: 'unavailable', reason: 'http_500' })
  t.match((await find({ '/v1/calls': '[]' })).sighting, { kind: 'unavailable', reason: 'no_list' })
  t.match((await find({})).sighting, { kind: 'unavailable' }, 'a 404 is not an empty list')
})

t.test('report', async (t) => {
  const report = async (table: Record<string, unknown>, callId = 'C1') => {
    const { url } = await lookups(t, table)
    return bland(t, url).report(callId, never)
  }
  const record = { ...base, call_id: 'C1', c_id: 'C1' }
  const stored = (payload: unknown) => ({
    '/v1/postcall/webhooks/C1': { data: { payload, call_id: 'C1' }, errors: null },
  })
  const missing = { '/v1/postcall/webhooks/C1': { data: null, errors: [{ error: 'NOT_FOUND', message: 'none' }] } }
  const call = (found: unknown) => ({ ...missing, '/v1/calls/C1': found })
  const live = { call_id: 'C1', status: 'started', queue_status: 'started', completed: false }

  const sent = await report(stored(record))
  t.equal(sent.kind === 'finished' && sent.bytes.toString(), JSON.stringify(record), 'as it was sent')
  const text = await report(stored(JSON.stringify(record)))
  t.equal(text.kind === 'finished' && text.bytes.toString(), JSON.stringify(record), 'stored as text')
  const asked = await report(call(` ${JSON.stringify(record)}`))
  t.equal(asked.kind === 'finished' && asked.bytes.toString(), ` ${JSON.stringify(record)}`, 'byte for byte')
  t.match(await report({ ...stored({ call_id: 'C1', category: 'call' }), '/v1/calls/C1': live }), { kind: 'live' })
  t.match(
    await report({ ...stored({ ...record, call_id: 'C2' }), '/v1/calls/C1': live }),
    { kind: 'live' },
    'another call’s',
  )

  t.match(await report(call({ ...live, queue_status: 'call_error' })), { kind: 'finished' })
  t.match(await report(call({ ...live, status: 'unknown', queue_status: 'exited_early' })), { kind: 'finished' })
  t.match(await report(call({ call_id: 'C1', completed: true })), { kind: 'finished' })
  const growing = { call_id: 'C1', status: 'completed', completed: false, answered_by: null, transcripts: [] }
  const ended = (secondsAgo: number) => ({ ...growing, end_at: new Date(Date.now() - secondsAgo * 1000).toISOString() })
  t.match(await report(call(ended(1))), { kind: 'live' }, 'a transcript in the making')
  t.match(await report(call(ended(3600))), { kind: 'finished' }, 'one that never came')
  t.match(await report(call(growing)), { kind: 'finished' })
  t.match(await report(call({ ...ended(1), status: 'failed' })), { kind: 'finished' }, 'a failed call has none')
  t.match(await report({}), { kind: 'unknown' })
  t.match(await report(call({ status: 'error', message: 'Call not found' })), { kind: 'unknown' })
  t.match(await report(call({ data: null, errors: [{ error: 'NOT_FOUND' }] })), { kind: 'unknown' })
  t.match(await report(call(502)), { kind: 'unavailable', reason: 'http_502' })
  t.match(await report(call(404)), { kind: 'unavailable' }, 'a gateway’s 404')
  t.match(await report(call({ ...record, call_id: 'C2' })), { kind: 'unavailable' }, 'another call’s record')
  t.match(await report({}, '../../odd id?'), { kind: 'unknown' })
})

t.test('look-ups do not take the dials’ sockets', async (t) => {
  const busy = latch()
  let asked = 0
  const { url } = await serve(t, (request, response) => {
    if (request.method === 'POST') return void response.end(placed)
    asked += 1
    if (asked === 4) busy.resolve()
  })
  const stop = new AbortController()
  const voice = bland(t, url, { permits: 1 })
  const looks = Array.from({ length: 8 }, (_, index) => voice.report(`C${index}`, stop.signal))
  await busy.promise
  t.match(await voice.dial(order, never), { kind: 'placed' })
  stop.abort()
  for (const report of await Promise.all(looks)) t.match(report, { kind: 'unavailable', reason: 'aborted' })
})
