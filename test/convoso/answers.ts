import t from 'tap'
import { OUTCOMES } from '../../src/calls/call.ts'
import { type Answer, type Endpoint, read, readLeads, unanswered } from '../../src/convoso/answers.ts'
import { DEFAULT_STATUSES, statusMap, statusOf } from '../../src/convoso/statuses.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const answer = (body: unknown, status = 200, headers: Answer['headers'] = {}): Answer => ({
  status,
  headers,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const refusal = (code: unknown) => answer({ success: false, code, text: 'Jane Roe, 2125550123' })
const later = (reason: string, retryAfterMs: number | null = null, throttled = false) => ({
  kind: 'later',
  reason,
  retryAfterMs,
  throttled,
})

t.test('each documented code of leads/update, log/update and leads/search', async (t) => {
  const rows: [Endpoint, number, 'never' | 'later', string][] = [
    ['leads/update', 5001, 'never', 'bad_auth_token'],
    ['leads/update', 403, 'never', 'forbidden'],
    ['leads/update', 6001, 'never', 'no_such_lead'],
    ['leads/update', 6002, 'never', 'no_such_list'],
    ['leads/update', 6006, 'never', 'no_such_user'],
    ['leads/update', 6008, 'never', 'phone_invalid'],
    ['leads/update', 6079, 'never', 'email_invalid'],
    ['log/update', 5001, 'never', 'bad_auth_token'],
    ['log/update', 403, 'never', 'forbidden'],
    ['log/update', 6032, 'never', 'call_log_id_missing'],
    ['log/update', 6033, 'later', 'no_such_call_log'],
    ['log/update', 6035, 'never', 'extra_field_missing'],
    ['log/update', 6001, 'later', 'unknown_code'],
    ['leads/update', 6032, 'later', 'unknown_code'],
    ['leads/update', 6070, 'later', 'unknown_code'],
    ['leads/update', 9999, 'later', 'unknown_code'],
    ['leads/search', 5001, 'never', 'bad_auth_token'],
    ['leads/search', 403, 'never', 'forbidden'],
    ['leads/search', 6000, 'never', 'lists_missing'],
    ['leads/search', 7230, 'never', 'bad_limit'],
    ['leads/search', 7231, 'never', 'bad_offset'],
    ['leads/search', 6002, 'later', 'unknown_code'],
  ]
  for (const [endpoint, code, kind, words] of rows) {
    const reason = `${endpoint} ${code} ${words}`
    const expected = kind === 'never' ? { kind, reason } : later(reason)
    t.strictSame(read(endpoint, refusal(code), NOW), expected, `${reason}: ${kind}`)
    t.strictSame(read(endpoint, refusal(String(code)), NOW), expected, 'as a string too')
  }
  t.strictSame(
    read('leads/update', answer({ success: false, code: 6001 }, 400), NOW),
    { kind: 'never', reason: 'leads/update 6001 no_such_lead' },
    'whatever the HTTP status',
  )
})

t.test('done is success: true and nothing else', async (t) => {
  for (const body of [
    { success: true },
    { success: true, data: { lead_id: '7' } },
    { success: true, code: 200 },
    '\ufeff {"success":true}\n',
  ])
    t.strictSame(read('leads/update', answer(body), NOW), { kind: 'done' })
  for (const body of [{ success: 'true' }, { success: 1 }, {}, [], [{ success: true }]])
    t.strictSame(read('leads/update', answer(body), NOW), later('leads/update 200 no_success'))
  t.strictSame(read('leads/update', answer({ success: true }, 302), NOW), later('leads/update 302 not_ok'))
  t.strictSame(read('leads/update', answer({ success: true }, 500), NOW), later('leads/update 500 server_error'))
})

t.test('a missing lead that comes without its code', async (t) => {
  const body = { success: false, text: 'No such Lead' }
  t.match(read('leads/update', answer(body), NOW), { kind: 'never', reason: 'leads/update 6001 no_such_lead' })
  t.strictSame(read('log/update', answer(body), NOW), later('log/update 200 no_code'))
  t.strictSame(read('leads/update', answer({ ...body, code: 9999 }), NOW), later('leads/update 9999 unknown_code'))
})

