import t from 'tap'
import { dialAnswer, REFUSALS } from '../../src/bland/answers.ts'
import { type CallSettings, dialBody, webhookOf } from '../../src/bland/request.ts'
import { retryAfterMs } from '../../src/bland/retry-after.ts'
import type { DialOrder } from '../../src/dialing/voice.ts'
import { order, settings } from '../fixtures/dial-order.ts'

const body = (changes: Partial<CallSettings> = {}, lead: Partial<DialOrder['lead']> = {}) =>
  JSON.parse(dialBody({ ...settings, ...changes }, { ...order, lead: { ...order.lead, ...lead } }))

t.test('what is not set is not sent', async (t) => {
  t.strictSame(body({ BLAND_FROM: '', BLAND_START_NODE_ID: '' }), {
    phone_number: '+12125550101',
    pathway_id: 'pathway-1',
    max_duration: 30,
    record: true,
    wait_for_greeting: false,
    block_interruptions: false,
    answered_by_enabled: true,
    voicemail: { action: 'hangup', sensitive: false },
    request_data: {
      first_name: 'Ana',
      state: 'NY',
      empty: '',
      phone_number: '+12125550101',
      request_id: 'req-1',
      lead_id: '8763211',
      list_id: '16529',
    },
    metadata: {
      request_id: 'req-1',
      lead_id: '8763211',
      list_id: '16529',
      phone_number: '+12125550101',
      dialed_at_ms: 1_795_362_000_000,
      store: '{awh}',
    },
    webhook: 'https://calls.example.com/webhooks/bland-callback?call=req-1',
  })
})

t.test('what is set is sent', async (t) => {
  const all = body(
    {
      BLAND_START_NODE_ID: 'node_1',
      BLAND_TASK_TEMPLATE: 'not with a pathway',
      BLAND_FIRST_SENTENCE_TEMPLATE: 'Hi {{first_name}}!',
      BLAND_FROM: '+12125550190',
      BLAND_TRANSFER_PHONE_NUMBER: '+12125550177',
      BLAND_VOICE_ID: 'June',
      BLAND_ANSWERING_MACHINE_DETECTION: true,
      BLAND_SENSITIVE_VOICEMAIL_DETECTION: true,
      BLAND_VOICEMAIL_ACTION: 'ignore',
      BLAND_VOICEMAIL_MESSAGE: 'not left',
    },
    { callLogId: '99' },
  )
  t.match(all, {
    start_node_id: 'node_1',
    task: undefined,
    first_sentence: 'Hi {{first_name}}!',
    from: '+12125550190',
    transfer_phone_number: '+12125550177',
    voice: 'June',
    amd: true,
    metadata: { call_log_id: '99' },
  })
  t.strictSame(all.voicemail, { action: 'ignore', sensitive: true })

  const { BLAND_WEBHOOK_URL: _, ...polled } = settings
  t.notMatch(dialBody(polled, order), /webhook/, 'without a webhook Bland is polled')
  const task = body({ BLAND_PATHWAY_ID: '', BLAND_TASK_TEMPLATE: 'Ask {{first_name}}.', BLAND_START_NODE_ID: 'node_1' })
  t.match(task, { task: 'Ask {{first_name}}.', pathway_id: undefined, start_node_id: undefined })
})

t.test('a voicemail message is filled in by us', async (t) => {
  const left = (message: string, fields: Record<string, string> = { first_name: 'Ana' }) =>
    body({ BLAND_VOICEMAIL_ACTION: 'leave_message', BLAND_VOICEMAIL_MESSAGE: message }, { fields }).voicemail
  t.strictSame(left('Hi {{first_name}}, call {{ phone_number }}.'), {
    action: 'leave_message',
    message: 'Hi Ana, call +12125550101.',
    sensitive: false,
  })
  t.equal(left('Hi {{first_name}}, bye.', {}).message, 'Hi, bye.', 'a name nobody knows')
  t.equal(left('Hi {{toString}}{{__proto__}}.').message, 'Hi.', 'nor what every object has')
  t.equal(left('Hi {{first_name}}.', { first_name: "$& $1 $'" }).message, "Hi $& $1 $'.", 'names are not patterns')
  t.strictSame(left(' {{first_name}} ', {}), { action: 'hangup', sensitive: false }, 'nothing to say')
  t.strictSame(body({ BLAND_VOICEMAIL_ACTION: 'leave_message' }).voicemail, { action: 'hangup', sensitive: false })
})

