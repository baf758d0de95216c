import type { Book, Dial, LeadBook, Placed } from './book.ts'
import { RANG_NOBODY } from './due.ts'
import { pushTo } from './reading.ts'
import type { Fault, Rules } from './rules.ts'

/** Pure: everybody who was, or could have been, rung twice. */
export function doublesIn(book: Book, rules: Rules): Fault[] {
  return [...book.leads.flatMap(dialedTwice), ...book.leads.flatMap(placedTwice), ...rangTooSoon(book, rules)]
}

/** Two dial requests for one request_id, though the first may have rung. */
const dialedTwice = ({ leadId, calls }: LeadBook): Fault[] =>
  calls
    .filter(({ dials }) => dials.slice(0, -1).some(({ answer }) => answer !== RANG_NOBODY))
    .map(({ requestId, dials }) => ({ leadId, fault: `${requestId} was dialed again: ${answersOf(dials)}` }))

const answersOf = (dials: Dial[]) => dials.map(({ answer }) => answer ?? 'no answer').join(', ')

/** Two calls for one lead, though it was not taken anew after Convoso had heard of the first. */
function placedTwice({ leadId, calls, writes }: LeadBook): Fault[] {
  const rang = calls.filter(({ dials }) => dials.some(({ placed }) => placed))
  const heardMs = writes.find(({ applied }) => applied)?.atMs ?? Infinity
  return rang
    .slice(1)
    .filter(({ posting, dials }) => (posting?.atMs ?? dials[0]?.atMs ?? 0) <= heardMs)
    .map(({ requestId }) => ({ leadId, fault: `placed again as ${requestId}` }))
}

/** A number that rang while a call to it lived, or rested too short after one. */
function rangTooSoon({ placed }: Book, { holdMs, holdTransferredMs }: Rules): Fault[] {
  const byPhone = new Map<string, Placed[]>()
  for (const call of placed) pushTo(byPhone, call.phone, call)
  const rests = ({ scene }: Placed) => (/TRANSFER/.test(scene) ? holdTransferredMs : holdMs)
  return [...byPhone.values()].flatMap((calls) =>
    calls.slice(1).flatMap((call, i) => {
      const before = calls[i] as Placed
      const restedMs = call.atMs - before.endedMs
      if (restedMs >= rests(before)) return []
      const when = restedMs < 0 ? 'during a call to it' : `${Math.round(restedMs)} ms after one`
      return [{ leadId: call.leadId, fault: `its number rang ${when} for lead ${before.leadId}` }]
    }),
  )
}
