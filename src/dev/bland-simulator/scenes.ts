/** What can happen on a simulated call: the ways a lead can end, with both kinds of transfer. */
export const SCENES = [
  'TRANSFERRED',
  'COLD_TRANSFER',
  'DO_NOT_CALL',
  'BAD_NUMBER',
  'VOICEMAIL',
  'CALLBACK',
  'NOT_INTERESTED',
  'NO_ANSWER',
  'BUSY',
  'CANCELED',
  'FAILED',
  'ANSWERED',
  'UNKNOWN',
] as const
export type SceneName = (typeof SCENES)[number]

export type Line = [who: 'user' | 'assistant' | 'agent-action', text: string]

/** `extracted` goes into `variables`; `delta` overrides the record of a call that a human answered. */
export interface Scene {
  talkSeconds: number
  lines: Line[]
  summary: string | null
  extracted: Record<string, unknown>
  delta: Record<string, unknown>
}

const AGENT = '+15550100777'
const opening: Line[] = [
  ['user', 'Hello?'],
  ['assistant', 'Hi {{first_name}}, this is Riley with the enrollment desk. Did you ask about health coverage?'],
]
const ended: Line = ['agent-action', 'Ended call']

const warm = (state: string) => ({ state, proxy_agent_calls: [{ state, call_id: 'PROXY', phone_number: AGENT }] })
const unanswered = (delta: Record<string, unknown>): Scene => ({
  talkSeconds: 0,
  lines: [],
  summary: null,
  extracted: {},
  delta: {
    answered_by: null,
    call_length: 0,
    started_at: null,
    recording_url: null,
    call_ended_by: null,
    pathway_logs: null,
    pathway_tags: null,
    price: 0.015,
    ...delta,
  },
})
const talked = (talkSeconds: number, said: Line[], summary: string, delta: object, extracted: object = {}): Scene => ({
  talkSeconds,
  lines: [...opening, ...said],
  summary,
  extracted: { ...extracted },
  delta: { ...delta },
})

/** What is said and what Bland reports, invented after the samples of https://docs.bland.ai/tutorials/post-call-webhooks */
export const scenes: Record<SceneName, Scene> = {
  TRANSFERRED: talked(
    115,
    [
      ['user', 'Yes, for me and my family, three of us.'],
      ['assistant', 'Thank you. I am bringing a licensed agent onto the line.'],
      ['agent-action', 'Transferring call'],
    ],
    'The customer wants a family plan and was joined with a licensed agent.',
    {
      transferred_to: AGENT,
      pre_transfer_duration: 1.542,
      post_transfer_duration: 0.375,
      warm_transfer_call: warm('MERGED'),
      call_ended_by: 'USER',
      disposition_tag: 'TRANSFERRED',
    },
    { plan_type: 'Family', member_count: '3', zip: '10001', customer_state: 'NY', customer_age: 45 },
  ),
  COLD_TRANSFER: talked(
    306,
    [
      ['user', 'Just me, I am forty-five.'],
      ['assistant', 'I will connect you now. Please stay on the line.'],
      ['agent-action', 'Transferring call'],
    ],
    'The customer wants an individual plan and was connected.',
    {
      transferred_to: AGENT,
      pre_transfer_duration: 0.9,
      post_transfer_duration: 4.2,
      disposition_tag: 'TRANSFERRED',
    },
    { plan_type: 'Individual', member_count: 1, postal_code: '90210', state: 'CA', customer_age: '45' },
  ),
  DO_NOT_CALL: talked(
    21,
    [
      ['user', 'Take me off your list and do not call this number again.'],
      ['assistant', 'I am sorry. You will not hear from us again.'],
      ended,
    ],
    'The customer asked not to be called again.',
    { disposition_tag: 'DO_NOT_CONTACT' },
  ),
  CALLBACK: talked(
    38,
    [['user', 'I am driving. Can you call me back tomorrow?'], ['assistant', 'Of course. Drive safely.'], ended],
    'The customer asked for a call tomorrow.',
    { disposition_tag: 'CALL_BACK_SCHEDULED' },
    { callback_requested: true },
  ),
  NOT_INTERESTED: talked(
    45,
    [
      ['user', 'No thanks, I am not interested.'],
      ['assistant', 'I understand. Have a good day.'],
    ],
    'The customer declined.',
    { call_ended_by: 'USER', disposition_tag: 'NOT_INTERESTED' },
  ),
  // The agent's own offer must not be taken for the customer's wish.
  ANSWERED: talked(
    64,
    [
      ['user', 'We sorted that out last month.'],
      ['assistant', 'Glad to hear it. If you ever want us to take you off our list, just say so.'],
      ['user', 'Thanks. Bye.'],
      ended,
    ],
    'The customer already has coverage.',
    { disposition_tag: 'COMPLETED_ACTION' },
    { plan_type: null },
  ),
  VOICEMAIL: {
    talkSeconds: 9,
    lines: [['user', 'Please leave a message after the tone.'], ended],
    summary: 'A voicemail greeting answered.',
    extracted: {},
    delta: { answered_by: 'voicemail', disposition_tag: 'NO_CONTACT_MADE' },
  },
  UNKNOWN: {
    talkSeconds: 3,
    lines: [],
    summary: null,
    extracted: {},
    delta: { status: 'unknown', answered_by: 'unknown', disposition_tag: null },
  },
  NO_ANSWER: unanswered({ status: 'no-answer', answered_by: 'no-answer', disposition_tag: 'NO_ANSWER', variables: {} }),
  BUSY: unanswered({
    status: 'busy',
    error_message: 'Call failed. The number you dialed is busy. Please try again later.',
    disposition_tag: 'BUSY',
  }),
  BAD_NUMBER: unanswered({
    status: 'failed',
    completed: false,
    corrected_duration: null,
    end_at: null,
    error_message: 'Call failed. The number you dialed is not found.',
    disposition_tag: 'FAILED',
  }),
  FAILED: unanswered({
    status: 'failed',
    error_message:
      'Call failed. Service Provider Blocked Call due to Spam or Number Reputation. Try a different number.',
    disposition_tag: 'FAILED',
  }),
  CANCELED: unanswered({ status: 'canceled', disposition_tag: 'CANCELED', price: 0 }),
}
