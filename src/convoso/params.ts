import type { OutcomeReport } from '../delivery/crm.ts'
import { cut, line, note, wholeSeconds } from '../delivery/note.ts'

export type Params = Record<string, string>

/**
 * Whether Convoso can be asked for this id. Convoso takes `0` for "no filter" on some endpoints, and its webhooks send
 * `0`, blanks and the word `null` where there is no id.
 */
export function isId(id: string | null): id is string {
  return id !== null && !/^(0*|null)$/i.test(id.trim())
}

/**
 * An outcome as parameters of `leads/update`, keyed by lead_id alone: list_id would move the lead and phone_number
 * rewrite it. Nothing blank is sent, because Convoso does not say whether a blank clears the field. Fields that are not
 * Convoso's own (`call_transcript` and below) must exist in the account's lead layout. `status` null leaves the lead's.
 * No value is longer than `longest` characters. https://help.convoso.com/hc/en-us/articles/37895418438683
 */
export function leadParams(report: OutcomeReport, status: string | null, longest: number): Params {
  const { completion } = report
  return filled(
    {
      lead_id: report.leadId.trim(),
      status,
      call_transcript: note(report, longest),
      call_summary: completion?.summary,
      recording_url: completion?.recordingUrl,
      answered_by: completion?.answeredBy,
      call_duration: wholeSeconds(completion?.durationSeconds),
      transferred_to: completion?.transferredTo,
      plan_type: line(completion?.variables.plan_type),
      member_count: line(completion?.variables.member_count),
      bland_call_id: report.callId,
    },
    longest,
  )
}

/**
 * An outcome as parameters of `log/update`, which needs one of its two extra fields (else code 6035); `call_transcript`
 * is by word of Convoso's support only. https://help.convoso.com/hc/en-us/articles/37842243696283
 */
export function logParams(report: OutcomeReport, callLogId: string, longest: number): Params {
  return filled(
    { call_log_id: callLogId.trim(), call_transcript: note(report, longest), extra_field_01: report.verdict.outcome },
    longest,
  )
}

function filled(values: Record<string, string | null | undefined>, longest: number): Params {
  const params: Params = {}
  for (const [name, value] of Object.entries(values)) {
    const text = value?.trim()
    if (text) params[name] = cut(text, longest)
  }
  return params
}
