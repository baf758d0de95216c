import type { Outcome } from '../../calls/call.ts'
import type { SceneName } from '../bland-simulator/scenes.ts'
import type { Book, Call, LeadBook, Placed } from './book.ts'

/** What Convoso must have in the end: any of these, each `OUTCOME STATUS`. */
export interface Due {
  any: string[]
  why: string
}

/** Said here once more, so that a wrong table in the service is not its own judge. */
const STATUSES: Record<Outcome, string> = {
  TRANSFERRED: 'ACA',
  DO_NOT_CALL: 'DNC',
  BAD_NUMBER: 'DC',
  VOICEMAIL: 'A',
  CALLBACK: 'CB',
  NOT_INTERESTED: 'NI',
  NO_ANSWER: 'NA',
  BUSY: 'B',
  CANCELED: 'N',
  FAILED: 'N',
  ANSWERED: 'CD',
  UNKNOWN: 'N',
  REFUSED: 'DNC',
  DIAL_UNCONFIRMED: 'N',
  NO_COMPLETION: 'INCOMP',
}

const outcomeOf = (scene: SceneName): Outcome => (scene === 'COLD_TRANSFER' ? 'TRANSFERRED' : scene)
const verdict = (outcome: Outcome) => `${outcome} ${STATUSES[outcome]}`

/** The one answer here that promises that nobody was rung. */
export const RANG_NOBODY = 429

/** The last call that was placed for a lead, if any was. */
export const lastPlaced = ({ calls }: LeadBook): Placed | undefined =>
  calls
    .flatMap(({ dials }) => dials)
    .flatMap(({ placed }) => placed ?? [])
    .sort((a, b) => a.atMs - b.atMs)
    .at(-1)

/** What must become of a call that was placed. */
function dueOfPlaced({ scene, forgotten, takenMs }: Placed): Due {
  if (Number.isFinite(takenMs)) return { any: [verdict(outcomeOf(scene))], why: 'its completion was taken' }
  if (!forgotten) return { any: [verdict(outcomeOf(scene))], why: 'Bland had its record' }
  return { any: [verdict('NO_COMPLETION'), verdict('DIAL_UNCONFIRMED')], why: 'Bland forgot it' }
}

/**
 * What must become of a lead of its own, by the last thing that happened to it. One that was never dialed rode along
 * with the call of another lead to the same number, or its number had become one not to be called, or its dialer was
 * killed before Bland heard of it. Pure.
 */
export function dueOf(lead: LeadBook, last: Call, book: Pick<Book, 'leads'>): Due {
  const dial = last.dials.filter(({ answer }) => answer !== RANG_NOBODY).at(-1)
  if (dial?.placed) return dueOfPlaced(dial.placed)
  if (dial) return { any: [verdict('DIAL_UNCONFIRMED')], why: 'its dial was cut, and nothing placed' }
  const others = book.leads.filter((other) => other.phone === lead.phone && other !== lead).map(lastPlaced)
  const rang = others.flatMap((placed) => placed ?? [])
  const forbids = last.posting?.as === 'refused' || rang.some(({ scene }) => scene === 'DO_NOT_CALL')
  return {
    any: [
      verdict('DIAL_UNCONFIRMED'),
      ...(forbids ? [verdict('REFUSED')] : []),
      ...rang.flatMap((placed) => dueOfPlaced(placed).any),
    ],
    why: 'it was never dialed',
  }
}
