import type { Completion, TranscriptLine } from '../completions/completion.ts'
import { type Fields, fieldsOf, listOf, numberOf, parsed, textOf } from './fields.ts'
import { callIdOf, spelling, statusOf } from './record.ts'

const SPEAKERS: Record<string, TranscriptLine['who']> = {
  user: 'customer',
  customer: 'customer',
  assistant: 'agent',
  robot: 'agent',
  agent: 'agent',
}

const speaker = (name: string): TranscriptLine['who'] => SPEAKERS[name.toLowerCase()] ?? 'other'

/** Whole seconds, or null for what no call can last. */
const seconds = (value: number): number | null =>
  value >= 0 && value <= Number.MAX_SAFE_INTEGER ? Math.round(value) : null

const fromMinutes = (value: unknown): number | null => {
  const minutes = numberOf(value)
  return minutes === null ? null : seconds(minutes * 60)
}

/**
 * `corrected_duration` is in seconds (as text), `call_length` in minutes (https://docs.bland.ai/api-v1/get/calls-id).
 * Without both, the time between the timestamps, which may include ringing.
 */
function durationSeconds(record: Fields): number | null {
  const corrected = numberOf(record.corrected_duration)
  const exact = (corrected === null ? null : seconds(corrected)) ?? fromMinutes(record.call_length)
  if (exact !== null) return exact
  const span = Date.parse(textOf(record.end_at) ?? '') - Date.parse(textOf(record.started_at) ?? '')
  return Number.isNaN(span) ? null : seconds(span / 1000)
}

function answeredBy(record: Fields): Completion['answeredBy'] {
  const who = spelling(record.answered_by)
  if (who === null) return null
  if (who === 'human' || who === 'busy') return who
  if (who === 'no-answer' || who === 'noanswer') return 'no-answer'
  return who === 'voicemail' || who === 'answering-machine' || who.startsWith('machine') ? 'voicemail' : 'unknown'
}

/** `pathway_tags` holds texts, `{name, color}` objects and nulls. */
const tagsOf = (record: Fields): string[] =>
  (Array.isArray(record.pathway_tags) ? record.pathway_tags : [record.pathway_tags])
    .map((tag) => textOf(fieldsOf(tag)?.name ?? tag))
    .filter((tag) => tag !== null)

/** The overall state (https://docs.bland.ai/tutorials/warm-transfer); `UNKNOWN` for a transfer that does not tell its own. */
function warmTransferState(record: Fields): string | null {
  const states = [record.warm_transfer_call, record.warm_transfer_calls]
    .flat()
    .filter((transfer) => transfer !== null && transfer !== undefined)
    .map((transfer) => textOf(fieldsOf(transfer)?.state ?? transfer)?.toUpperCase() ?? 'UNKNOWN')
  return states.find((state) => state === 'MERGED') ?? states[0] ?? null
}

/** Cuts `user: … \n assistant: … \n` into lines. A line break within what somebody said is a blank. */
const cut = (transcript: string): Omit<TranscriptLine, 'number'>[] =>
  transcript.split(/\n(?=[ \t]*(?:user|assistant|robot|agent-action):)/i).map((piece) => {
    const [name] = /^\s*(user|assistant|robot|agent-action)(?=:)/i.exec(piece) ?? []
    const text = name === undefined ? piece : piece.slice(name.length + 1)
    return { who: speaker(name?.trim() ?? ''), text: text.replace(/\s+/g, ' ').trim() }
  })

function linesOf(record: Fields, whole: string | null): TranscriptLine[] {
  const listed = listOf(record.transcripts).map((entry) => {
    const line = fieldsOf(entry)
    return { who: speaker(textOf(line?.user) ?? ''), text: textOf(line?.text) ?? '' }
  })
  const said = listed.some(({ text }) => text !== '') ? listed : cut(whole ?? '')
  return said.filter(({ text }) => text !== '').map((line, index) => ({ number: index + 1, ...line }))
}

const NAMES = { customer: 'user', agent: 'assistant', other: 'other' }

/**
 * A call record of Bland's in our own words: integer seconds, one spelling, nothing invented. Takes any bytes;
 * null when they are not a JSON object. Fields of a type nobody expected count as missing.
 */
export function decode(bytes: Buffer): Completion | null {
  const record = fieldsOf(parsed(bytes))
  if (record === null) return null
  const whole = textOf(record.concatenated_transcript)
  const lines = linesOf(record, whole)
  return {
    callId: callIdOf(record),
    status: statusOf(record),
    answeredBy: answeredBy(record),
    durationSeconds: durationSeconds(record),
    errorMessage: textOf(record.error_message),
    disposition: textOf(record.disposition_tag),
    tags: tagsOf(record),
    warmTransferState: warmTransferState(record),
    transferredTo: textOf(record.transferred_to),
    postTransferSeconds: fromMinutes(record.post_transfer_duration),
    variables: fieldsOf(record.variables) ?? {},
    summary: textOf(record.summary),
    recordingUrl: textOf(record.recording_url),
    lines,
    transcript: whole ?? (lines.map(({ who, text }) => `${NAMES[who]}: ${text}`).join('\n') || null),
  }
}
