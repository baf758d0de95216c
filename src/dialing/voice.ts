import type { E164, Lead } from '../calls/call.ts'

/** What a dial needs to know of a call. */
export interface DialOrder {
  requestId: string
  lead: Lead
  /** Redis' time of the dial, epoch ms. */
  dialedAt: number
}

/**
 * What became of the one dial request of a call, by what happens next.
 * All but `placed` and `lost` promise that nobody's phone rang and that none will because of this request.
 */
export type DialAnswer =
  /** The vendor has the call. */
  | { kind: 'placed'; callId: string }
  /** Not now: dial again after `waitMs`. `scope` says whether this number or the whole account has to wait. */
  | { kind: 'later'; reason: string; waitMs: number; scope: 'number' | 'account' }
  /**
   * Our settings or the account are at fault, not the lead: dial nobody until somebody mended that. Of the account
   * (key, balance, a flag) only a person can say when.
   */
  | { kind: 'stopped'; reason: string; scope: 'settings' | 'account' }
  /** This number will not be dialed, ever; `doNotCall` when the vendor says the person must not be called. */
  | { kind: 'never'; reason: string; doNotCall: boolean }
  /** Nobody knows: the call may be ringing. Never dial again; look for it. */
  | { kind: 'lost'; reason: string }

/** Whether the vendor knows a call of ours whose answer was lost. `engaged`: it does not, and the number is on another call. */
export type Sighting =
  | { kind: 'found'; callId: string }
  | { kind: 'unseen' | 'engaged' }
  | { kind: 'unavailable'; reason: string }

/** What the vendor says of a call whose completion is overdue. `bytes` reads like a completion it would have sent. */
export type Report =
  | { kind: 'finished'; bytes: Buffer }
  | { kind: 'live' }
  | { kind: 'unknown' }
  | { kind: 'unavailable'; reason: string }

/** A vendor that calls people. No method rejects: every failure is an answer. */
export interface Voice {
  /** Sends the dial request at most once; it is aborted by `signal`. Never retries. */
  dial(order: DialOrder, signal: AbortSignal): Promise<DialAnswer>
  /** Looks for the call of `requestId` among the calls to `phone` created since `sinceMs` (epoch ms). */
  find(wanted: { requestId: string; phone: E164; sinceMs: number }, signal: AbortSignal): Promise<Sighting>
  /** Asks for the completion of `callId`. */
  report(callId: string, signal: AbortSignal): Promise<Report>
}
