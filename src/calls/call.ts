/** A US telephone number as `+1` and ten digits. Only `readPhone` and the store make one. */
export type E164 = string & { readonly __brand: 'E164' }

/** Where a call stands. `README.md` draws what leads from one to the next. */
export const STATES = ['queued', 'dialing', 'pending', 'delivering', 'completed', 'failed'] as const
export type State = (typeof STATES)[number]

/** What a call can come to. The last three are outcomes of calls that have no completion. */
export const OUTCOMES = [
  'TRANSFERRED',
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
  'REFUSED',
  'DIAL_UNCONFIRMED',
  'NO_COMPLETION',
] as const
export type Outcome = (typeof OUTCOMES)[number]

/** An outcome with the rule that chose it. `evidence` names a field and its value, or a transcript line's number; never what was said. */
export interface Verdict {
  outcome: Outcome
  rule: string
  evidence: string
}

/** A lead as accepted: its three ids, its number, and every other field it came with, as text. */
export interface Lead {
  leadId: string
  listId: string
  phone: E164
  callLogId: string | null
  fields: Record<string, string>
}
