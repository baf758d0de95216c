import type { BlandDials } from '../bland-simulator/dials.ts'
import type { ConvosoDials } from '../convoso-simulator/dials.ts'
import type { StormOptions } from './options.ts'

/** Everything that goes wrong at Bland. Waits are in proportion to lease and deadline, so that a short storm is as rough. */
export function blandWeather({ deadline, lease }: StormOptions): Partial<BlandDials> {
  const ms = (share: number) => Math.round(deadline * 1000 * share)
  return {
    answer_ms: [20, lease * 60],
    call_ms: [ms(0.04), ms(0.1)],
    // A double dial must ring to be seen.
    same_number_ms: 0,
    outcomes: {
      ...{ VOICEMAIL: 30, NO_ANSWER: 15, NOT_INTERESTED: 12, ANSWERED: 10, TRANSFERRED: 8, CALLBACK: 5, BUSY: 5 },
      ...{ COLD_TRANSFER: 4, DO_NOT_CALL: 4, BAD_NUMBER: 3, FAILED: 2, CANCELED: 1, UNKNOWN: 1 },
    },
    // Each one lets the whole account rest for 5 s.
    rate_limited: 0.003,
    ...{ error_before: 0.005, drop_before: 0.01, hang_before: 0.003 },
    ...{
      drop_after: 0.1,
      error_after: 0.05,
      unable_after: 0.01,
      html_after: 0.01,
      no_id_after: 0.01,
      hang_after: 0.005,
    },
    ...{ list_lag_ms: ms(0.05), settle_ms: 500, lookup_error: 0.03 },
    ...{ early: 0.05, never: 0.02, late: 0.04, late_ms: [ms(0.1), ms(0.3)], twice: 0.05, thrice: 0.02 },
    ...{ copy_ms: [0, 1000], events_before: 0.1, enrichment_after: 0.1, padded: 0.005, padded_mb: [1, 4] },
    ...{ metadata_stripped: 0.05, unsigned: 0.003, wrongly_signed: 0.003, resends: 4, resend_ms: ms(0.02) },
  }
}

/** Everything that goes wrong at Convoso. A slow answer is one that is still waited for. */
export function convosoWeather({ lease }: StormOptions): Partial<ConvosoDials> {
  const faults = {
    slow: { rate: 0.4, ms: lease * 150 },
    // Each one halves everybody's rate.
    too_many: { rate: 0.002, retry_after: 1 },
    server_error: { rate: 0.03 },
    html: { rate: 0.01 },
    empty: { rate: 0.01 },
    success_false: { rate: 0.02 },
    truncated: { rate: 0.02 },
    reset_before: { rate: 0.02 },
    reset_after: { rate: 0.02 },
  }
  return { 'leads/update': faults, 'log/update': faults }
}

/** How the instances are set up: as in production, but for what keeps a storm short. */
export const settingsOf = ({ lease, deadline, concurrent, rate }: StormOptions) => ({
  LOG_LEVEL: 'info',
  LEASE: String(lease),
  CALL_DEADLINE_SECONDS: String(deadline),
  LINE_HOLD: String(Math.ceil(deadline / 12)),
  LINE_HOLD_TRANSFERRED: String(Math.ceil(deadline / 6)),
  BLAND_MAX_CONCURRENT: String(concurrent),
  BLAND_MAX_PER_SECOND: String(Math.ceil(rate * 1.5)),
  CONVOSO_MAX_RPS: String(Math.ceil(rate * 4)),
  CALLING_HOURS: 'off',
  DNC_SOURCE: 'none',
  BLAND_TASK_TEMPLATE: 'Ask {{first_name}} whether health coverage is wanted.',
})