t.test('what leads/search found', async (t) => {
  const found = (body: unknown, status = 200) => readLeads(answer(body, status), NOW)
  const lead = { id: '7', lead_id: '7' }
  const entries = (...leads: unknown[]) => ({ success: true, data: { offset: 0, total: '1', entries: leads } })
  t.strictSame(found(entries(lead, null, 'odd', lead)), { kind: 'leads', leads: [lead, lead] })
  t.strictSame(found(entries()), { kind: 'leads', leads: [] })
  t.strictSame(found({ success: false, code: 6001, text: 'x' }), { kind: 'leads', leads: [] }, 'no such lead')
  t.strictSame(found({ success: false, text: 'No such Lead' }), { kind: 'leads', leads: [] })
  for (const data of [undefined, null, [], {}, { entries: null }, { entries: {} }, 'x'])
    t.strictSame(found({ success: true, data }), later('leads/search 200 no_entries'), 'a yes that shows nothing')
  t.strictSame(found('<html>'), later('leads/search 200 html'))
  t.strictSame(found('{"success":tr'), later('leads/search 200 not_json'))
  t.strictSame(found(entries(lead), 502), later('leads/search 502 server_error'))
  t.strictSame(found('', 401), { kind: 'never', reason: 'leads/search 401 unauthorized' })
  t.strictSame(found({ success: false, code: 5001 }), { kind: 'never', reason: 'leads/search 5001 bad_auth_token' })
})

t.test('what is not an answer of the API may pass', async (t) => {
  const html = '<!doctype html><p>Jane Roe'
  t.strictSame(read('leads/update', answer(html), NOW), later('leads/update 200 html'))
  t.strictSame(read('leads/update', answer(html, 404), NOW), later('leads/update 404 html'))
  t.strictSame(read('leads/update', answer(''), NOW), later('leads/update 200 empty'))
  t.strictSame(read('leads/update', answer('', 204), NOW), later('leads/update 204 empty'))
  t.strictSame(read('leads/update', answer('{"success":tr'), NOW), later('leads/update 200 not_json'))
  t.strictSame(read('leads/update', answer('true'), NOW), later('leads/update 200 not_json'))
  for (const odd of [{ toString: 1, valueOf: 1 }, [6001], null, 1.5, '6001; Jane Roe', -1e300])
    t.match(read('leads/update', refusal(odd), NOW), { kind: 'later', reason: /^leads\/update 200 no_code$/ })
  t.strictSame(
    read('leads/update', answer({ success: false, text: { toString: 1 } }), NOW),
    later('leads/update 200 no_code'),
  )
  for (const status of [500, 502, 503, 504])
    t.strictSame(read('log/update', answer(html, status), NOW), later(`log/update ${status} server_error`))
})

t.test('a refused token', async (t) => {
  for (const body of ['<html><h1>No', { success: false, code: 5001 }, '']) {
    t.strictSame(read('leads/update', answer(body, 401), NOW), {
      kind: 'never',
      reason: 'leads/update 401 unauthorized',
    })
    t.strictSame(read('log/update', answer(body, 403), NOW), { kind: 'never', reason: 'log/update 403 forbidden' })
  }
})

