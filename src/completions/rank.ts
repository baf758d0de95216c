import type { Outcome } from '../calls/call.ts'

/** What was agreed or said by a person comes before what a machine answered, and that before what nobody knows. */
const RANKS: Record<Outcome, number> = {
  TRANSFERRED: 1,
  DO_NOT_CALL: 2,
  CALLBACK: 3,
  NOT_INTERESTED: 4,
  ANSWERED: 5,
  VOICEMAIL: 6,
  BAD_NUMBER: 7,
  BUSY: 8,
  NO_ANSWER: 9,
  CANCELED: 10,
  FAILED: 11,
  UNKNOWN: 12,
  REFUSED: 13,
  NO_COMPLETION: 14,
  DIAL_UNCONFIRMED: 15,
}

/** Whether `one` is the outcome that counts where two calls were placed for one request. An outcome does not outrank itself. */
export const outranks = (one: Outcome, other: Outcome): boolean => RANKS[one] < RANKS[other]
