import type { State } from '../../src/calls/call.ts'
import { type Event, type From, leadsTo } from '../../src/calls/moves.ts'
import type { Invariant } from './invariants.ts'
import type { Rules } from './rules.ts'
import type { SCENES } from './scenes.ts'

/** A machine with one thing wrong, and what is to notice. */
export interface Mutant {
  name: string
  broken: Partial<Rules>
  scene: keyof typeof SCENES
  caughtBy: Invariant
}

/** The table with one entry changed. */
const moved = (event: Event, from: From, to: State | null): Partial<Rules> => ({
  leadsTo: (each, state) => (each === event && state === from ? to : leadsTo(each, state)),
})

export const MUTANTS: Mutant[] = [
  // The table of moves, one entry altered.
  {
    name: 'undial from delivering',
    broken: moved('undial', 'delivering', 'queued'),
    scene: 'one lead',
    caughtBy: 'staleDecidesNothing',
  },
  {
    name: 'complete refused in dialing',
    broken: moved('complete', 'dialing', null),
    scene: 'one lead',
    caughtBy: 'evidenceKept',
  },
  {
    name: 'complete refused when completed',
    broken: moved('complete', 'completed', null),
    scene: 'second call',
    caughtBy: 'evidenceKept',
  },
  {
    name: 'confirm from completed',
    broken: moved('confirm', 'completed', 'pending'),
    scene: 'crowded parking',
    caughtBy: 'everyCallEnds',
  },
  {
    name: 'confirm leaves dialing where it is',
    broken: moved('confirm', 'dialing', null),
    scene: 'crowded parking',
    caughtBy: 'everyCallEnds',
  },
  {
    name: 'conclude goes back to queued',
    broken: moved('conclude', 'dialing', 'queued'),
    scene: 'one lead',
    caughtBy: 'nobodyForgotten',
  },
  {
    name: 'settle leaves it delivering',
    broken: moved('settle', 'delivering', 'delivering'),
    scene: 'one lead',
    caughtBy: 'nobodyForgotten',
  },
  {
    name: 'poison is forgotten',
    broken: moved('poison', 'pending', 'pending'),
    scene: 'poison',
    caughtBy: 'nobodyForgotten',
  },
  {
    name: 'outdo leaves it completed',
    broken: moved('outdo', 'completed', null),
    scene: 'second call',
    caughtBy: 'evidenceKept',
  },
  {
    name: 'a queued sibling is not told',
    broken: moved('share', 'queued', null),
    scene: 'a sibling',
    caughtBy: 'siblingsShare',
  },
  // What the scripts do besides.
  { name: 'leases are not fenced', broken: { fenced: false }, scene: 'one lead', caughtBy: 'staleDecidesNothing' },
  { name: 'a second call is dropped', broken: { secondsKept: false }, scene: 'second call', caughtBy: 'evidenceKept' },
  {
    name: 'a parked completion is not joined',
    broken: { parkedJoin: false },
    scene: 'one lead',
    caughtBy: 'evidenceKept',
  },
  { name: 'siblings are not told', broken: { siblingsShare: false }, scene: 'a sibling', caughtBy: 'siblingsShare' },
  {
    name: 'busy lines are not looked at',
    broken: { linesChecked: false },
    scene: 'two leads, one number',
    caughtBy: 'linesHeld',
  },
  { name: 'settle frees the line', broken: { linesRest: false }, scene: 'transfer', caughtBy: 'linesHeld' },
  {
    name: 'a given-up dial frees its line',
    broken: { unconfirmedKeepsLine: false },
    scene: 'transfer',
    caughtBy: 'linesHeld',
  },
  { name: 'unheard calls rest a moment', broken: { unheardRestLong: false }, scene: 'transfer', caughtBy: 'linesHeld' },
  { name: 'outcomes cross', broken: { outcomesQueue: false }, scene: 'second call', caughtBy: 'crmHasTheLast' },
  {
    name: 'outcomes cross at the second',
    broken: { outcomesStillQueue: false },
    scene: 'second call',
    caughtBy: 'crmHasTheLast',
  },
  {
    name: 'only own completions count as written',
    broken: { deliveredKept: false },
    scene: 'second call',
    caughtBy: 'evidenceKept',
  },
  {
    name: 'what was taken stays parked',
    broken: { takenLeavesParking: false },
    scene: 'crowded parking',
    caughtBy: 'evidenceKept',
  },
  {
    name: 'a call made anew counts its fences from one',
    broken: { rebuiltAnew: false },
    scene: 'emptied, stalled',
    caughtBy: 'staleDecidesNothing',
  },
  // What instances do.
  { name: 'permits do not age', broken: { permitsAge: false }, scene: 'one lead', caughtBy: 'linesHeld' },
  {
    name: 'writers trust old leases',
    broken: { writersCheckLease: false },
    scene: 'one lead',
    caughtBy: 'crmHasTheLast',
  },
  {
    name: 'a lost answer is dialed again',
    broken: { lostIsLookedFor: false },
    scene: 'one lead',
    caughtBy: 'oneDialEach',
  },
  { name: 'looks end early', broken: { looksLastLong: false }, scene: 'transfer', caughtBy: 'linesHeld' },
  { name: 'a resumed store is believed', broken: { wary: false }, scene: 'emptied', caughtBy: 'oneCallAtOnce' },
  { name: 'an emptied store dials', broken: { emptiedStops: false }, scene: 'emptied', caughtBy: 'oneCallAtOnce' },
]
