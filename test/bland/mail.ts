import fc from 'fast-check'
import t from 'tap'
import { decode } from '../../src/bland/decode.ts'
import { createBlandReader, open } from '../../src/bland/mail.ts'
import { sign } from '../../src/bland/signature.ts'
import { base, samples } from '../fixtures/completions/samples.ts'
import { FULL } from '../full.ts'

const bytesOf = (value: unknown) => Buffer.from(JSON.stringify(value))
const record = (delta: Record<string, unknown>) => {
  const completion = decode(bytesOf({ ...base, ...delta }))
  if (completion === null) throw new Error('no record')
  return completion
}

t.test('every sample is told apart', async (t) => {
  for (const { name, mail, bytes } of samples) {
    const seen = open(bytes)
    t.equal(seen.kind === 'aside' ? seen.what : seen.kind, mail, name)
  }
})

t.test('our id is found wherever it travels, the surest place first', async (t) => {
  const ids = (delta: Record<string, unknown>) => open(bytesOf({ call_id: 'C1', completed: true, ...delta }))
  const ours = (requestId: string | null) => ({ kind: 'completion', callId: 'C1', requestId, origin: null })
  t.strictSame(ids({ metadata: { request_id: 'a' }, request_data: { request_id: 'b' } }), ours('a'))
  t.strictSame(ids({ metadata: null, request_data: { request_id: 'b' }, variables: { request_id: 'c' } }), ours('b'))
  t.strictSame(ids({ metadata: { request_id: '' }, variables: { request_id: 'c' } }), ours('c'))
  t.strictSame(ids({ metadata: [] }), ours(null))
  t.strictSame(ids({ completed: null }), ours(null), 'a key that is there counts, whatever it holds')
  t.match(ids({ event_type: 'evals', status: 'COMPLETE' }), { kind: 'aside', what: 'enrichment' })
  t.strictSame(open(bytesOf({ c_id: 17, status: null })), {
    kind: 'completion',
    callId: '17',
    requestId: null,
    origin: null,
  })
  t.match(ids({ call_id: 'x'.repeat(201) }), { kind: 'garbage' }, 'an id that long is none')
})

t.test('a signed record says whose dial it was', async (t) => {
  const said = {
    request_id: 'req-1',
    lead_id: 17,
    list_id: '9',
    call_log_id: 'L1',
    phone_number: '+12125550101',
    dialed_at_ms: 1_795_362_000_000,
    store: '{awh}',
  }
  const origin = (metadata: object, secret: string | undefined = 's1') => {
    const mail = createBlandReader(secret).open(bytesOf({ call_id: 'C1', completed: true, metadata }))
    return mail.kind === 'completion' && mail.origin
  }
  t.same(origin(said), {
    requestId: 'req-1',
    lead: { leadId: '17', listId: '9', phone: '+12125550101', callLogId: 'L1', fields: {} },
    dialedAt: 1_795_362_000_000,
    store: '{awh}',
  })
  for (const name of ['request_id', 'lead_id', 'list_id', 'phone_number', 'dialed_at_ms', 'store']) {
    t.equal(origin({ ...said, [name]: undefined }), null, `not without ${name}`)
  }
  t.equal(origin({ ...said, phone_number: '+442071838750' }), null)
  const unsigned = createBlandReader(undefined).open(bytesOf({ call_id: 'C1', completed: true, metadata: said }))
  t.match(unsigned, { origin: null }, 'nor an unsigned one')
})

t.test('an inbound call tells who called', async (t) => {
  const caller = (from: unknown) => open(bytesOf({ call_id: 'I1', completed: true, inbound: true, from }))
  t.match(caller('+12125550101'), { kind: 'aside', what: 'inbound', caller: '+12125550101' })
  t.match(caller('anonymous'), { what: 'inbound', caller: null })
  t.match(caller(null), { what: 'inbound', caller: null })
})

t.test('bodies that are no messages say why', async (t) => {
  t.match(open(Buffer.from('{"call_id":')), { kind: 'garbage', reason: 'body is not JSON' })
  t.match(open(Buffer.alloc(0)), { kind: 'garbage', reason: 'body is not JSON' })
  t.match(open(Buffer.from('null')), { kind: 'garbage', reason: 'body is not a JSON object' })
  t.match(open(bytesOf({ completed: true })), { kind: 'garbage', reason: 'call_id is missing' })
  t.equal(decode(Buffer.from('[]')), null)
  t.equal(decode(Buffer.from('{"a"')), null)
})

t.test('durations come out in whole seconds', async (t) => {
  const lasted = (delta: Record<string, unknown>) => record(delta).durationSeconds
  t.equal(lasted({ corrected_duration: '196', call_length: 3.26666666666667 }), 196)
  t.equal(lasted({ corrected_duration: 11 }), 11)
  t.equal(lasted({ corrected_duration: null, call_length: 3.26666666666667 }), 196, 'minutes')
  t.equal(lasted({ corrected_duration: '', call_length: '0.75' }), 45)
  t.equal(lasted({ corrected_duration: ' ', call_length: 0.75 }), 45)
  t.equal(lasted({ corrected_duration: '-1', call_length: 0 }), 0)
  t.equal(lasted({ corrected_duration: null, call_length: null }), 90, 'from the timestamps')
  t.equal(lasted({ corrected_duration: null, call_length: 1e300, end_at: null }), null)
  t.equal(record({ post_transfer_duration: 0.375 }).postTransferSeconds, 23)
})

