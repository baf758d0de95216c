import fc from 'fast-check'
import t from 'tap'
import { decode } from '../../src/bland/decode.ts'
import { OUTCOMES } from '../../src/calls/call.ts'
import type { Completion, TranscriptLine } from '../../src/completions/completion.ts'
import { outcomeOf, RULES, RULES_VERSION } from '../../src/completions/outcome.ts'
import { base, samples } from '../fixtures/completions/samples.ts'
import { FULL } from '../full.ts'

const blank: Completion = {
  callId: 'C1',
  status: 'completed',
  answeredBy: 'human',
  durationSeconds: 60,
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

/** `c: …` is the customer, `a: …` the agent. */
const spoken = (...script: string[]): TranscriptLine[] =>
  script.map((text, index) => ({
    number: index + 1,
    who: text.startsWith('c') ? 'customer' : 'agent',
    text: text.slice(3),
  }))

const verdict = (changes: Partial<Completion>) => outcomeOf({ ...blank, ...changes })
const heard = (...script: string[]) => verdict({ lines: spoken(...script) }).outcome
const says = (text: string) => heard('a: Hi, this is Robin.', `c: ${text}`)

t.test('every sample', async (t) => {
  for (const { name, mail, outcome, rule, evidence, bytes } of samples) {
    if (mail !== 'completion') continue
    const completion = decode(bytes)
    if (completion === null) throw new Error(name)
    t.match(outcomeOf(completion), { outcome, rule, ...(evidence !== undefined && { evidence }) }, name)
  }
})

t.test('the table', async (t) => {
  t.type(RULES_VERSION, 'number')
  t.equal(new Set(RULES.map(({ rule }) => rule)).size, RULES.length, 'names are unique')
  for (const { rule, outcome } of RULES) {
    t.match(rule, /^[a-z]+(_[a-z]+)+$|^dialogue$/)
    t.ok(OUTCOMES.includes(outcome))
  }
  t.strictSame(
    [...new Set(RULES.map(({ outcome }) => outcome))],
    OUTCOMES.slice(0, OUTCOMES.indexOf('REFUSED')),
    'all outcomes a completion can have, in the order of precedence',
  )
})

t.test('a customer who wants no more calls', async (t) => {
  for (const text of [
    'Stop calling me.',
    'Would you STOP CALLING?',
    'Do not call this number',
    'don’t ever call me again',
    "Don't call me, please!",
    'dont call here',
    'I want you to stop calling.',
    "I don't want you to call me any more",
    'Put me on your do-not-call list.',
    'Take me off your list, okay?',
    'can you take my number off of your system',
    'Remove me.',
    'please remove my number from there',
    'Lose my number!',
    'No me llame más.',
    'Por favor dejen de llamarme',
    'Quíteme de su lista',
    'quiteme de su lista',
    'borre mi número',
    'NO ME VUELVAN A LLAMAR',
  ]) {
    t.equal(says(text), 'DO_NOT_CALL', text)
  }
  for (const text of [
    'They never call me.',
    'I do not call people back.',
    'Call me tomorrow.',
    'Why did the calling stop?',
    'Removed melons are fine.',
    'Llámeme mañana.',
  ]) {
    t.not(says(text), 'DO_NOT_CALL', text)
  }
  t.equal(heard('a: Tell me to stop calling, and I will remove you.', 'c: No.'), 'ANSWERED', 'the agent does not count')
  const nobody = { status: 'no-answer', answeredBy: 'no-answer' } as const
  t.equal(verdict({ ...nobody, lines: spoken('c: Stop calling.') }).outcome, 'DO_NOT_CALL', 'whatever the status')
})

t.test('bad numbers', async (t) => {
  const failed = (errorMessage: string) => verdict({ status: 'failed', answeredBy: null, errorMessage }).outcome
  for (const text of [
    'Call failed. The number you dialed is not found.',
    'The number is not in service',
    'Number not in service.',
    'The number you have dialed has been disconnected',
    'disconnected',
    'Invalid number',
    'unallocated number',
    'Number does not exist',
  ]) {
    t.equal(failed(text), 'BAD_NUMBER', text)
  }
  for (const text of ['Call failed.', 'Agent not found', 'Client disconnected', 'Pathway does not exist', 'unknown']) {
    t.equal(failed(text), 'FAILED', text)
  }
  t.equal(heard('c: The number you have dialed is not in service.'), 'BAD_NUMBER', 'as the network announces it')
  const talk = spoken('a: Hi.', 'c: Hello?', 'a: Ana?', 'c: Yes.')
  t.equal(verdict({ errorMessage: 'The number you dialed is not found', lines: talk }).outcome, 'ANSWERED')
})

t.test('machines and people', async (t) => {
  for (const text of [
    'Please leave a message after the tone.',
    'Your call has been forwarded to voice mail.',
    'The mailbox is full.',
    'I can’t come to the phone right now',
    'Hi, if you record your name and reason for calling, I’ll see if this person is available.',
    'Deje su mensaje después del tono',
  ]) {
    t.equal(says(text), 'VOICEMAIL', text)
  }
  t.equal(says('You left me a voicemail yesterday.'), 'ANSWERED')
  t.equal(heard('a: Please leave a message, I say.', 'c: What?'), 'ANSWERED', 'the agent does not count')

  const talk = ['a: Hi.', 'c: Hello?', 'a: Is this Ana?', 'c: Speaking.']
  t.equal(heard(...talk, 'a: Shall we go on?', 'c: Just leave a message with my wife.'), 'ANSWERED')
  const screened = ['c: Say your name and why you are calling.', 'a: Robin.', 'c: One moment.', 'a: Sure.']
  t.equal(heard(...screened, 'c: Please leave a message.'), 'VOICEMAIL', 'talk between two machine lines is none')
  const flagged = { answeredBy: 'voicemail', tags: ['Voicemail Left'] } as const
  t.equal(verdict({ ...flagged, tags: [...flagged.tags], lines: spoken(...talk) }).rule, 'dialogue')
  t.equal(verdict({ answeredBy: 'human', tags: ['Voicemail Left'] }).rule, 'tag_voicemail')
  t.equal(verdict({ answeredBy: null, tags: ['answering_machine'] }).rule, 'tag_voicemail')
  const greeting = spoken('c: Hi, you have Ana.', 'a: Hi Ana!', 'c: Not here, so', 'a: Hello?', 'c: leave your name.')
  t.equal(verdict({ answeredBy: 'voicemail', lines: greeting }).outcome, 'VOICEMAIL')
  t.equal(verdict({ answeredBy: 'voicemail', lines: greeting.slice(0, 3) }).outcome, 'VOICEMAIL')
})

t.test('what the customer wished', async (t) => {
  t.equal(verdict({ variables: { callback_requested: ' TRUE ' } }).rule, 'variable_callback')
  for (const value of ['false', '', 'yes, or no', 0, {}, [], null]) {
    t.equal(verdict({ variables: { callback_requested: value } }).rule, 'answered_by_human')
  }
  t.equal(verdict({ tags: ['Callback Scheduled'] }).rule, 'tag_callback')
  t.equal(verdict({ tags: ['Call back'] }).evidence, 'tag=call back')
  t.equal(verdict({ disposition: 'call back scheduled' }).rule, 'disposition_callback')
  t.equal(verdict({ tags: ['not_interested'] }).rule, 'tag_not_interested')
  t.equal(verdict({ tags: ['Offer Declined'] }).rule, 'tag_not_interested')
  t.equal(says('Sorry, I’m NOT interested.'), 'NOT_INTERESTED')
  t.equal(says('No me interesa.'), 'NOT_INTERESTED')
  t.equal(says('I am interested.'), 'ANSWERED')
  for (const status of ['no-answer', 'busy', 'canceled', 'failed'] as const) {
    const nobody = verdict({ status, answeredBy: null, variables: { callback_requested: true }, tags: ['declined'] })
    t.equal(nobody.rule, `status_${status.replace('-', '_')}`, 'nobody was there to wish')
  }
})

t.test('no proof, no transfer', async (t) => {
  const tried = { transferredTo: '+12125550177', disposition: 'TRANSFERRED', tags: ['Transferred to Agent'] }
  t.equal(verdict(tried).outcome, 'ANSWERED')
  t.equal(verdict({ ...tried, postTransferSeconds: 0 }).outcome, 'ANSWERED')
  t.equal(verdict({ ...tried, postTransferSeconds: 1 }).outcome, 'TRANSFERRED')
  t.equal(verdict({ ...tried, postTransferSeconds: 60, warmTransferState: 'TIMED_OUT' }).outcome, 'ANSWERED')
  t.equal(verdict({ ...tried, transferredTo: null, postTransferSeconds: 60 }).outcome, 'ANSWERED')
  t.equal(verdict({ warmTransferState: 'MERGED', answeredBy: 'voicemail' }).outcome, 'TRANSFERRED')
})

t.test('any value has one verdict, and the evidence is silent', async (t) => {
  const secret = fc.string({ minLength: 1 }).map((text) => `§${text}§`)
  const phrase = fc.constantFrom(
    'stop calling',
    'leave a message',
    'not interested',
    'number you dialed is not in service',
  )
  const text = fc.oneof(
    secret,
    fc.tuple(secret, phrase).map((parts) => parts.join(' ')),
  )
  const who = fc.constantFrom('user', 'assistant', 'robot', 'agent-action')
  const record = fc.record(
    {
      call_id: secret,
      status: fc.oneof(fc.constantFrom('completed', 'failed', 'no-answer', 'unknown', null), text),
      answered_by: fc.oneof(fc.constantFrom('human', 'voicemail', 'busy', null), text),
      error_message: text,
      disposition_tag: text,
      pathway_tags: fc.array(text),
      transferred_to: secret,
      post_transfer_duration: fc.double(),
      warm_transfer_call: fc.oneof(fc.record({ state: text }), fc.constant(null)),
      variables: fc.jsonValue({ maxDepth: 2 }),
      transcripts: fc.array(fc.record({ user: who, text })),
    },
    { requiredKeys: [] },
  )
  const keys = fc.constantFrom(...Object.keys(base))
  const odd = fc.dictionary(keys, fc.jsonValue({ maxDepth: 3 }))
  const seed = Date.now() & 0x7fffffff
  t.comment(`seed ${seed}`)
  fc.assert(
    fc.property(fc.oneof(record, odd, fc.jsonValue()), (value) => {
      const completion = decode(Buffer.from(JSON.stringify(value)))
      if (completion === null) return
      const { outcome, rule, evidence } = outcomeOf(completion)
      if (!RULES.some((it) => it.rule === rule && it.outcome === outcome)) throw new Error(rule)
      if (evidence === '' || evidence.length > 60 || evidence.includes('§')) throw new Error(evidence)
    }),
    { seed, numRuns: FULL ? 50_000 : 500 },
  )
})
