import t from 'tap'
import type { OUTCOMES } from '../../src/calls/call.ts'
import type { Completion } from '../../src/completions/completion.ts'
import { accountTime } from '../../src/convoso/account-time.ts'
import { createConvoso } from '../../src/convoso/client.ts'
import { createStanding } from '../../src/convoso/standing.ts'
import { type StatusTable, statusMap } from '../../src/convoso/statuses.ts'
import type { OutcomeReport, Standing } from '../../src/delivery/crm.ts'
import { createConvosoSimulator } from '../../src/dev/convoso-simulator/simulator.ts'
import { wallClock } from '../../src/dev/simulator/clock.ts'

const ZONE = 'America/Los_Angeles'
const CALL_ID = '5f0c7a1e-0000-4000-8000-000000000042'
const SINCE = Date.parse('2026-11-22T17:00:00Z')
const forever = new AbortController().signal
const ours = { kind: 'ours', done: ['leads/update'] }

const completion = { callId: CALL_ID, transcript: 'user: hello', variables: {} } as Completion
const report = (outcome: (typeof OUTCOMES)[number], more: Partial<OutcomeReport> = {}): OutcomeReport => ({
  ...{ requestId: 'req_1', callId: CALL_ID, leadId: '42', callLogId: null, completion: null },
  verdict: { outcome, rule: 'any', evidence: '' },
  ...more,
})
function tableOf(overrides?: string): StatusTable {
  const map = statusMap(overrides)
  if (map.kind === 'faults') throw new Error(map.faults.join())
  return map.table
}
const standingBy = (overrides?: string) =>
  createStanding({ statuses: tableOf(overrides), accountTime: accountTime(ZONE), skewMs: 10_000 })

t.test('times as an account shows them', async (t) => {
  const rows: [zone: string, shown: unknown, expected: string | null, why: string][] = [
    [ZONE, '2026-11-22 09:00:00', '2026-11-22T17:00:00Z', 'winter'],
    [ZONE, '2026-07-04 09:00:00', '2026-07-04T16:00:00Z', 'summer'],
    ['America/New_York', '2026-11-22 09:00:00', '2026-11-22T14:00:00Z', 'another account'],
    ['Asia/Kathmandu', '2026-11-22 09:00:00', '2026-11-22T03:15:00Z', 'ahead of UTC, by no whole hour'],
    ['Australia/Sydney', '2026-04-05 01:30:00', '2026-04-04T14:30:00Z', 'ahead of UTC, the night summer ends'],
    ['UTC', ' 2026-11-22T09:00:00.250 ', '2026-11-22T09:00:00Z', 'a T, a fraction, blanks'],
    [ZONE, '2026-11-01 00:59:59', '2026-11-01T07:59:59Z', 'before the hour that comes twice'],
    [ZONE, '2026-11-01 01:30:00', '2026-11-01T09:30:00Z', 'its second time'],
    [ZONE, '2026-11-01 02:00:00', '2026-11-01T10:00:00Z', 'after it'],
    [ZONE, '2026-03-08 01:59:59', '2026-03-08T09:59:59Z', 'before the hour that is skipped'],
    [ZONE, '2026-03-08 02:30:00', '2026-03-08T10:30:00Z', 'in it'],
    [ZONE, '2026-03-08 03:00:00', '2026-03-08T10:00:00Z', 'after it'],
    [ZONE, '2026-11-22T09:00:00-0500', '2026-11-22T14:00:00Z', 'an offset counts more than the account'],
    [ZONE, '2026-11-22T09:00:00+05:30', '2026-11-22T03:30:00Z', 'with a colon'],
    [ZONE, '2026-11-22T09:00:00-00:30', '2026-11-22T09:30:00Z', 'less than an hour'],
    [ZONE, '2026-11-22T09:00:00Z', '2026-11-22T09:00:00Z', 'UTC'],
    [ZONE, '0000-00-00 00:00:00', null, 'no date'],
    [ZONE, '2026-02-30 09:00:00', null, 'no such day'],
    [ZONE, '2026-11-22 24:00:00', null, 'no such hour'],
    [ZONE, '2026-11-22', null, 'a day'],
    [ZONE, '', null, 'a blank'],
    [ZONE, null, null, 'null'],
    [ZONE, SINCE, null, 'a number'],
  ]
  for (const [zone, shown, expected, why] of rows)
    t.equal(accountTime(zone)(shown), expected === null ? null : Date.parse(expected), `${why}: ${shown}`)
})

