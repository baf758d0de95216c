import type { FaultName } from './faults.ts'
import type { Breach, Endpoint, Params } from './fields.ts'

interface About {
  endpoint: Endpoint
  method: string
  lead_id: string | null
  call_log_id: string | null
  /** Without the token. */
  params: Params
  /** Which host it was sent to, and when it arrived; `at_ms` is when it took effect, or did not. */
  host: string
  came_ms: number
}

export type Encoding = 'json' | 'form'

/** What the ledger holds, told apart by `what`. */
export type ConvosoEntry =
  /** Took effect. Unless `fault` is null the client was not told so properly. */
  | ({ what: 'write'; fault: FaultName | null } & About)
  /** A write that took no effect. */
  | ({ what: 'refused'; reason: string } & About)
  | ({ what: 'read'; fault: FaultName | null } & About)
  | { what: 'violation'; endpoint: Endpoint; lead_id: string | null; rule: Breach['rule'] | Manners; field: string }
  /** Somebody at a desk set a lead's status. */
  | { what: 'agent'; lead_id: string; status: string }
  /** A lead we posted to a webhook. `status` 0: no answer, `error` says why. */
  | {
      what: 'sent'
      url: string
      encoding: Encoding
      lead: Record<string, unknown>
      status: number
      body: unknown
      error: string | null
      took_ms: number
    }
/** Breaches that can be seen in the request as a whole only. */
export type Manners = 'token in the URL' | 'JSON body' | 'bad token'

/** What happened to one lead, or call log: `confirmed` is the part of `applied` that the client was told of. */
export interface WriteTally {
  applied: number
  confirmed: number
  refused: number
}

export interface ConvosoLedger {
  requests: number
  /** Most requests within any 1,000 ms. */
  peak_rps: number
  violations: number
  /** By lead_id, counting `leads/update` only. */
  leads: Record<string, WriteTally>
  /** By call_log_id, counting `log/update`. */
  call_logs: Record<string, WriteTally>
  entries: (ConvosoEntry & { n: number; at_ms: number })[]
}