t.test('our id joins the webhook’s own query', async (t) => {
  t.equal(webhookOf('http://127.0.0.1:3000/cb?a=1&call=old', 'r/2 &'), 'http://127.0.0.1:3000/cb?a=1&call=r%2F2+%26')
})

/** What an answer comes to, in one line: `later rate_limit 5000 account`. */
const meaning = (status: number, body: unknown, retryAfter: number | null = null): string =>
  Object.values(dialAnswer(status, typeof body === 'string' ? body : JSON.stringify(body), retryAfter)).join(' ')

const error = (message: string) => ({ status: 'error', message })
const listed = (...errors: string[]) => ({
  status: 'error',
  message: `Invalid parameters. Error: ${JSON.stringify(errors)}`,
  errors,
})
const coded = (code: string) => ({
  status: 'error',
  message: 'Not on your plan.',
  errors: [{ error: code, message: 'Not on your plan.' }],
})

const ANSWERS: [number, unknown, string][] = [
  [200, { status: 'success', message: 'Call successfully queued.', call_id: 'C1', batch_id: null }, 'placed C1'],
  [
    200,
    { status: 'success', call_id: 'C1', max_duration_notice: { reason: 'CALL_UNPAID_MAX_DURATION_CAPPED' } },
    'placed C1',
  ],
  [200, { call_id: 'C1' }, 'placed C1'],
  [200, { status: 'error', message: 'Something', call_id: 'C1' }, 'lost no_success'],
  [200, { status: 'success', message: 'Call successfully queued.' }, 'lost no_call_id'],
  [200, { status: 'success', call_id: '' }, 'lost no_call_id'],
  [200, 'OK', 'lost no_call_id'],
  [200, '', 'lost no_call_id'],
  [200, '<html></html>', 'lost no_call_id'],

  [401, { data: null, errors: [{ error: 'AUTH_FAILURE', message: 'Unauthorized' }] }, 'stopped unauthorized account'],
  [402, error('Insufficient balance.'), 'stopped balance account'],
  [402, error('No billing record found.'), 'stopped balance account'],
  [403, error('The Bland Team has flagged your account for a reason.'), 'stopped account_flagged account'],
  [404, error('Pathway with ID "p1" not found'), 'stopped not_found settings'],
  [418, { error: 'OBJECTIVE_VALIDATION_ERROR', details: {} }, 'stopped objective_invalid settings'],

  [
    429,
    error('Calls can only be sent every 10 seconds to the same number. Please try again in a few seconds.'),
    'later same_number 10000 number',
  ],
  [429, error('Rate limit exceeded'), 'later rate_limit 5000 account'],
  [
    429,
    error('Rate limit exceeded for newly created accounts. Please try again soon.'),
    'later rate_limit 5000 account',
  ],
  [429, error('International rate limit exceeded for your account type.'), 'later rate_limit 5000 account'],
  [429, coded('CALL_RL_PLAN_CONCURRENCY'), 'later rate_limit 5000 account'],
  [429, coded('CALL_RL_PLAN_DAILY_MINUTES'), 'later daily_minutes 300000 account'],
  [429, error('This number is blacklisted.'), 'never blacklisted true'],
  [429, '', 'later rate_limit 5000 account'],
  [429, '<html>Too many requests</html>', 'later rate_limit 5000 account'],

  [
    400,
    {
      status: 'DNC Error',
      message:
        'Number found in DNC list. You cannot dial sensitive numbers. More attempts will result in being blocked.',
    },
    'never do_not_call_list true',
  ],
  [
    400,
    error('Cannot dial sensitive numbers. More attempts will result in being blocked.'),
    'never do_not_call_list true',
  ],
  [400, { status: 'DNC Error', message: 'Refused.' }, 'never do_not_call_list true'],
  [400, listed('Missing required parameter: phone_number.'), 'stopped parameters settings'],
  [400, { errors: ['Missing required parameter: phone_number.'] }, 'stopped parameters settings'],
  [400, listed('phone_number must have 7 to 15 digits.'), 'never invalid_number false'],
  [400, coded('CALL_UNPAID_INTL_BLOCK'), 'never destination_blocked false'],
  [400, coded('CALL_PLAN_DESTINATION_BLOCKED'), 'never destination_blocked false'],
  [400, coded('CALL_PLAN_TRANSFER_BLOCKED'), 'stopped transfer settings'],
  [400, error('Invalid phone number. Please include a country code if outside the US.'), 'never invalid_number false'],
  [400, { error: 'Invalid phone number format' }, 'never invalid_number false'],
  [400, error("Invalid 'from' - must be a phone number string with 10 or 12 digits."), 'stopped from settings'],
  [400, error('Invalid from phone number.'), 'stopped from settings'],
  [400, error('Invalid transfer_phone_number.'), 'stopped transfer settings'],
  [400, error('Transfer phone number cannot be the same as the phone number.'), 'never transfer_number false'],
  [400, error('Retry must be an object.'), 'stopped parameters settings'],
  [400, error('webhook must be a string that starts with https://.'), 'stopped webhook settings'],
  [400, error('metadata must be an object.'), 'stopped parameters settings'],
  [400, error('request_data must be an object.'), 'stopped parameters settings'],
  [400, error('Record must be a boolean'), 'stopped parameters settings'],
  [
    400,
    error("pathway_version needs to either be a number, or a string of 'production' or 'staging'."),
    'stopped pathway_version settings',
  ],
  [400, error('Invalid start node ID: node_1'), 'stopped start_node settings'],
  [400, error('Invalid voicemail action. Must be one of: hangup, leave_message, ignore'), 'stopped voicemail settings'],
  [400, error('Calls must be scheduled at least 5 minutes in advance, or more'), 'stopped start_time settings'],
  [400, error('max_duration must be at most 12 hours.'), 'stopped max_duration settings'],
  [400, error('Additional properties are not allowed'), 'stopped parameters settings'],
  [400, error('Flagged Node: greeting'), 'stopped flagged_node settings'],

  [400, error('Unable to queue call.'), 'lost not_queued'],
  [400, error('Unable to save request body.'), 'lost not_queued'],
  [400, error('A text of next year'), 'lost http_400'],
  [400, '', 'lost http_400'],
  [500, error('Error in creating Twilio connection.'), 'lost http_500'],
  [500, error('Invalid `encrypted_key`'), 'lost http_500'],
  [500, error('Cannot dial sensitive numbers.'), 'lost http_500'],
  [502, '<html><body>Bad gateway</body></html>', 'lost html_502'],
  [403, ' <!DOCTYPE html><html>Forbidden</html>', 'lost html_403'],
  [504, 'upstream timed out', 'lost http_504'],
  [409, error('Rate limit exceeded'), 'lost http_409'],
  [408, '', 'lost http_408'],
  [302, '', 'lost http_302'],
]

