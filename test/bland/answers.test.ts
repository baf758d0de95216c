import t from 'tap'
import { dialAnswer, REFUSALS } from '../../src/bland/answers.ts'
import { retryAfterMs } from '../../src/bland/retry-after.ts'

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

  [401, { data: null, errors: [{ error: 'AUTH_FAILURE', message: 'Unauthorized' }] }, 'stopped unauthorized'],
  [402, error('Insufficient balance.'), 'stopped balance'],
  [402, error('No billing record found.'), 'stopped balance'],
  [403, error('The Bland Team has flagged your account for a reason.'), 'stopped account_flagged'],
  [404, error('Pathway with ID "p1" not found'), 'stopped not_found'],
  [418, { error: 'OBJECTIVE_VALIDATION_ERROR', details: {} }, 'stopped objective_invalid'],

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
  [400, listed('Missing required parameter: phone_number.'), 'stopped parameters'],
  [400, { errors: ['Missing required parameter: phone_number.'] }, 'stopped parameters'],
  [400, listed('phone_number must have 7 to 15 digits.'), 'never invalid_number false'],
  [400, coded('CALL_UNPAID_INTL_BLOCK'), 'never destination_blocked false'],
  [400, coded('CALL_PLAN_DESTINATION_BLOCKED'), 'never destination_blocked false'],
  [400, coded('CALL_PLAN_TRANSFER_BLOCKED'), 'stopped transfer'],
  [400, error('Invalid phone number. Please include a country code if outside the US.'), 'never invalid_number false'],
  [400, { error: 'Invalid phone number format' }, 'never invalid_number false'],
  [400, error("Invalid 'from' - must be a phone number string with 10 or 12 digits."), 'stopped from'],
  [400, error('Invalid from phone number.'), 'stopped from'],
  [400, error('Invalid transfer_phone_number.'), 'stopped transfer'],
  [400, error('Transfer phone number cannot be the same as the phone number.'), 'never transfer_number false'],
  [400, error('Retry must be an object.'), 'stopped parameters'],
  [400, error('webhook must be a string that starts with https://.'), 'stopped webhook'],
  [400, error('metadata must be an object.'), 'stopped parameters'],
  [400, error('request_data must be an object.'), 'stopped parameters'],
  [400, error('Record must be a boolean'), 'stopped parameters'],
  [
    400,
    error("pathway_version needs to either be a number, or a string of 'production' or 'staging'."),
    'stopped pathway_version',
  ],
  [400, error('Invalid start node ID: node_1'), 'stopped start_node'],
  [400, error('Invalid voicemail action. Must be one of: hangup, leave_message, ignore'), 'stopped voicemail'],
  [400, error('Calls must be scheduled at least 5 minutes in advance, or more'), 'stopped start_time'],
  [400, error('max_duration must be at most 12 hours.'), 'stopped max_duration'],
  [400, error('Additional properties are not allowed'), 'stopped parameters'],
  [400, error('Flagged Node: greeting'), 'stopped flagged_node'],

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

  const date = 'Sun, 22 Nov 2026 12:00:00 GMT'
  t.equal(retryAfterMs({}), null)
  t.equal(retryAfterMs({ 'retry-after': '7' }), 7000)
  t.equal(retryAfterMs({ 'retry-after': '0' }), 1000, 'at least a second')
  t.equal(retryAfterMs({ 'retry-after': '99999999' }), 3_600_000, 'at most an hour')
  t.equal(retryAfterMs({ 'retry-after': 'Sun, 22 Nov 2026 12:00:30 GMT', date }), 30_000)
  t.equal(retryAfterMs({ 'retry-after': 'Sun, 22 Nov 2026 12:00:30 GMT' }), null, 'a date needs another')
  t.equal(retryAfterMs({ 'retry-after': 'soon', date }), null)
})
