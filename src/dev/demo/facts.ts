import type { BlandEntry, BlandLedger } from '../bland-simulator/entries.ts'
import type { ConvosoEntry, ConvosoLedger } from '../convoso-simulator/entries.ts'

/** What the simulators saw of one lead. */
export interface Facts {
  /** Its posting was answered 202; one of them as a duplicate; as refused. */
  accepted: boolean
  duplicate: boolean
  refused: boolean
  /** How Bland answered each dial request, in order: `200`, `429 200`, `dropped`. */
  dials: string
  /** How often its telephone rang. */
  rang: number
  /** Copies of its completion that were posted and answered 2xx. */
  copies: number
  /** The completion was sent before the dial was answered. */
  early: boolean
  /** Bland was asked about the call. */
  lookedUp: boolean
  /** Writes of its outcome that Convoso did not take; that it took; writes of its call log. */
  failures: number
  written: number
  logs: number
  /** As Convoso has them by the last write. */
  outcome: string
  status: string
  /** Ms from posting the lead to Bland's receipt of the dial; null when there was none. */
  dialMs: number | null
  /** Ms from posting the completion to Convoso's taking of the outcome. */
  writeMs: number | null
}

/** Who a lead is in the ledgers; `phone` in E.164. */
export interface Who {
  leadId: string
  phone: string
  callLogId: string | undefined
}

type What<Entry extends { what: string }, W> = Extract<Entry, { what: W }>

/** Entries of one kind, oldest first. */
export const entriesOf = <Entry extends { what: string }, W extends Entry['what']>(entries: Entry[], what: W) =>
  entries.filter((entry): entry is What<Entry, W> => entry.what === what)

const field = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined

/** Pure: both ledgers, read for one lead. */
export function factsOf(who: Who, bland: BlandLedger, convoso: ConvosoLedger): Facts {
  const { leadId, phone, callLogId } = who
  const mine = <E extends { lead_id: string | null }>(entry: E) => entry.lead_id === leadId
  const atBland = bland.entries as (BlandEntry & { n: number; at_ms: number })[]
  const atConvoso = convoso.entries as (ConvosoEntry & { n: number; at_ms: number })[]

  const taken = entriesOf(atConvoso, 'sent').filter(({ lead, status }) => lead.lead_id === leadId && status === 202)
  const dials = entriesOf(atBland, 'dial').filter(mine)
  const answers = entriesOf(atBland, 'answer').filter(mine)
  const placed = entriesOf(atBland, 'placed').filter(mine)
  const mails = entriesOf(atBland, 'mail').filter((mail) => mine(mail) && mail.kind === 'completion')
  const good = mails.filter(({ status }) => status >= 200 && status < 300)
  const names = [encodeURIComponent(phone), ...placed.map(({ call_id }) => call_id)]
  const writes = entriesOf(atConvoso, 'write')
  const updates = writes.filter((write) => write.endpoint === 'leads/update' && mine(write))
  const last = updates.at(-1)
  const [posted, answered, mailed] = [taken[0], answers[0], mails[0]]

  return {
    accepted: taken.length > 0,
    duplicate: taken.slice(1).some(({ body }) => field(body, 'duplicate') === true),
    refused: taken.some(({ body }) => field(body, 'state') === 'refused'),
    dials: answers.map(({ status }) => status).join(' '),
    rang: placed.length,
    copies: new Set(good.map(({ copy }) => copy)).size,
    early: mailed !== undefined && answered !== undefined && mailed.n < answered.n,
    lookedUp: entriesOf(atBland, 'asked').some(({ url }) => names.some((name) => url.includes(name))),
    failures: entriesOf(atConvoso, 'refused').filter((each) => each.endpoint === 'leads/update' && mine(each)).length,
    written: updates.length,
    logs: writes.filter((write) => write.endpoint === 'log/update' && write.call_log_id === callLogId).length,
    outcome: /^Call Outcome: (\w+)/.exec(last?.params.call_transcript ?? '')?.[1] ?? '',
    status: last?.params.status ?? '',
    dialMs: dials[0] && posted ? dials[0].at_ms - (posted.at_ms - posted.took_ms) : null,
    writeMs: last && mailed ? last.at_ms - (mailed.at_ms - mailed.took_ms) : null,
  }
}