t.test('429 and Retry-After', async (t) => {
  const throttled = (header?: string | string[]) =>
    read('leads/update', answer('', 429, header === undefined ? {} : { 'retry-after': header }), NOW)
  const wait = (ms: number | null) => later('leads/update 429 too_many_requests', ms, true)
  t.strictSame(throttled(), wait(null))
  t.strictSame(throttled('7'), wait(7000))
  t.strictSame(throttled('0.5'), wait(500))
  t.strictSame(throttled(['3', '9']), wait(3000))
  t.strictSame(throttled('Sun, 22 Nov 2026 12:00:30 GMT'), wait(30_000), 'an HTTP date')
  t.strictSame(throttled('Sun, 22 Nov 2026 11:00:00 GMT'), wait(0), 'a date gone by')
  t.strictSame(throttled('999999'), wait(3_600_000), 'an hour at most')
  for (const odd of ['', 'soon', '-5', '2026', '1e9']) t.match(throttled(odd), { kind: 'later', throttled: true })
  t.strictSame(throttled('soon'), wait(null))
  t.strictSame(
    read('leads/update', answer('', 503, { 'retry-after': '2' }), NOW),
    later('leads/update 503 server_error', 2000),
    'a 503 may name a time too, and slows nobody else',
  )
})

t.test('no answer', async (t) => {
  const failed = (code: unknown) => unanswered('leads/update', Object.assign(new Error('Jane Roe'), { code }))
  t.strictSame(failed('ECONNRESET'), later('leads/update no_answer ECONNRESET'))
  t.strictSame(failed('Jane Roe'), later('leads/update no_answer unexplained'))
  t.strictSame(failed({ toString: 1 }), later('leads/update no_answer unexplained'))
  t.strictSame(unanswered('log/update', null), later('log/update no_answer unexplained'))
})

t.test('statuses', async (t) => {
  const made = (overrides?: string) => {
    const map = statusMap(overrides)
    if (map.kind === 'faults') throw new Error(map.faults.join())
    return (outcome: (typeof OUTCOMES)[number], rule = 'any') => statusOf(map.table, { outcome, rule })
  }

  t.test('the default table is total and every status well-formed', async (t) => {
    const status = made()
    for (const outcome of OUTCOMES) {
      t.match(status(outcome), /^[A-Z0-9]{1,6}$/, outcome)
      t.ok(DEFAULT_STATUSES[outcome].reason, 'with a reason')
    }
    t.strictSame(
      OUTCOMES.map((outcome) => status(outcome)).join(' '),
      'ACA DNC DC A CB NI NA B N N CD N FORBID N INCOMP',
    )
    t.equal(status('REFUSED', 'do_not_call'), 'DNC')
    t.equal(made('')('VOICEMAIL'), 'A')
  })

  t.test('overrides, by outcome and by rule', async (t) => {
    const status = made('{"VOICEMAIL":"AM","DO_NOT_CALL":"DNCA","REFUSED":"REJ","FAILED:too_long":"ERI"}')
    t.equal(status('VOICEMAIL'), 'AM')
    t.equal(status('BUSY'), 'B', 'the others stay')
    t.equal(status('REFUSED'), 'REJ')
    t.equal(status('REFUSED', 'do_not_call'), 'DNCA', 'follows DO_NOT_CALL')
    t.equal(status('FAILED', 'too_long'), 'ERI')
    t.equal(status('FAILED'), 'N')
    t.equal(made('{"REFUSED:do_not_call":"DNCQ"}')('REFUSED', 'do_not_call'), 'DNCQ')
  })

  t.test('faults, all at once', async (t) => {
    const faults = (text: string) => {
      const map = statusMap(text)
      return map.kind === 'faults' ? map.faults : []
    }
    t.strictSame(faults('{"VOICEMAIL":"AM"'), ['not JSON'])
    t.strictSame(faults('["AM"]'), ['not a JSON object'])
    t.strictSame(faults('null'), ['not a JSON object'])
    t.strictSame(faults('{"HAPPY":"X","BUSY":"","VOICEMAIL":"A B","NO_ANSWER":5,"FAILED":"ABCDEFG","CALLBACK":"CB"}'), [
      'HAPPY is no outcome',
      'the status of BUSY is not 1-6 letters and digits',
      'the status of VOICEMAIL is not 1-6 letters and digits',
      'the status of NO_ANSWER is not 1-6 letters and digits',
      'the status of FAILED is not 1-6 letters and digits',
    ])
    t.strictSame(faults('{"REFUSED:":"X","__proto__":"X","busy":"X"}').length, 3)
  })
})
