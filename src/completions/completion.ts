import type { E164 } from '../calls/call.ts'
import type { Origin } from '../calls/claim.ts'

/** One line of a call's transcript. `number` counts from 1 over all lines. */
export interface TranscriptLine {
  number: number
  who: 'customer' | 'agent' | 'other'
  text: string
}

/**
 * What a vendor says of a finished call, in our own words and units. Every field may be missing (`null`, `[]`, `{}`):
 * vendors leave out what they please.
 */
export interface Completion {
  callId: string | null
  status: 'completed' | 'failed' | 'busy' | 'no-answer' | 'canceled' | 'unknown' | null
  answeredBy: 'human' | 'voicemail' | 'no-answer' | 'busy' | 'unknown' | null
  durationSeconds: number | null
  errorMessage: string | null
  /** The vendor's own label for the call. Often a language model's guess: never proof of a transfer. */
  disposition: string | null
  tags: string[]
  /** `MERGED` means customer and agent were joined. `null` when no warm transfer was tried. */
  warmTransferState: string | null
  transferredTo: string | null
  postTransferSeconds: number | null
  variables: Record<string, unknown>
  summary: string | null
  recordingUrl: string | null
  lines: TranscriptLine[]
  /** The whole transcript as one text, for people. */
  transcript: string | null
}

/** A webhook body, told apart before it is believed. */
export type Mail =
  /**
   * The record of a finished call. `requestId` is ours, when the body carries it; `origin` is what our dial said of itself,
   * when the body is signed and carries that.
   */
  | { kind: 'completion'; callId: string; requestId: string | null; origin: Origin | null }
  /** A call that somebody made to us: a lead's it is not, but who asks in it not to be called must not be. */
  | { kind: 'aside'; what: 'inbound'; callId: string | null; caller: E164 | null }
  /** Something of a call that does not finish it: in-call events, enrichments, other people's calls. */
  | { kind: 'aside'; what: 'event' | 'enrichment' | 'other_call' | 'unrecognized'; callId: string | null }
  /** Not a message of this vendor; `reason` can be shown to the sender. */
  | { kind: 'garbage'; reason: string }

/** How a vendor's webhook bodies are read. Pure; `open` and `decode` never throw. */
export interface CompletionReader {
  /** Whether `signature` was made over exactly these bytes, with a secret of ours. True when no secret is configured. */
  signed(bytes: Buffer, signature: string | undefined): boolean
  open(bytes: Buffer): Mail
  /** `null` when the bytes are not a record at all. */
  decode(bytes: Buffer): Completion | null
}
