import type { Verdict } from '../calls/call.ts'
import type { Completion } from '../completions/completion.ts'

/** All that a CRM may want to know of a call that has ended. `completion` is null for calls that have none. */
export interface OutcomeReport {
  requestId: string
  callId: string | null
  leadId: string
  callLogId: string | null
  verdict: Verdict
  completion: Completion | null
}

/** What a CRM said to one write, by what happens next. */
export type WriteAnswer =
  | { kind: 'done' }
  /** Try again. `retryAfterMs` when the CRM named a time; `throttled` when it wants fewer requests from everybody. */
  | { kind: 'later'; reason: string; retryAfterMs: number | null; throttled: boolean }
  /** Trying again cannot help: a person has to look. */
  | { kind: 'never'; reason: string }

/** One request to the CRM. Values are absolute, so sending it twice leaves the same state as sending it once. */
export interface Write {
  /** Stays the same across retries and versions: it is kept as the mark that this write is done. */
  name: string
  /** Never rejects. Sends one request; aborted by `signal`. */
  send(signal: AbortSignal): Promise<WriteAnswer>
}

/** What the CRM has of a lead, asked before a write that may come late or again. */
export type Standing =
  /** Nothing speaks against writing all of the outcome. */
  | { kind: 'open' }
  /** This call's outcome is there already. `done` names the writes that proves; others may be missing. */
  | { kind: 'ours'; done: string[] }
  /** Somebody's disposition is there that must stay: the outcome goes to the other fields. */
  | { kind: 'theirs' }
  | Exclude<WriteAnswer, { kind: 'done' }>

/** A CRM that is told outcomes. */
export interface Crm {
  /**
   * What speaks against writing this outcome. `since` is when the call began, epoch ms: dispositions older than that are
   * what the call was made on, and may be overwritten. One request at most, aborted by `signal`; never rejects.
   * No lock: what is true when it is asked may have changed by the time of the write.
   */
  standing(report: OutcomeReport, since: number, signal: AbortSignal): Promise<Standing>
  /** How many writes an outcome of this lead takes: so many turns at the shared rate are reserved for it. */
  writesFor(lead: { callLogId: string | null }): number
  /** The writes of an outcome, in the order they must happen. `keepDisposition`: all of it but the lead's status. */
  writes(report: OutcomeReport, options?: { keepDisposition?: boolean }): Write[]
}
