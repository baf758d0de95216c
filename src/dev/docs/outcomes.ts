import type { Outcome } from '../../calls/call.ts'
import { RULES, RULES_VERSION } from '../../completions/outcome.ts'
import { DEFAULT_STATUSES, statusMap, statusOf } from '../../convoso/statuses.ts'
import { code, table } from './table.ts'

/** What calls without a completion end as, by the rules that stand where they end. */
export const WITHOUT_COMPLETION: readonly { outcome: Outcome; rule: string }[] = [
  { outcome: 'REFUSED', rule: 'do_not_call' },
  { outcome: 'REFUSED', rule: 'number_refused' },
  { outcome: 'DIAL_UNCONFIRMED', rule: 'never_seen' },
  { outcome: 'DIAL_UNCONFIRMED', rule: 'poison' },
  { outcome: 'NO_COMPLETION', rule: 'vendor_knows_nothing' },
  { outcome: 'NO_COMPLETION', rule: 'never_ended' },
  { outcome: 'NO_COMPLETION', rule: 'polls_used_up' },
  { outcome: 'NO_COMPLETION', rule: 'poison' },
]

/** Every outcome with its rules, in the order in which they are asked, and its status unless overridden, as Markdown. */
export function outcomeTable(): string {
  const rows: { outcome: Outcome; rules: string[] }[] = []
  for (const { outcome, rule } of [...RULES, ...WITHOUT_COMPLETION]) {
    if (rows.at(-1)?.outcome !== outcome) rows.push({ outcome, rules: [] })
    rows.at(-1)?.rules.push(rule)
  }
  return [
    `Rules (version ${RULES_VERSION}) are asked from top to bottom, and the first that fits decides. From ${code('REFUSED')} on, a call has no completion.`,
    table(
      ['Outcome', 'Rules', 'Convoso status', 'Why this status'],
      rows.map(({ outcome, rules }) => [
        code(outcome),
        rules.map(code).join(', '),
        statuses(outcome, rules),
        DEFAULT_STATUSES[outcome].reason,
      ]),
    ),
  ].join('\n\n')
}

/** An outcome's status, and that of each of its rules that has another. */
function statuses(outcome: Outcome, rules: readonly string[]): string {
  const map = statusMap(undefined)
  const own = DEFAULT_STATUSES[outcome].status
  if (map.kind === 'faults') return code(own)
  const others = rules
    .map((rule) => ({ rule, status: statusOf(map.table, { outcome, rule }) }))
    .filter(({ status }) => status !== own)
    .map(({ rule, status }) => `${code(status)} by ${code(rule)}`)
  return [code(own), ...others].join(', ')
}
