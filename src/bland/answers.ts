import type { DialAnswer } from '../dialing/voice.ts'
import { fieldsOf, idOf, listOf, parsed, textOf } from './fields.ts'

/*
 * What Bland's answer to POST /v1/calls means, as a table read from top to bottom (error texts:
 * https://docs.bland.ai/api-v1/post/calls). Only what stands here is believed to have rung nobody; all else is lost.
 */

/** Bland takes one call per number in ten seconds. */
const SAME_NUMBER_MS = 10_000
const BACK_OFF_MS = 5_000
/** A day's minutes do not come back in seconds. */
const QUOTA_MS = 300_000

const stopped = (reason: string, scope: 'settings' | 'account' = 'settings'): DialAnswer => ({
  kind: 'stopped',
  reason,
  scope,
})
const never = (reason: string): DialAnswer => ({ kind: 'never', reason, doNotCall: false })
const doNotCall = (reason: string): DialAnswer => ({ kind: 'never', reason, doNotCall: true })
const later = (reason: string, waitMs = BACK_OFF_MS, scope: 'number' | 'account' = 'account'): DialAnswer => ({
  kind: 'later',
  reason,
  waitMs,
  scope,
})
const lost = (reason: string): DialAnswer => ({ kind: 'lost', reason })

/** `says` is matched against the answer's error code and text. Order matters: `Invalid from phone number.` is about us. */
export const REFUSALS: readonly { status: number; says?: RegExp; answer: DialAnswer }[] = [
  { status: 401, answer: stopped('unauthorized', 'account') },
  { status: 402, answer: stopped('balance', 'account') },
  { status: 403, answer: stopped('account_flagged', 'account') },
  { status: 404, answer: stopped('not_found') },
  { status: 418, answer: stopped('objective_invalid') },

  { status: 429, says: /same number/i, answer: later('same_number', SAME_NUMBER_MS, 'number') },
  { status: 429, says: /blacklisted/i, answer: doNotCall('blacklisted') },
  { status: 429, says: /DAILY_MINUTES/, answer: later('daily_minutes', QUOTA_MS) },
  { status: 429, answer: later('rate_limit') },

  // These two may have been said after the call was made.
  { status: 400, says: /unable to (queue call|save request body)/i, answer: lost('not_queued') },
  { status: 400, says: /DNC|sensitive numbers/i, answer: doNotCall('do_not_call_list') },
  { status: 400, says: /CALL_RL_PLAN_DAILY_MINUTES/, answer: later('daily_minutes', QUOTA_MS) },
  { status: 400, says: /CALL_RL_PLAN_CONCURRENCY/, answer: later('rate_limit') },
  { status: 400, says: /CALL_UNPAID_INTL_BLOCK|CALL_PLAN_DESTINATION_BLOCKED/, answer: never('destination_blocked') },
  // The lead's number is our own transfer number: no reason to stop everybody's calls.
  { status: 400, says: /cannot be the same as the phone number/i, answer: never('transfer_number') },
  { status: 400, says: /CALL_PLAN_TRANSFER_BLOCKED|\btransfer_(phone_number|list)\b/i, answer: stopped('transfer') },
  { status: 400, says: /missing required parameter/i, answer: stopped('parameters') },
  { status: 400, says: /invalid phone number|invalid parameters.*\bphone_number\b/i, answer: never('invalid_number') },
  { status: 400, says: /invalid '?from\b/i, answer: stopped('from') },
  { status: 400, says: /webhook must be/i, answer: stopped('webhook') },
  { status: 400, says: /invalid voicemail/i, answer: stopped('voicemail') },
  { status: 400, says: /pathway_version needs/i, answer: stopped('pathway_version') },
  { status: 400, says: /invalid start node/i, answer: stopped('start_node') },
  { status: 400, says: /flagged node/i, answer: stopped('flagged_node') },
  { status: 400, says: /max_duration must be/i, answer: stopped('max_duration') },
  { status: 400, says: /calls must be scheduled/i, answer: stopped('start_time') },
  { status: 400, says: /(metadata|request_data|retry|record) must be/i, answer: stopped('parameters') },
  { status: 400, says: /invalid parameters|additional properties are not allowed/i, answer: stopped('parameters') },
]

/** Everything an error body says, code and text, from whichever of Bland's envelopes it came in. */
function said(body: unknown, raw: string): string {
  const fields = fieldsOf(body)
  if (fields === null) return raw
  const [first] = listOf(fields.errors)
  const error = fieldsOf(first)
  const text = [fields.message, fields.error, error?.message, first, fields.error_message].map(textOf).find(Boolean)
  return [fields.status, error?.error, fields.error, text ?? raw].map(textOf).filter(Boolean).join(' ')
}

function accepted(body: unknown): DialAnswer {
  const fields = fieldsOf(body)
  const status = textOf(fields?.status)?.toLowerCase() ?? 'success'
  const callId = idOf(fields?.call_id)
  if (callId === null) return lost('no_call_id')
  return status === 'success' ? { kind: 'placed', callId } : lost('no_success')
}

/**
 * What an HTTP answer to a dial means. `retryAfterMs` is the vendor's Retry-After, null without one; it lengthens a wait
 * and, for the account's rate, replaces it. A page of HTML is a gateway speaking and proves nothing, but for a 429.
 */
export function dialAnswer(status: number, raw: string, retryAfterMs: number | null): DialAnswer {
  const body = parsed(raw)
  if (status >= 200 && status < 300) return accepted(body)
  if (status !== 429 && /^\s*</.test(raw)) return lost(`html_${status}`)
  const text = said(body, raw)
  const answer = REFUSALS.find((row) => row.status === status && row.says?.test(text) !== false)?.answer
  if (answer === undefined) return lost(`http_${status}`)
  if (answer.kind !== 'later' || retryAfterMs === null) return answer
  const floor = answer.reason === 'rate_limit' ? 0 : answer.waitMs
  return { ...answer, waitMs: Math.max(floor, retryAfterMs) }
}
