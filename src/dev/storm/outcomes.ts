import type { Book, Call, LeadBook, Placed, Write } from './book.ts'
import { dueOf, RANG_NOBODY } from './due.ts'
import type { Fault, Rules } from './rules.ts'

const said = ({ outcome, status }: Write) => `${outcome} ${status}`
const applied = (writes: Write[]) => writes.filter((write) => write.applied)
const placedOf = ({ calls }: LeadBook): Placed[] =>
  calls.flatMap(({ dials }) => dials).flatMap(({ placed }) => placed ?? [])

/** Pure: leads of their own, or calls that were placed, of which Convoso never heard. */
export function lostIn({ leads }: Book): Fault[] {
  return leads.flatMap((lead) => {
    const { leadId, calls, callLogId } = lead
    if (calls.length === 0) return []
    const heard = applied(lead.writes)
    if (heard.length === 0) return [{ leadId, fault: 'has no outcome in Convoso' }]
    const unheard = placedOf(lead)
      .filter(({ forgotten, callId }) => !forgotten && !heard.some((write) => write.callId === callId))
      .map(({ callId }) => ({ leadId, fault: `of its call ${callId} Convoso never heard` }))
    const unlogged = callLogId !== null && applied(lead.logs).length === 0
    return [...unheard, ...(unlogged ? [{ leadId, fault: `call log ${callLogId} was never written` }] : [])]
  })
}

/** Pure: request_ids that were answered 202, and no outcome was written after that. */
export const brokenPromises = ({ leads }: Book): Fault[] =>
  leads.flatMap(({ leadId, calls, writes }) => {
    const lastMs = applied(writes).at(-1)?.atMs ?? -Infinity
    return calls
      .filter(({ posting }) => posting && posting.sentMs > lastMs)
      .map(({ requestId }) => ({ leadId, fault: `${requestId} was promised, and nothing came of it` }))
  })

/** Pure: leads whose last outcome in Convoso is not what became of their call. */
export function wrongIn(book: Book): Fault[] {
  return book.leads.flatMap((lead) => {
    const last = lead.calls.at(-1)
    const heard = applied(lead.writes).at(-1)
    if (!last || !heard) return []
    const { any, why } = dueOf(lead, last, book)
    const wrong = any.includes(said(heard)) ? [] : [`is ${said(heard)}, not ${any.join(' or ')}: ${why}`]
    return wrong.map((fault) => ({ leadId: lead.leadId, fault }))
  })
}

/** Leads that ended as DIAL_UNCONFIRMED, by how that came about; and those that ended so too early. */
export interface Unconfirmed {
  /** Bland was asked, and cut the dial before placing anything. */
  cut: string[]
  /** Bland was never asked: the dialer was killed before. */
  killed: string[]
  /** A call was placed that Bland then forgot. */
  forgotten: string[]
  early: Fault[]
}

/** Pure. */
export function unconfirmedIn({ leads }: Book, { heldMs: leastMs }: Rules): Unconfirmed {
  const found: Unconfirmed = { cut: [], killed: [], forgotten: [], early: [] }
  for (const { leadId, calls, writes, triesMs } of leads) {
    const last = calls.at(-1)
    const write = applied(writes).at(-1)
    if (!last || write?.outcome !== 'DIAL_UNCONFIRMED') continue
    const dial = mayHaveRung(last)
    found[dial ? (dial.placed ? 'forgotten' : 'cut') : 'killed'].push(leadId)
    const heldMs = write.atMs - (dial?.atMs ?? last.posting?.sentMs ?? Math.min(...triesMs))
    if (heldMs < leastMs) found.early.push({ leadId, fault: `unconfirmed after ${Math.round(heldMs)} ms already` })
  }
  return found
}

const mayHaveRung = ({ dials }: Call) => dials.filter(({ answer }) => answer !== RANG_NOBODY).at(-1)