t.test('every documented answer, and some that are none', async (t) => {
  for (const [status, body, expected] of ANSWERS) {
    t.equal(meaning(status, body), expected, `${status} ${JSON.stringify(body).slice(0, 90)}`)
  }
  for (const { answer } of REFUSALS) t.match(answer.kind === 'placed' ? '' : answer.reason, /^[a-z_]+$/)
})

t.test('Retry-After', async (t) => {
  t.equal(meaning(429, error('Rate limit exceeded'), 1000), 'later rate_limit 1000 account')
  t.equal(meaning(429, error('Rate limit exceeded'), 60_000), 'later rate_limit 60000 account')
  t.equal(meaning(429, error('to the same number'), 1000), 'later same_number 10000 number', 'never under ten seconds')
  t.equal(meaning(500, '', 1000), 'lost http_500', 'does not make an unknown answer known')

  t.equal(meaning(401, '', 1000), 'stopped unauthorized account', 'nor a refusal a matter of time')

  const date = 'Sun, 22 Nov 2026 12:00:00 GMT'
  t.equal(retryAfterMs({}), null)
  t.equal(retryAfterMs({ 'retry-after': '7' }), 7000)
  t.equal(retryAfterMs({ 'retry-after': '0' }), 1000, 'at least a second')
  t.equal(retryAfterMs({ 'retry-after': '99999999' }), 3_600_000, 'at most an hour')
  t.equal(retryAfterMs({ 'retry-after': 'Sun, 22 Nov 2026 12:00:30 GMT', date }), 30_000)
  t.equal(retryAfterMs({ 'retry-after': 'Sun, 22 Nov 2026 12:00:30 GMT' }), null, 'a date needs another')
  t.equal(retryAfterMs({ 'retry-after': 'soon', date }), null)
})
