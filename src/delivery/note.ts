import type { OutcomeReport } from './crm.ts'

const MARK = '\n[… cut]'

/**
 * `text`, at most `longest` UTF-16 code units of it. What was cut ends in a visible mark (unless there is no room for
 * one) and never inside a surrogate pair.
 */
export function cut(text: string, longest: number): string {
  if (text.length <= longest) return text
  const mark = MARK.length < longest ? MARK : ''
  const kept = text.slice(0, longest - mark.length)
  return (endsInsidePair(kept) ? kept.slice(0, -1) : kept) + mark
}

function endsInsidePair(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}

/**
 * A variable of a call as one line of text; `null` where it has no value. Only strings and finite numbers are values:
 * blanks, the word `null`, booleans, lists and objects are not.
 */
export function line(variable: unknown): string | null {
  if (typeof variable === 'number') return Number.isFinite(variable) ? String(variable) : null
  if (typeof variable !== 'string') return null
  const text = variable.replace(/\s+/g, ' ').trim()
  return text === '' || text.toLowerCase() === 'null' ? null : text
}

/** A duration in whole seconds, as text; `null` where nobody measured one. A call of 0 s was measured. */
export function wholeSeconds(seconds: number | null | undefined): string | null {
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds >= 0 ? String(Math.round(seconds)) : null
}

/**
 * What a person reads in the CRM about a call: the outcome, what is known of the lead, the transcript. Lines without a
 * value are left out. At most `longest` UTF-16 code units; what is too much is cut from the end.
 */
export function note({ verdict, completion }: Pick<OutcomeReport, 'verdict' | 'completion'>, longest: number): string {
  const { plan_type, member_count, zip, postal_code, state, customer_state } = completion?.variables ?? {}
  const seconds = wholeSeconds(completion?.durationSeconds)
  const lines = [
    ['Call Outcome', verdict.outcome],
    ['Plan Type', line(plan_type)],
    ['Members', line(member_count)],
    ['ZIP', line(zip) ?? line(postal_code)],
    ['State', line(state) ?? line(customer_state)],
    ['Duration', seconds && `${seconds}s`],
  ].flatMap(([label, value]) => (value ? [`${label}: ${value}`] : []))
  const transcript = completion?.transcript?.trim()
  return cut([...lines, ...(transcript ? ['', '--- Transcript ---', transcript] : [])].join('\n'), longest)
}
