import t from 'tap'
import type { Completion } from '../../src/completions/completion.ts'
import { backoff, exhausted } from '../../src/delivery/backoff.ts'
import { cut, line, note } from '../../src/delivery/note.ts'

const nothing: Completion = {
  callId: null,
  status: null,
  answeredBy: null,
  durationSeconds: null,
  errorMessage: null,
  disposition: null,
  tags: [],
  warmTransferState: null,
  transferredTo: null,
  postTransferSeconds: null,
  variables: {},
  summary: null,
  recordingUrl: null,
  lines: [],
  transcript: null,
}
const verdict = { outcome: 'TRANSFERRED', rule: 'merged', evidence: 'warm_transfer_call.state=MERGED' } as const

t.test('the note', async (t) => {
  const transcript = 'assistant: Hello?\nuser: Yes.'
  const full = (variables: Record<string, unknown>, durationSeconds: number | null = 196) =>
    note({ verdict, completion: { ...nothing, variables, durationSeconds, transcript } }, 1000)

  t.equal(
    full({ plan_type: 'Family', member_count: 4, zip: '33101', state: 'FL' }),
    [
      'Call Outcome: TRANSFERRED',
      'Plan Type: Family',
      'Members: 4',
      'ZIP: 33101',
      'State: FL',
      'Duration: 196s',
      '',
      '--- Transcript ---',
      'assistant: Hello?',
      'user: Yes.',
    ].join('\n'),
    'has every line, in order',
  )
  t.match(full({ postal_code: '02139', customer_state: 'MA' }), 'ZIP: 02139\nState: MA\n', 'falls back on older names')
  t.match(full({ zip: ' ', postal_code: '02139' }), 'ZIP: 02139\n', 'a blank is no value')
  t.match(full({ zip: '33101', postal_code: '02139', state: 'FL', customer_state: 'MA' }), 'ZIP: 33101\nState: FL\n')
  t.equal(
    full({ plan_type: { odd: 1 }, member_count: null, zip: [], state: 'null' }, null),
    `Call Outcome: TRANSFERRED\n\n--- Transcript ---\n${transcript}`,
    'leaves out what is no text',
  )
  t.match(full({ plan_type: 'Family\n--- Transcript ---' }), 'Plan Type: Family --- Transcript ---\n', 'one line each')
  t.match(full({}, 61.5), 'Duration: 62s\n', 'whole seconds')
  t.match(full({}, 0), 'Duration: 0s\n', 'nothing measured is not the same as 0 s')
  t.notMatch(full({}, Number.NaN), 'Duration')
  t.equal(note({ verdict, completion: null }, 1000), 'Call Outcome: TRANSFERRED', 'needs no completion')
  t.equal(note({ verdict, completion: { ...nothing, transcript: ' \n' } }, 1000), 'Call Outcome: TRANSFERRED')

  const long = note({ verdict, completion: { ...nothing, transcript: 'x'.repeat(5000) } }, 100)
  t.equal(long.length, 100, 'is cut to its longest')
  t.ok(long.startsWith('Call Outcome: TRANSFERRED\n\n--- Transcript ---\nxxx') && long.endsWith('x\n[… cut]'))
})

t.test('cutting', async (t) => {
  const phones = '📞'.repeat(20)
  for (let longest = 0; longest <= phones.length; longest++) {
    const text = cut(phones, longest)
    t.ok(text.length <= longest, `${longest} characters at most`)
    t.notMatch(text, /\p{Surrogate}/u, 'no half of a pair')
  }
  t.equal(cut(phones, 40), phones, 'what fits stays whole')
  t.equal(cut(phones, 39), `${'📞'.repeat(15)}\n[… cut]`)
  t.equal(cut('abcdef', 3), 'abc', 'no room for a mark')
})

t.test('a line of text from a variable', async (t) => {
  t.strictSame(['Family', ' a\tb ', 4, 0, '', 'NULL', null, undefined, true, Number.NaN, [1], { a: 1 }].map(line), [
    'Family',
    'a b',
    '4',
    '0',
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
  ])
})

t.test('back-off', async (t) => {
  const curve = { initialMs: 1000, longestMs: 900_000 }
  const waits = (random: number) => Array.from({ length: 12 }, (_, at) => backoff(at + 1, () => random, curve))

  t.strictSame(
    waits(0.5).slice(0, 10),
    [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000],
    'doubles from 1 s',
  )
  t.strictSame(
    waits(0),
    [800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 102_400, 204_800, 409_600, 720_000, 720_000],
    '20 % below at the least',
  )
  t.strictSame(
    waits(1),
    [1200, 2400, 4800, 9600, 19_200, 38_400, 76_800, 153_600, 307_200, 614_400, 900_000, 900_000],
    '20 % above at the most, never above the longest',
  )
  t.equal(
    backoff(5000, () => 0.5, curve),
    810_000,
    'stays finite',
  )
  t.equal(
    backoff(0, () => 0.5, curve),
    1000,
  )
  t.equal(
    backoff(1, () => 0.5, { initialMs: 100, longestMs: 10 }),
    9,
    'the longest wins',
  )
})

t.test('giving up after 24 h', async (t) => {
  t.notOk(exhausted(1_000, 86_400_999))
  t.ok(exhausted(1_000, 86_401_000))
  t.ok(exhausted(1_000, 1_500, 500), 'or after what is given')
})
