import type { State } from '../../src/calls/call.ts'
import { type Event, type From, leadsTo } from '../../src/calls/moves.ts'

/**
 * What the machine goes by, besides the table of moves. The tests break one at a time, to see that somebody notices;
 * the machine as it is has all of them.
 */
export interface Rules {
  leadsTo(event: Event, from: From): State | null
  /** A decision needs the current fence. */
  fenced: boolean
  /** A permission to dial that lay about for half a lease is given back. */
  permitsAge: boolean
  /** A writer looks at its lease before it writes. */
  writersCheckLease: boolean
  /** Nobody is dialed whose line another call holds. */
  linesChecked: boolean
  /** A call keeps its line until its rest is over. */
  linesRest: boolean
  /** A call that could not be found keeps its line for a transfer's time. */
  unconfirmedKeepsLine: boolean
  /** It does so when its outcome is in the CRM as well. */
  unheardRestLong: boolean
  /** A dial is given up when the longest call would have ended, not before. */
  looksLastLong: boolean
  /** A dial whose answer was lost is looked for. */
  lostIsLookedFor: boolean
  /** After a store was emptied the vendor is asked about a number before it is rung. */
  wary: boolean
  /** An emptied store dials nobody until somebody resumes. */
  emptiedStops: boolean
  /** The fences of a call that is made anew are none that it had before. */
  rebuiltAnew: boolean
  /** Who came for the number of a call that was forgotten does not have it dialed beside it. */
  newcomersFollow: boolean
  /** A lead whose number is under way is told what becomes of that call. */
  siblingsShare: boolean
  /** The completion of a second call is kept. */
  secondsKept: boolean
  /** A completion that nobody knew is taken when its dial is confirmed. */
  parkedJoin: boolean
  /** A new outcome waits for a write of the older one that is under way. */
  outcomesQueue: boolean
  /** It still does when more comes in meanwhile. */
  outcomesStillQueue: boolean
  /** What the CRM has of any completion is remembered with the call. */
  deliveredKept: boolean
  /** A completion that was taken is parked no longer. */
  takenLeavesParking: boolean
  /** A call is given up after so many claims that led nowhere. */
  poison: boolean
  mostClaims: number
  /** Calls that hold a slot at once. */
  mostSlots: number
}

export const RULES: Rules = {
  leadsTo,
  fenced: true,
  permitsAge: true,
  writersCheckLease: true,
  linesChecked: true,
  linesRest: true,
  unconfirmedKeepsLine: true,
  unheardRestLong: true,
  looksLastLong: true,
  lostIsLookedFor: true,
  wary: true,
  emptiedStops: true,
  rebuiltAnew: true,
  newcomersFollow: true,
  siblingsShare: true,
  secondsKept: true,
  parkedJoin: true,
  outcomesQueue: true,
  outcomesStillQueue: true,
  deliveredKept: true,
  takenLeavesParking: true,
  poison: true,
  mostClaims: 5,
  mostSlots: 10,
}