t.test('what an entry says of an outcome', async (t) => {
  const before = '2026-11-22 08:59:00'
  const soon = '2026-11-22 09:00:10'
  const after = '2026-11-22 09:00:11'
  const rows: [why: string, status: unknown, modified_at: unknown, report: OutcomeReport, kind: Standing['kind']][] = [
    ['a fresh lead', 'NEW', after, report('VOICEMAIL'), 'open'],
    ['no status', '', after, report('VOICEMAIL'), 'open'],
    ['null for a status', null, after, report('VOICEMAIL'), 'open'],
    ['a sale made since', 'SALE', after, report('VOICEMAIL'), 'theirs'],
    ['in small letters', ' sale ', after, report('VOICEMAIL'), 'theirs'],
    ['a status nobody here has heard of', 'Q7', after, report('TRANSFERRED'), 'theirs'],
    ['a sale made before', 'SALE', before, report('VOICEMAIL'), 'open'],
    ['saved in the moment it was dialed', 'SALE', soon, report('VOICEMAIL'), 'open'],
    ['saved nobody knows when', 'SALE', 'yesterday', report('VOICEMAIL'), 'open'],
    ['saved at no time', 'SALE', undefined, report('VOICEMAIL'), 'open'],
    ['a time with its offset', 'SALE', '2026-11-22T17:00:11+0000', report('VOICEMAIL'), 'theirs'],
    ['an agent after a transfer, by a status we write too', 'NI', after, report('TRANSFERRED'), 'theirs'],
    ['a callback', 'CB', after, report('NO_ANSWER'), 'theirs'],
    ['the status to be written', 'ACA', after, report('TRANSFERRED'), 'open'],
    ['in small letters', 'aca', after, report('TRANSFERRED'), 'open'],
    ['a machine, by whoever dialed', 'AA', after, report('TRANSFERRED'), 'open'],
    ['a call in progress', 'INCALL', after, report('TRANSFERRED'), 'open'],
    ['call progress detection', 'CPDINV', after, report('VOICEMAIL'), 'open'],
    ['what our table gives where nobody decided', 'FORBID', after, report('VOICEMAIL'), 'open'],
    ['do not call since', 'DNC', after, report('TRANSFERRED'), 'theirs'],
    ['do not call before', 'DNC', before, report('TRANSFERRED'), 'theirs'],
    ['do not call, nobody knows since when', 'DNCL', '', report('ANSWERED'), 'theirs'],
    ['do not call by the queue', 'QDNC', before, report('ANSWERED'), 'theirs'],
    ['an opt-out over a sale', 'SALE', after, report('DO_NOT_CALL'), 'open'],
    ['an opt-out over another', 'DNCA', after, report('DO_NOT_CALL'), 'open'],
  ]
  const standing = standingBy()
  for (const [why, status, modified_at, wanted, kind] of rows)
    t.strictSame(standing([{ id: '42', lead_id: '42', status, modified_at }], wanted, SINCE), { kind }, why)

  t.test('with the id of this call in it', async (t) => {
    const entry = {
      lead_id: 42,
      field_1: 'Call Outcome: VOICEMAIL',
      field_2: '',
      field_9: ` ${CALL_ID} `,
      modified_at: after,
    }
    const given = (status: string, wanted: OutcomeReport) => standing([{ ...entry, status }], wanted, SINCE)
    t.strictSame(given('A', report('VOICEMAIL')), ours)
    t.strictSame(given('SALE', report('VOICEMAIL')), ours, 'somebody went on from there')
    t.strictSame(given('A', report('VOICEMAIL', { leadId: ' 42 ', callId: ` ${CALL_ID}` })), ours)
    t.strictSame(
      given('INCOMP', report('TRANSFERRED', { completion })),
      { kind: 'open' },
      'a completion came after all',
    )
    t.strictSame(given('N', report('TRANSFERRED', { completion })), { kind: 'open' })
    t.strictSame(given('N', report('FAILED', { completion })), ours, 'which says the same')
    t.strictSame(given('INCOMP', report('DIAL_UNCONFIRMED')), ours, 'and none came')
    const other = { callId: 'another' }
    t.strictSame(given('SALE', report('VOICEMAIL', other)), { kind: 'theirs' }, 'another call’s id proves nothing')
    for (const callId of [null, '', ' '])
      t.strictSame(given('A', report('VOICEMAIL', { callId })), { kind: 'open' }, 'a call without an id')
    t.strictSame(standing([{ ...entry, field_9: `x${CALL_ID}` }], report('VOICEMAIL'), SINCE), { kind: 'open' })
  })

  t.test('whose entry it is', async (t) => {
    const sale = { status: 'SALE', modified_at: after }
    const wanted = report('VOICEMAIL')
    t.strictSame(standing([], wanted, SINCE), { kind: 'open' }, 'nobody’s')
    t.strictSame(
      standing([{ lead_id: '7', field_1: CALL_ID, ...sale }], wanted, SINCE),
      { kind: 'open' },
      'another lead’s',
    )
    t.strictSame(
      standing([{ lead_id: '7' }, { lead_id: '42', ...sale }], wanted, SINCE),
      { kind: 'theirs' },
      'the second',
    )
    t.strictSame(standing([{ id: 42, ...sale }], wanted, SINCE), { kind: 'theirs' }, 'by id alone')
    t.strictSame(
      standing([{ id: '42', lead_id: '7', ...sale }], wanted, SINCE),
      { kind: 'open' },
      'lead_id counts more',
    )
  })

  t.test('with a table of one’s own', async (t) => {
    const own = standingBy('{"VOICEMAIL":"VMX","DO_NOT_CALL":"NOPE","NO_ANSWER":"CB","NO_COMPLETION":"LOST"}')
    const given = (status: string, outcome: (typeof OUTCOMES)[number], modified_at = after) =>
      own([{ lead_id: '42', status, modified_at }], report(outcome), SINCE)
    t.strictSame(given('VMX', 'TRANSFERRED'), { kind: 'open' })
    t.strictSame(given('NOPE', 'TRANSFERRED', before), { kind: 'theirs' }, 'do not call under another name')
    t.strictSame(given('SALE', 'DO_NOT_CALL'), { kind: 'open' })
    t.strictSame(given('CB', 'VOICEMAIL'), { kind: 'theirs' }, 'a status of two meanings may be a person’s')
    const lost = { lead_id: '42', status: 'LOST', field_1: CALL_ID, modified_at: after }
    t.strictSame(own([lost], report('TRANSFERRED', { completion }), SINCE), { kind: 'open' })
  })
})

