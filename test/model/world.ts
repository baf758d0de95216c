import type { Outcome } from '../../src/calls/call.ts'
import { outranks } from '../../src/completions/rank.ts'
import type { Rules } from './rules.ts'
import { type Budget, type Call, type Conclusion, completionsOf, emptyStore, type Hold, type Store } from './store.ts'

/* Everything around the store: leads, two instances, both vendors; and what a judge has seen of it all. */

/** What a scene has besides the healthy way. */
export type Trouble =
  /** An instance sleeps and wakes up; it dies. */
  | 'stall'
  | 'crash'
  /** The vendor's answer to a dial is lost, or says that nobody was rung; its list of calls lags. */
  | 'lost'
  | 'unrung'
  | 'lag'
  /** A completion that names its call_id only; one of a second call for the same request. */
  | 'anonymous'
  | 'second'
  /** The customer is handed to an agent. */
  | 'transfer'
  /** The CRM says not now, never, or its yes is lost. */
  | 'crm'
  /** Whoever works on a call dies, twice. */
  | 'poison'
  | 'replay'
  | 'pause'
  | 'optout'
  /** The parking is full of other completions. */
  | 'crowd'
  | 'emptied'

export interface Scene {
  /** lead_ids, in the order they come; all have the same number. */
  leads: string[]
  siblings: boolean
  troubles: Trouble[]
}

/** A lead with the call that was, or was not, made for it. */
export interface Guest {
  id: string
  lead: string
  phone: string
  came: 'not_yet' | 'accepted' | 'duplicate'
  /** The vendor's call, and the transfer that may follow it. */
  phase: 'none' | 'live' | 'talking' | 'over'
  outcome: Outcome | null
  /** The call to its number whose outcome it is to share. */
  siblingOf: string | null
  /** POSTs that rang somebody, or may have. */
  rings: number
  /** call_ids of completions that were answered 200. */
  heard: string[]
  /** What the CRM has. */
  crm: Outcome | null
  /** Outcomes settled since the last new evidence. */
  settled: number
  /** The store forgot it: it need not end. */
  lost: boolean
}

/** An instance with a piece of work in hand. */
export interface Hand {
  id: string
  budget: Budget
  fence: number
  stage: 'ready' | 'placed' | 'unrung' | 'never' | 'silent' | 'wrote'
  /** Half the lease, of a delivery all but a write's time, has passed since the claim. */
  old: boolean
  /** The store was emptied since its claim. */
  forgotten: boolean
  /** The vendor is to be asked about the number first. */
  wary: boolean
  /** The call as it was when it was claimed. */
  state: Call['state']
  callId: string | null
  verdict: Outcome | null
  /** The CRM has it already. */
  delivered: boolean
}

export interface World {
  store: Store
  guests: Guest[]
  hands: Hand[]
  emptied: boolean
  crowded: boolean
  /** A decision of a stale holder that changed something. */
  stale: string | null
}

export const MOST_HANDS = 2
const PHONE = 'N'

export const firstWorld = ({ leads }: Scene): World => ({
  store: emptyStore(1),
  guests: leads.map((lead, i) => ({
    ...{
      id: `r${i + 1}`,
      lead,
      phone: PHONE,
      came: 'not_yet',
      phase: 'none',
      outcome: null,
      siblingOf: null,
      rings: 0,
    },
    ...{ heard: [], crm: null, settled: 0, lost: false },
  })),
  hands: [],
  emptied: false,
  crowded: false,
  stale: null,
})

/** What a completion says: `a` is that of the call, `b` that of a second one. */
export const outcomeOf = (guests: Guest[], callId: string): Outcome =>
  callId.endsWith('.b') ? 'CALLBACK' : (guests.find(({ id }) => callId.startsWith(id))?.outcome ?? 'UNKNOWN')

/** What a delivery makes of a call, as src/delivery/judge.ts does; null when nothing can be read. */
export function judge({ store, guests }: World, call: Call): { verdict: Outcome; delivered: boolean } | null {
  const heard = completionsOf(call).filter((callId) => store.bytes.includes(callId))
  const best = heard
    .map((callId) => outcomeOf(guests, callId))
    .reduce<Outcome | null>((top, each) => (top && !outranks(each, top) ? top : each), null)
  const stands = call.delivered !== null && !(best && outranks(best, call.delivered))
  if (stands && call.outcome) return { verdict: call.outcome, delivered: true }
  if (best) return { verdict: best, delivered: false }
  return call.outcome && !call.completion ? { verdict: call.outcome, delivered: false } : null
}

/** How long a number rests after an outcome, as src/delivery/deliver.ts has it. */
export function restAfter(outcome: Outcome, rules: Rules): Hold | null {
  if (outcome === 'REFUSED') return null
  const unheard = outcome === 'DIAL_UNCONFIRMED' || outcome === 'NO_COMPLETION'
  return outcome === 'TRANSFERRED' || (unheard && rules.unheardRestLong) ? 'talk' : 'rest'
}

export const conclusionOf = (outcome: Outcome, rules: Rules): Conclusion => ({
  outcome,
  doNotCall: outcome === 'DO_NOT_CALL',
  hold: restAfter(outcome, rules),
})

export const ringing = ({ phase }: Guest) => phase === 'live' || phase === 'talking'

/** Its permission to dial, or its lease to write, may still be used. */
export const isFresh = ({ budget, stage, old }: Hand) => budget !== 'look' && stage === 'ready' && !old

export const guestOf = ({ guests }: World, id: string) => guests.find((guest) => guest.id === id) as Guest

/** Evidence that is gone by what everybody was told would take it. */
export function forgive(guest: Guest, callIds: string[]) {
  guest.heard = guest.heard.filter((callId) => !callIds.includes(callId))
  guest.settled = 0
}

/** Accepted, and neither in the CRM nor visibly failed. */
export function underWay({ store }: World, { id, came, lost }: Guest): boolean {
  const state = store.calls[id]?.state ?? 'absent'
  if (came !== 'accepted') return false
  return state === 'absent' ? !lost : state !== 'completed' && state !== 'failed'
}
