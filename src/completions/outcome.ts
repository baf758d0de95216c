import type { Outcome, Verdict } from '../calls/call.ts'
import type { Completion } from './completion.ts'
import { type Heard, heardAt, listen, machineAt, optOutAt } from './heard.ts'
import { INTERCEPT, NOT_INTERESTED } from './phrases.ts'
import { plain } from './wording.ts'

/** Rises with every change of RULES or of a phrase, so that old verdicts can be told from new ones. */
export const RULES_VERSION = 1

/** `when` answers with the evidence, or null. Evidence is made of our own words, numbers and line numbers only. */
export interface OutcomeRule {
  rule: string
  outcome: Outcome
  when(call: Heard): string | null
}

const line = (number: number | null): string | null => (number === null ? null : `transcript line ${number}`)

const field = <K extends 'status' | 'answeredBy'>(call: Heard, name: K, value: Completion[K]): string | null =>
  call[name] === value ? `${name === 'status' ? 'status' : 'answered_by'}=${value}` : null

const disposition = (call: Heard, value: string): string | null =>
  plain(call.disposition ?? '') === plain(value) ? `disposition=${value}` : null

/** A tag with these words in it, whatever stands around them. */
const tag = (call: Heard, ...wanted: string[]): string | null => {
  const found = wanted.find((words) => call.tags.some((it) => plain(it).includes(plain(words))))
  return found === undefined ? null : `tag=${found}`
}

/** Error texts that say the line does not exist. Others ("agent not found", "client disconnected") are not the number's fault. */
const BAD_NUMBER_ERRORS = {
  'not found': /\bnumber\b.*\bnot found\b/,
  'not in service': /\bnot in service\b/,
  disconnected: /\bdisconnected number\b|\bnumber\b.*\bdisconnected\b|^( call failed)? disconnected $/,
  'invalid number': /\binvalid (phone )?number\b|\bnumber\b.*\bis (not valid|invalid)\b/,
  unallocated: /\bunallocated\b/,
  'does not exist': /\bnumber\b.*\bdoes not exist\b/,
}

/** Bland's longest error text has 100 characters; what is longer is not one. */
const errorText = (call: Heard): string => plain((call.errorMessage ?? '').slice(0, 300))

function badNumberError(call: Heard): string | null {
  const error = errorText(call)
  const [found] = Object.entries(BAD_NUMBER_ERRORS).find(([, text]) => text.test(error)) ?? []
  return found === undefined ? null : `error_message: ${found}`
}

/** Whether anybody can have spoken: wishes in the record of a call nobody took are a lead's old fields, or a guess. */
const reached = ({ status, answeredBy, customer }: Heard): boolean =>
  customer.length > 0 ||
  answeredBy === 'human' ||
  ((status === 'completed' || status === 'unknown' || status === null) &&
    answeredBy !== 'no-answer' &&
    answeredBy !== 'busy')

const wish = (evidence: (call: Heard) => string | null) => (call: Heard) => (reached(call) ? evidence(call) : null)

/** A machine by its signs, unless somebody talked with us all the same: machine detection errs in both directions. */
const unlessTalking = (evidence: (call: Heard) => string | null) => (call: Heard) =>
  call.dialogueAt === null ? evidence(call) : null

const isTrue = (value: unknown): boolean => value === true || (typeof value === 'string' && plain(value) === ' true ')

const nothingKnown = {
  rule: 'nothing_known',
  outcome: 'UNKNOWN',
  when: ({ status, answeredBy }: Heard): string => `status=${status} answered_by=${answeredBy}`,
} as const satisfies OutcomeRule

