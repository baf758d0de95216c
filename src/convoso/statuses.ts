import { OUTCOMES, type Outcome, type Verdict } from '../calls/call.ts'

/**
 * The status of each outcome unless overridden, with the reason for it. Every Convoso account has statuses of its own;
 * these prefer what Convoso ships to all and keep clear of codes that mean something to its dialer: DROP is counted as
 * an abandoned call, NEW puts a lead back at the start of its workflows.
 * https://help.convoso.com/hc/en-us/articles/215908927
 */
export const DEFAULT_STATUSES: Record<Outcome, { status: string; reason: string }> = {
  TRANSFERRED: { status: 'ACA', reason: 'customer and agent were joined: the code an ACA desk books a transfer under' },
  DO_NOT_CALL: { status: 'DNC', reason: 'system status with the final and do-not-call flags; DNCA is custom' },
  BAD_NUMBER: { status: 'DC', reason: 'system status, disconnected: Convoso itself then delays redials for days' },
  VOICEMAIL: { status: 'A', reason: 'system status, answering machine; AA and AM are for Convoso’s own detection' },
  CALLBACK: { status: 'CB', reason: 'asked to be called back; CALLBK would claim that a callback is scheduled' },
  NOT_INTERESTED: { status: 'NI', reason: 'not interested' },
  NO_ANSWER: { status: 'NA', reason: 'system status, no answer on an automatic dial' },
  BUSY: { status: 'B', reason: 'system status, busy' },
  CANCELED: { status: 'N', reason: 'ended before anybody answered, by no doing of the lead: stays dialable' },
  FAILED: { status: 'N', reason: 'system status for dead air and system faults: stays dialable' },
  ANSWERED: { status: 'CD', reason: 'customer disconnected: a person answered and nothing came of it' },
  UNKNOWN: { status: 'N', reason: 'nothing in the record says what happened: claims least, stays dialable' },
  REFUSED: {
    status: 'FORBID',
    reason: 'system status, call forbidden: never dialed, and dialing again would not help',
  },
  DIAL_UNCONFIRMED: { status: 'N', reason: 'may or may not have rung: claims no contact' },
  NO_COMPLETION: { status: 'INCOMP', reason: 'system status, incomplete: was dialed, its record never came' },
}

/** Convoso status by `OUTCOME`, or by `OUTCOME:rule` where one rule of an outcome has a status of its own. */
export type StatusTable = ReadonlyMap<string, string>

export type StatusMap = { kind: 'table'; table: StatusTable } | { kind: 'faults'; faults: string[] }

const refusedDnc = 'REFUSED:do_not_call'

/**
 * The default table with `overrides` over it, a JSON object such as `{"VOICEMAIL":"AM","REFUSED:do_not_call":"DNCQ"}`;
 * or everything that is wrong with it, at once. A status is 1-6 letters and digits; whether the account knows it is
 * not checked. Unless overridden, `REFUSED:do_not_call` follows `DO_NOT_CALL`.
 * https://help.convoso.com/hc/en-us/articles/37901922321819
 */
export function statusMap(overrides: string | undefined): StatusMap {
  const table = new Map<string, string>(OUTCOMES.map((outcome) => [outcome, DEFAULT_STATUSES[outcome].status]))
  const faults: string[] = []
  for (const [key, status] of entries(overrides, faults)) {
    if (!knownKey(key)) faults.push(`${key} is no outcome`)
    else if (typeof status !== 'string' || !/^[A-Za-z0-9]{1,6}$/.test(status))
      faults.push(`the status of ${key} is not 1-6 letters and digits`)
    else table.set(key, status)
  }
  if (faults.length > 0) return { kind: 'faults', faults }
  if (!table.has(refusedDnc)) table.set(refusedDnc, statusOf(table, { outcome: 'DO_NOT_CALL', rule: '' }))
  return { kind: 'table', table }
}

/** The status of a verdict: its rule's, else its outcome's. */
export function statusOf(table: StatusTable, { outcome, rule }: Pick<Verdict, 'outcome' | 'rule'>): string {
  return table.get(`${outcome}:${rule}`) ?? table.get(outcome) ?? DEFAULT_STATUSES[outcome].status
}

function entries(overrides: string | undefined, faults: string[]): [string, unknown][] {
  if (overrides === undefined || overrides.trim() === '') return []
  try {
    const parsed: unknown = JSON.parse(overrides)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return Object.entries(parsed)
    faults.push('not a JSON object')
  } catch {
    faults.push('not JSON')
  }
  return []
}

function knownKey(key: string): boolean {
  const [outcome, rule, ...rest] = key.split(':')
  return OUTCOMES.some((known) => known === outcome) && rule !== '' && rest.length === 0
}