t.test('spellings, tags and transfers', async (t) => {
  const cases: [string, unknown, string | null][] = [
    ['status', 'No_Answer', 'no-answer'],
    ['status', 'cancelled', 'canceled'],
    ['status', 'in-progress', 'unknown'],
    ['status', 7, 'unknown'],
    ['answered_by', 'answering_machine', 'voicemail'],
    ['answered_by', 'machine', 'voicemail'],
    ['answered_by', 'no answer', 'no-answer'],
    ['answered_by', 'fax', 'unknown'],
    ['answered_by', '', null],
    ['answered_by', { by: 'human' }, null],
  ]
  for (const [key, value, expected] of cases) {
    const completion = record({ [key]: value })
    t.equal(key === 'status' ? completion.status : completion.answeredBy, expected, `${key} ${JSON.stringify(value)}`)
  }
  t.equal(record({ status: null, queue_status: 'call_error', completed: null }).status, 'failed')
  t.equal(record({ status: null, queue_status: null, completed: null }).status, null)
  t.strictSame(record({ pathway_tags: ['a', { name: 'b' }, null, {}, 7, [], { name: null }] }).tags, ['a', 'b', '7'])
  t.strictSame(record({ pathway_tags: 'Voicemail Left' }).tags, ['Voicemail Left'])
  t.strictSame(record({ pathway_tags: null, variables: null }).tags, [])
  t.equal(record({ warm_transfer_call: { state: 'merged' } }).warmTransferState, 'MERGED')
  t.equal(record({ warm_transfer_call: {} }).warmTransferState, 'UNKNOWN', 'tried, and nothing known')
  t.equal(record({ warm_transfer_calls: [{ state: 'FAILED' }, { state: 'MERGED' }] }).warmTransferState, 'MERGED')
  t.strictSame(record({ variables: null }).variables, {})
})

t.test('transcripts become numbered lines', async (t) => {
  const listed = record({
    transcripts: [{ user: 'user', text: 'Hi' }, { user: 'robot', text: null }, null, 'x', { text: 'click' }],
  })
  t.strictSame(listed.lines, [
    { number: 1, who: 'customer', text: 'Hi' },
    { number: 2, who: 'other', text: 'click' },
  ])
  const whole = 'user: Hello\nthere: you \n assistant: Hi. \n robot: Well? \n agent-action: Ended call \n '
  const cut = record({ transcripts: [], concatenated_transcript: whole })
  t.strictSame(
    cut.lines.map(({ who, text }) => [who, text]),
    [
      ['customer', 'Hello there: you'],
      ['agent', 'Hi.'],
      ['agent', 'Well?'],
      ['other', 'Ended call'],
    ],
  )
  t.equal(cut.transcript, whole.trim())
  t.equal(record({ transcripts: [{ user: 'user', text: 'Hi' }], concatenated_transcript: null }).transcript, 'user: Hi')
  t.strictSame(record({ transcripts: 'none', concatenated_transcript: 5 }).lines, [
    { number: 1, who: 'other', text: '5' },
  ])
})

t.test('signatures', async (t) => {
  // RFC 4231, test case 2.
  const body = Buffer.from('what do ya want for nothing?')
  const signature = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
  t.equal(sign(body, 'Jefe'), signature)

  const reader = createBlandReader(' new , Jefe,')
  t.ok(reader.signed(body, signature), 'any secret of the list')
  t.ok(reader.signed(body, sign(body, 'new')))
  t.notOk(reader.signed(body, sign(body, 'other')))
  t.notOk(reader.signed(body, sign(body, '')))
  t.notOk(reader.signed(Buffer.concat([body, Buffer.from(' ')]), signature), 'exactly these bytes')
  for (const odd of [undefined, '', signature.slice(1), `${signature}00`, `sha256=${signature}`, 'ä'.repeat(64)]) {
    t.notOk(reader.signed(body, odd), `refused: ${odd}`)
  }
  t.ok(createBlandReader(undefined).signed(body, undefined), 'no secret, no signature')
  t.notOk(createBlandReader(' , ').signed(body, sign(body, '')), 'a list of nothing takes nothing')
})

t.test('no JSON value makes the reader throw', async (t) => {
  const keys = fc.constantFrom(...Object.keys(base), 'category', 'event_type', 'warm_transfer_calls', '__proto__')
  const odd = fc.dictionary(keys, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 12 })
  const seed = Date.now() & 0x7fffffff
  t.comment(`seed ${seed}`)
  fc.assert(
    fc.property(fc.oneof(odd, fc.jsonValue(), fc.string()), (value) => {
      const bytes = typeof value === 'string' ? Buffer.from(value) : bytesOf(value)
      const mail = open(bytes)
      const completion = decode(bytes)
      if (mail.kind !== 'garbage' && completion === null) throw new Error('taken, but not decoded')
      for (const number of [completion?.durationSeconds, completion?.postTransferSeconds]) {
        if (typeof number === 'number' && !(Number.isSafeInteger(number) && number >= 0)) throw new Error(`${number}`)
      }
    }),
    { seed, numRuns: FULL ? 50_000 : 500 },
  )
  t.equal(open(Buffer.from('['.repeat(200_000))).kind, 'garbage', 'nor does depth')
})
