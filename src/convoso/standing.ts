import type { Outcome } from '../calls/call.ts'
import type { OutcomeReport, Standing } from '../delivery/crm.ts'
import type { AccountTime } from './account-time.ts'
import type { LeadEntry } from './answers.ts'
import { type StatusTable, statusOf } from './statuses.ts'

/** The write that sets a lead's status, and `bland_call_id` with it. */
export const LEAD_WRITE = 'leads/update'

export interface StandingOptions {
  statuses: StatusTable
  accountTime: AccountTime
  skewMs: number
}

/** Outcomes that say what a person wants: an agent uses their statuses as well as we do. */
const DECIDED = new Set<Outcome>(['TRANSFERRED', 'DO_NOT_CALL', 'CALLBACK', 'NOT_INTERESTED', 'ANSWERED'])

/*
 * What Convoso or its dialer sets where nobody has decided anything yet.
 * https://help.convoso.com/hc/en-us/articles/215908927
 */
const DIALER = 'NEW INCALL A AA AM AL AFAX B NA NAIC N DC OI CG CGD CGO CGT'.split(' ')
const CALL_PROGRESS = /^CPD/
const DO_NOT_CALL = /^Q?DNC/
const OPT_OUT = /^(DO_NOT_CALL|REFUSED:do_not_call$)/

/**
 * What the entries of a search by lead id say of writing an outcome; pure. The rules, of which the first that fits holds:
 *
 * 1. No entry is this lead's: open. The write itself will say that there is no such lead.
 * 2. A value of the entry is this call's id, which goes out in one request with the status: ours. Whatever the status is
 *    by now was meant to stay, or came later. But open while it still is the stand-in for a completion that was missing
 *    then and is here now.
 * 3. No status, or the one to be written: open.
 * 4. The outcome's status is a do-not-call one: open. A wish not to be called yields to no disposition.
 * 5. The lead's status is a do-not-call one, however old: theirs.
 * 6. Not modified since the call began (or nobody can read when): open. The call was made in spite of that status.
 * 7. A status that no person decides on, of Convoso's dialer or of our table: open.
 * 8. All others were set by somebody while we did not write: theirs.
 *
 * `modified_at` tells of any change to the lead, so that rule 8 can take a status for new that is older than the call: then
 * the outcome is in all fields but that. https://help.convoso.com/hc/en-us/articles/46774312268059
 */
export function createStanding({ statuses, accountTime, skewMs }: StandingOptions) {
  const decided = new Set(
    [...statuses].flatMap(([key, status]) => (DECIDED.has(outcomeIn(key)) ? [upper(status)] : [])),
  )
  const undecided = new Set([...DIALER, ...[...statuses.values()].map(upper)].filter((status) => !decided.has(status)))
  const standIns = new Set(
    (['NO_COMPLETION', 'DIAL_UNCONFIRMED'] as const).map((outcome) => upper(statusOf(statuses, { outcome, rule: '' }))),
  )

  const optOuts = new Set([...statuses].flatMap(([key, status]) => (OPT_OUT.test(key) ? [upper(status)] : [])))
  const isOptOut = (status: string) => DO_NOT_CALL.test(status) || optOuts.has(status)

  return (leads: LeadEntry[], report: OutcomeReport, since: number): Standing => {
    const lead = leads.find(({ lead_id, id }) => (text(lead_id) || text(id)) === report.leadId.trim())
    if (!lead) return { kind: 'open' }
    const [status, own] = [upper(text(lead.status)), upper(statusOf(statuses, report.verdict))]

    const callId = text(report.callId)
    if (callId && Object.values(lead).some((value) => text(value) === callId)) {
      const stoodIn = report.completion !== null && standIns.has(status) && status !== own
      return stoodIn ? { kind: 'open' } : { kind: 'ours', done: [LEAD_WRITE] }
    }
    if (status === '' || status === own || isOptOut(own)) return { kind: 'open' }
    if (isOptOut(status)) return { kind: 'theirs' }
    const modifiedAt = accountTime(lead.modified_at)
    if (modifiedAt === null || modifiedAt <= since + skewMs) return { kind: 'open' }
    return undecided.has(status) || CALL_PROGRESS.test(status) ? { kind: 'open' } : { kind: 'theirs' }
  }
}

const outcomeIn = (key: string) => key.split(':')[0] as Outcome
const upper = (status: string) => status.toUpperCase()
/** Convoso sends ids and statuses as text, and sometimes as numbers. */
const text = (value: unknown) =>
  typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : ''
