import type { Lead } from './call.ts'
import type { Conclusion, Limits } from './claim.ts'
import type { Times } from './times.ts'

/* What the scripts are told, by the names under which they know it. */

export type Args = Record<string, string | number | undefined>

/** What an instance has seen of the store: a store that answers with less is not the one it was. */
export interface Seen {
  /** Identity of the store as it was at boot: empty when it had none, null as long as nobody has asked. */
  epoch: string | null
  /** How far it had come when a phone may last have rung because of us, and the last resume (epoch ms) seen in it. */
  dials: number
  resumed: number
}

export const dialing = (times: Times, limits: Limits, seen: Seen): Args => ({
  epoch: seen.epoch ?? undefined,
  seen_dials: seen.dials,
  seen_resumed: seen.resumed,
  max_concurrent: limits.maxConcurrent,
  dial_gap_us: Math.round(1_000_000 / limits.dialsPerSecond),
  line_ms: times.line,
  first_look_ms: times.firstLook,
  attempts_ms: times.attempts,
})

export const taking = (times: Times): Args => ({
  taken_ms: times.taken,
  hold_transferred_ms: times.holdTransferred,
  line_ms: times.line,
})

export const identity = (lead: Lead, writes: number): Args => ({
  lead_id: lead.leadId,
  list_id: lead.listId,
  phone: lead.phone,
  call_log_id: lead.callLogId ?? undefined,
  writes,
})

export const concluding = (conclusion: Conclusion | null): Args =>
  conclusion
    ? {
        outcome: conclusion.outcome,
        rule: conclusion.rule,
        evidence: conclusion.evidence,
        do_not_call: conclusion.doNotCall ? 1 : 0,
        hold_ms: conclusion.holdMs,
      }
    : {}
