import type { BlandLedger } from '../bland-simulator/entries.ts'
import type { ConvosoLedger } from '../convoso-simulator/entries.ts'
import { entriesOf, type Facts, factsOf } from './facts.ts'
import { phoneOf, type Story } from './stories.ts'

/** One question put to the ledgers, and everything that speaks against a yes. */
export interface Check {
  question: string
  faults: string[]
}

export interface Audit {
  checks: Check[]
  /** By lead_id. */
  facts: Map<string, Facts>
}

/** Which facts answer which question; a story that says nothing of a fact takes any. */
const QUESTIONS: [question: string, facts: (keyof Facts)[]][] = [
  ['every lead taken in, the duplicate and the refused one known as such', ['accepted', 'duplicate', 'refused']],
  ['every number dialed as it should be, and none rang twice', ['dials', 'rang']],
  ['every outcome written once, with its status, and its call log', ['written', 'outcome', 'status', 'logs']],
  ['every story happened as told', ['copies', 'early', 'lookedUp', 'failures']],
]
const RANG = 1
const LAST = 'nothing else happened, and nothing Convoso would mind'

/** Pure: holds what the simulators saw against what the stories expect. Nothing is asked of the service. */
export function audit(stories: readonly Story[], bland: BlandLedger, convoso: ConvosoLedger): Audit {
  const facts = new Map(
    stories.map((story) => {
      const { lead_id: leadId, call_log_id: callLogId } = story.lead
      return [leadId, factsOf({ leadId, callLogId, phone: phoneOf(story) }, bland, convoso)]
    }),
  )
  const checks = QUESTIONS.map(([question, names]) => ({
    question,
    faults: stories.flatMap(({ lead, expect }) =>
      names
        .filter((name) => name in expect && expect[name] !== facts.get(lead.lead_id)?.[name])
        .map((name) => {
          const found = JSON.stringify(facts.get(lead.lead_id)?.[name])
          return `${lead.lead_id} ${lead.first_name}: ${name} expected ${JSON.stringify(expect[name])}, found ${found}`
        }),
    ),
  }))
  checks[RANG]?.faults.push(...rangTwice(bland))
  return { facts, checks: [...checks, { question: LAST, faults: strangers(stories, bland, convoso) }] }
}

const rangTwice = ({ numbers }: BlandLedger): string[] =>
  Object.entries(numbers)
    .filter(([, { placed, overlaps }]) => placed > 1 || overlaps > 0)
    .map(([phone, { placed, overlaps }]) => `${phone} rang ${placed} times, ${overlaps} of them at once`)

/** What no story tells of: other people's numbers, leads and logs, other endpoints, and breaches of manners. */
function strangers(stories: readonly Story[], bland: BlandLedger, convoso: ConvosoLedger): string[] {
  const phones = new Set(stories.map(phoneOf))
  const leads = new Set(stories.map(({ lead }) => lead.lead_id))
  const logs = new Set(stories.map(({ lead }) => lead.call_log_id))
  const dials = entriesOf(bland.entries, 'dial')
  const writes = entriesOf(convoso.entries, 'write')
  return [
    ...dials
      .filter((dial) => !phones.has(dial.phone_number) || !leads.has(dial.lead_id ?? ''))
      .map((dial) => `a dial to ${dial.phone_number} for lead ${dial.lead_id}`),
    ...writes
      .filter(({ endpoint, lead_id, call_log_id }) => {
        if (endpoint === 'leads/update') return !leads.has(lead_id ?? '')
        return endpoint !== 'log/update' || !logs.has(call_log_id ?? '')
      })
      .map(({ endpoint, lead_id, call_log_id }) => `a write to ${endpoint} of ${lead_id ?? call_log_id}`),
    ...entriesOf(convoso.entries, 'violation').map(
      ({ endpoint, lead_id, rule, field }) => `${endpoint} of ${lead_id}: ${rule} ${field}`,
    ),
  ]
}