/** Read from top to bottom; the first match wins, and the last always matches. */
export const RULES: readonly OutcomeRule[] = [
  // A transfer is proven or it is none: the vendor's label alone has called hold music a transfer.
  {
    rule: 'warm_transfer_merged',
    outcome: 'TRANSFERRED',
    when: (call) => (call.warmTransferState === 'MERGED' ? 'warm_transfer_call.state=MERGED' : null),
  },
  {
    rule: 'cold_transfer_talked',
    outcome: 'TRANSFERRED',
    when: ({ warmTransferState, transferredTo, postTransferSeconds: talked }) =>
      warmTransferState === null && transferredTo !== null && talked !== null && talked > 0
        ? `post_transfer_duration=${talked} s`
        : null,
  },
  { rule: 'customer_opt_out', outcome: 'DO_NOT_CALL', when: (call) => line(optOutAt(call)) },
  {
    rule: 'disposition_opt_out',
    outcome: 'DO_NOT_CALL',
    when: (call) => disposition(call, 'DO_NOT_CONTACT'),
  },
  { rule: 'error_bad_number', outcome: 'BAD_NUMBER', when: unlessTalking(badNumberError) },
  {
    rule: 'network_announcement',
    outcome: 'BAD_NUMBER',
    when: unlessTalking((call) => line(heardAt(call, INTERCEPT))),
  },
  {
    rule: 'answered_by_voicemail',
    outcome: 'VOICEMAIL',
    when: unlessTalking((call) => field(call, 'answeredBy', 'voicemail')),
  },
  {
    rule: 'tag_voicemail',
    outcome: 'VOICEMAIL',
    when: unlessTalking((call) => tag(call, 'voicemail', 'voice mail', 'answering machine')),
  },
  { rule: 'mailbox_heard', outcome: 'VOICEMAIL', when: unlessTalking((call) => line(machineAt(call))) },
  {
    rule: 'variable_callback',
    outcome: 'CALLBACK',
    when: wish((call) => (isTrue(call.variables.callback_requested) ? 'variables.callback_requested=true' : null)),
  },
  { rule: 'tag_callback', outcome: 'CALLBACK', when: wish((call) => tag(call, 'callback', 'call back')) },
  {
    rule: 'disposition_callback',
    outcome: 'CALLBACK',
    when: wish((call) => disposition(call, 'CALL_BACK_SCHEDULED')),
  },
  {
    rule: 'disposition_not_interested',
    outcome: 'NOT_INTERESTED',
    when: wish((call) => disposition(call, 'NOT_INTERESTED')),
  },
  {
    rule: 'tag_not_interested',
    outcome: 'NOT_INTERESTED',
    when: wish((call) => tag(call, 'not interested', 'decline', 'declined', 'declines')),
  },
  { rule: 'customer_not_interested', outcome: 'NOT_INTERESTED', when: (call) => line(heardAt(call, NOT_INTERESTED)) },
  { rule: 'status_no_answer', outcome: 'NO_ANSWER', when: unlessTalking((call) => field(call, 'status', 'no-answer')) },
  {
    rule: 'answered_by_nobody',
    outcome: 'NO_ANSWER',
    when: unlessTalking((call) => field(call, 'answeredBy', 'no-answer')),
  },
  { rule: 'status_busy', outcome: 'BUSY', when: unlessTalking((call) => field(call, 'status', 'busy')) },
  { rule: 'answered_by_busy', outcome: 'BUSY', when: unlessTalking((call) => field(call, 'answeredBy', 'busy')) },
  {
    rule: 'error_busy',
    outcome: 'BUSY',
    when: unlessTalking((call) =>
      errorText(call).includes(' number you dialed is busy ') ? 'error_message: busy' : null,
    ),
  },
  { rule: 'status_canceled', outcome: 'CANCELED', when: (call) => field(call, 'status', 'canceled') },
  { rule: 'status_failed', outcome: 'FAILED', when: (call) => field(call, 'status', 'failed') },
  {
    // Bland's own sample of a completed call between people carries an error message.
    rule: 'error_message',
    outcome: 'FAILED',
    when: (call) =>
      call.errorMessage !== null &&
      !(call.status === 'completed' && (call.answeredBy === 'human' || call.customer.length > 0))
        ? 'error_message present'
        : null,
  },
  { rule: 'answered_by_human', outcome: 'ANSWERED', when: (call) => field(call, 'answeredBy', 'human') },
  { rule: 'dialogue', outcome: 'ANSWERED', when: (call) => line(call.dialogueAt) },
  {
    rule: 'customer_spoke',
    outcome: 'ANSWERED',
    when: (call) => (call.status === 'completed' ? line(call.customer[0]?.number ?? null) : null),
  },
  nothingKnown,
]

/**
 * What a finished call came to, by the first of RULES that matches. Pure, total, and silent about people: the evidence
 * holds no name, number or word that was said.
 */
export function outcomeOf(completion: Completion): Verdict {
  const call = listen(completion)
  for (const { rule, outcome, when } of RULES) {
    const evidence = when(call)
    if (evidence !== null) return { outcome, rule, evidence }
  }
  const { rule, outcome, when } = nothingKnown
  return { outcome, rule, evidence: when(call) }
}
