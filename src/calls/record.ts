import type { E164, Lead, Outcome, State } from './call.ts'

/** A call's hash as Redis holds it: every value is text. */
export type Fields = Record<string, string>

/** One step of a call's story. */
export interface Step {
  at: number
  what: string
  why: string
}

/** A call as the rest of the code reads it. Times are epoch ms. */
export interface CallRecord {
  requestId: string
  state: State
  lead: Lead
  callId: string | null
  /** call_id of the completion that was taken: its bytes are stored under it. */
  completion: string | null
  /** call_ids of completions of other calls that were placed for the same request. */
  others: string[]
  /** The outcome the CRM has of it already; null when nothing that came of a completion was delivered. */
  delivered: Outcome | null
  /** What came back of it when the store had forgotten it; null for a call that was admitted here. */
  rebuiltFrom: string | null
  siblingOf: string | null
  verdict: { outcome: Outcome; rule: string; evidence: string } | null
  /** Requests the CRM needs for its outcome. */
  writes: number
  attempts: number
  looks: number
  /** How often the vendor did not know the call since it last did. */
  missed: number
  /** How often the vendor refused it for what was no fault of its own. */
  refusals: number
  firstFailedAt: number | null
  dialedAt: number | null
  endedAt: number | null
  /** Names of the writes the CRM already took. */
  done: string[]
  waitsFor: string | null
  lastError: string | null
  steps: Step[]
}

const words = (text: string | undefined) => text?.split(' ') ?? []
const number = (text: string | undefined) => (text === undefined ? null : Number(text))

/** Reads a hash reply of `name, value, name, value`. */
export function fieldsOf(flat: readonly string[]): Fields {
  const fields: Fields = {}
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] as string] = flat[i + 1] as string
  return fields
}

/** Reads a call's hash. Fields this version does not know are left alone. */
export function recordOf(fields: Fields): CallRecord {
  const leadFields = Object.entries(fields).filter(([name]) => name.startsWith('lead.'))
  const steps = Object.entries(fields)
    .filter(([name]) => name.startsWith('step.'))
    .sort(([a], [b]) => Number(a.slice(5)) - Number(b.slice(5)))
    .map(([, line]) => {
      const [at = '0', what = '', ...why] = line.split(' ')
      return { at: Number(at), what, why: why.join(' ') }
    })
  return {
    requestId: fields.request_id ?? '',
    state: fields.state as State,
    lead: {
      leadId: fields.lead_id ?? '',
      listId: fields.list_id ?? '',
      phone: fields.phone as E164,
      callLogId: fields.call_log_id ?? null,
      fields: Object.fromEntries(leadFields.map(([name, value]) => [name.slice(5), value])),
    },
    callId: fields.call_id ?? null,
    completion: fields.completion ?? null,
    others: words(fields.others),
    delivered: (fields.delivered as Outcome | undefined) ?? null,
    rebuiltFrom: fields.rebuilt_from ?? null,
    siblingOf: fields.sibling_of ?? null,
    verdict: fields.outcome
      ? { outcome: fields.outcome as Outcome, rule: fields.rule ?? '', evidence: fields.evidence ?? '' }
      : null,
    writes: number(fields.writes) ?? 1,
    attempts: number(fields.attempts) ?? 0,
    looks: number(fields.looks) ?? 0,
    missed: number(fields.missed) ?? 0,
    refusals: number(fields.refusals) ?? 0,
    firstFailedAt: number(fields.first_failed_at_ms),
    dialedAt: number(fields.dialed_at_ms),
    endedAt: number(fields.ended_at_ms),
    done: words(fields.done),
    waitsFor: fields.waits_for ?? null,
    lastError: fields.last_error ?? null,
    steps,
  }
}
