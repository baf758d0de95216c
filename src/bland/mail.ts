import { readPhone } from '../calls/phone.ts'
import type { CompletionReader, Mail } from '../completions/completion.ts'
import { decode } from './decode.ts'
import { fieldsOf, isTrue, parsed, textOf } from './fields.ts'
import { callIdOf, originOf, requestIdOf } from './record.ts'
import { secretsOf, signedBy } from './signature.ts'

/** Keys that only a call's own record has; a record of nothing but nulls still has them. */
const RECORD_KEYS = [
  'completed',
  'queue_status',
  'call_length',
  'corrected_duration',
  'answered_by',
  'concatenated_transcript',
  'transcripts',
]

/**
 * Tells apart the three families Bland posts to one URL: in-call events, post-call records and enrichments
 * (https://docs.bland.ai/tutorials/post-call-webhooks). A record that arrives late together with an enrichment is a
 * completion; a call that is not ours to count (inbound, or the agent's leg of a warm transfer) is an aside.
 */
export function open(bytes: Buffer, trusted = false): Mail {
  const body = parsed(bytes)
  if (body === undefined) return { kind: 'garbage', reason: 'body is not JSON' }
  const record = fieldsOf(body)
  if (record === null) return { kind: 'garbage', reason: 'body is not a JSON object' }

  const callId = callIdOf(record)
  const eventType = textOf(record.event_type)
  if (typeof record.category === 'string') return { kind: 'aside', what: 'event', callId }
  if (isTrue(record.is_proxy_agent_call)) return { kind: 'aside', what: 'other_call', callId }
  if (isTrue(record.inbound)) {
    const caller = readPhone(textOf(record.from) ?? '')
    return { kind: 'aside', what: 'inbound', callId, caller: 'phone' in caller ? caller.phone : null }
  }
  // Its `status` is the evaluation's, so it must be known before `status` is read.
  if (eventType === 'evals') return { kind: 'aside', what: 'enrichment', callId }

  const isRecord = RECORD_KEYS.some((key) => key in record) || ('status' in record && eventType === null)
  if (isRecord && callId !== null) {
    // An unsigned record may say what it likes of itself.
    return { kind: 'completion', callId, requestId: requestIdOf(record), origin: trusted ? originOf(record) : null }
  }
  if (isRecord) return { kind: 'garbage', reason: 'call_id is missing' }
  if (eventType !== null) return { kind: 'aside', what: 'enrichment', callId }
  // Of a call, and of no family we know: a call is not ended by it, and Bland need not send it again.
  if (callId !== null) return { kind: 'aside', what: 'unrecognized', callId }
  return { kind: 'garbage', reason: 'neither an event, an enrichment nor a call record' }
}

/**
 * Reads Bland's webhooks. `secrets` is BLAND_WEBHOOK_SECRET, a comma-separated list; undefined takes unsigned bodies too.
 * A list of nothing but commas takes none.
 */
export function createBlandReader(secrets: string | undefined): CompletionReader {
  const known = secrets === undefined ? null : secretsOf(secrets)
  return {
    signed: (bytes, signature) => known === null || signedBy(bytes, signature, known),
    open: (bytes) => open(bytes, known !== null),
    decode,
  }
}
