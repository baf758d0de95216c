import type { Lead, Verdict } from './call.ts'
import type { CallRecord } from './record.ts'

/** What all instances together may do. */
export interface Limits {
  maxConcurrent: number
  dialsPerSecond: number
  crmPerSecond: number
}

/** A store that is believed: how far it has come. */
export interface Standing {
  /** Dials so far. */
  dials: number
  /** When somebody last resumed, epoch ms; 0: nobody did. */
  resumed: number
  /** It has forgotten dials: the vendor is to be asked about a number before it is dialed. */
  wary: boolean
}

export type Budget = 'dial' | 'look' | 'deliver'

/** The right to work on a call until the lease ends: only the holder of the current fence may decide. */
export interface Claim {
  budget: Budget
  call: CallRecord
  fence: string
  /** Wait this long before the first request: the turn at a shared rate. */
  startInMs: number
  /** Of a delivery: wait this long between two writes. */
  gapMs: number
  /** Redis' time of the claim, epoch ms: what the times in the call are compared with. */
  at: number
  /** Monotonic ms from before Redis was asked: what the age of the permission is measured from. */
  askedAt: number
  /** Of a dial: what was known of the store when it was allowed. */
  standing: Standing | null
  /** The completion, when the claimer has it at hand; null: it is in Redis, or there is none. */
  bytes: Buffer | null
}

export type Admission =
  | { kind: 'new'; requestId: string; claim: Claim | null; waitsFor: string | null }
  | { kind: 'duplicate'; requestId: string }
  /** Another lead with a number under way: not dialed, and told the outcome of call `siblingOf`. */
  | { kind: 'sibling'; requestId: string; siblingOf: string }
  | { kind: 'refused'; requestId: string; rule: string }

export type Taking =
  | { kind: 'new'; requestId: string; claim: Claim | null }
  | { kind: 'duplicate' | 'second_call'; requestId: string; claim?: null }
  | { kind: 'unknown'; claim?: null }

/** What a dial tells the vendor about itself, and gets back with the completion: enough to make the call anew. */
export interface Origin {
  requestId: string
  lead: Lead
  /** Redis' time of the dial, epoch ms. */
  dialedAt: number
  /** KEY_PREFIX of the store the call lives in. */
  store: string
}

/** A verdict with what it does to the number: on the do-not-call list, and how long it rests. */
export interface Conclusion extends Verdict {
  doNotCall: boolean
  holdMs: number
}
