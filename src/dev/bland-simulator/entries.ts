import type { Fields } from './order.ts'
import type { SceneName } from './scenes.ts'

/** What the ledger holds, told apart by `what`. */
export type BlandEntry =
  /** A dial request arrived; `attempt` counts them per number from 1. `host` is the one it was sent to. */
  | { what: 'dial'; attempt: number; phone_number: string; lead_id: string | null; host: string; body: unknown }
  /** The number rings. No look-up will know of a call that is `forgotten`. */
  | {
      what: 'placed'
      call_id: string
      phone_number: string
      lead_id: string | null
      scene: SceneName
      forgotten: boolean
    }
  /** How a dial was answered; a call was placed when there is a `call_id`, whatever the status. */
  | {
      what: 'answer'
      attempt: number
      phone_number: string
      lead_id: string | null
      call_id: string | null
      status: number | 'dropped' | 'hung'
      body: unknown
    }
  | { what: 'ended'; call_id: string; phone_number: string; lead_id: string | null; scene: SceneName }
  /** One try at posting to a webhook. `status` 0: no answer, `error` says why. */
  | {
      what: 'mail'
      kind: 'event' | 'completion' | 'enrichment'
      call_id: string
      lead_id: string | null
      copy: number
      attempt: number
      url: string
      bytes: number
      sha256: string
      signature: string | null
      status: number
      error: string | null
      took_ms: number
    }
  /** Somebody read or stopped a call. */
  | { what: 'asked'; method: string; url: string; status: number }

export interface BlandLedger {
  live: number
  max_live: number
  placed: number
  numbers: Record<string, { placed: number; overlaps: number; last_placed_ms: number }>
  entries: (BlandEntry & { n: number; at_ms: number })[]
}

/** A scenario for the calls of one lead or number, until another one is given for it. */
export interface Script {
  phone_number?: string
  lead_id?: string
  outcome?: SceneName
  /** Overrides fields of the completion. */
  completion?: Fields
  /** Dials for these calls only. */
  faults?: Fields
  /** The faults end after so many dial requests to the number since the script was given. */
  faulty_attempts?: number
}