t.test('asked of Convoso', async (t) => {
  let atMs = SINCE
  const clock = { ...wallClock, now: () => atMs }
  const convoso = createConvosoSimulator({ clock })
  const origin = await convoso.listen()
  const options = { origin, token: 'simulated-token', statuses: tableOf(), timeZone: ZONE, skewMs: 10_000 }
  const crm = createConvoso({ ...options, timeoutMs: 10_000 })
  t.teardown(async () => {
    await crm.close()
    await convoso.close()
  })
  const wanted = report('TRANSFERRED', { completion })
  const standing = (asked = wanted) => crm.standing(asked, SINCE, forever)
  const write = (keepDisposition: boolean) => crm.writes(wanted, { keepDisposition })[0]?.send(forever)

  t.test('a lead that is written, touched by an agent, and asked for again', async (t) => {
    t.strictSame(await standing(), { kind: 'open' }, 'not known yet')
    convoso.leads([{ lead_id: '42', status: 'CB' }, { lead_id: '43' }])
    t.strictSame(await standing(), { kind: 'open' }, 'as it was when it was dialed')
    atMs += 60_000
    convoso.agent({ lead_id: '42', status: 'SALE' })
    t.strictSame(await standing(), { kind: 'theirs' })
    t.strictSame(await write(true), { kind: 'done' })
    t.match(convoso.lead('42'), { status: 'SALE', bland_call_id: CALL_ID }, 'the outcome went to the other fields')
    t.strictSame(await standing(), ours)
    t.strictSame(await standing({ ...wanted, leadId: '43', callId: 'x' }), { kind: 'open' })
    const reads = convoso.ledger().entries.filter(({ what }) => what === 'read')
    t.match(reads[0], { endpoint: 'leads/search', method: 'POST', params: { lead_id: '42' } })
    t.equal(reads.length, 5, 'one request each')
    t.equal(convoso.ledger().violations, 0, 'the token in the body, nothing unknown')
  })

  t.test('no id, no question', async (t) => {
    convoso.forget()
    for (const leadId of ['', ' ', '0', '00', 'null'])
      t.strictSame(await standing(report('BUSY', { leadId })), { kind: 'open' })
    t.equal(convoso.ledger().requests, 0)
  })

  t.test('texts as long as they are written come back whole', async (t) => {
    const transcript = 'ñ'.repeat(59_000)
    await crm.writes({ ...wanted, completion: { ...completion, transcript, summary: transcript } })[0]?.send(forever)
    t.strictSame(await standing(), ours)
  })

  t.test('failures, as of a write', async (t) => {
    const later = (reason: string | RegExp, more: object = {}) => ({ kind: 'later', reason, ...more })
    const rows: [name: string, detail: object, expected: object][] = [
      [
        'too_many',
        { retry_after: 3 },
        later('leads/search 429 too_many_requests', { retryAfterMs: 3000, throttled: true }),
      ],
      ['server_error', { status: 503 }, later('leads/search 503 server_error')],
      ['html', {}, later('leads/search 200 html')],
      ['empty', {}, later('leads/search 200 empty')],
      ['truncated', {}, later('leads/search 200 not_json')],
      ['reset_before', {}, later(/^leads\/search no_answer (ECONNRESET|UND_ERR_SOCKET)$/)],
      ['success_false', { code: 9999 }, later('leads/search 9999 unknown_code')],
      ['success_false', { code: 5001 }, { kind: 'never', reason: 'leads/search 5001 bad_auth_token' }],
      ['success_false', { code: 6001, text: 'No such Lead' }, { kind: 'open' }],
    ]
    for (const [name, detail, expected] of rows) {
      convoso.forget()
      convoso.faults({ 'leads/search': { [name]: { first: 1, ...detail } } })
      t.match(await standing(), expected, name)
      t.equal(convoso.ledger().requests, 1, 'nothing is repeated')
    }
    convoso.faults({ 'leads/search': { slow: { first: 1, ms: 60_000 } } })
    const impatient = createConvoso({ ...options, timeoutMs: 50 })
    t.match(await impatient.standing(wanted, SINCE, forever), later('leads/search timed_out'))
    await impatient.close()
    t.match(await crm.standing(wanted, SINCE, AbortSignal.abort()), later('leads/search aborted'))
    convoso.faults({ 'leads/search': {} })
  })
})
