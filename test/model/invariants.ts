import { outranks } from '../../src/completions/rank.ts'
import { type Call, completionsOf, type Store } from './store.ts'
import { outcomeOf, ringing, underWay, type World } from './world.ts'

/* What must be so in every world that can be reached. Each answers what is wrong, or nothing. */

/** Never two live calls to one number. */
function oneCallAtOnce({ guests }: World) {
  const live = guests.filter(ringing)
  if (live.length > 1) return `${live.map(({ id }) => id).join(' and ')} ring the same number`
  return null
}

/** Never a second POST for a request whose first one rang somebody, or may have. */
function oneDialEach({ guests }: World) {
  const twice = guests.find(({ rings }) => rings > 1)
  if (twice) return `${twice.id} was dialed twice`
  return null
}

/** A line is held for as long as somebody may be on it: except in a store that has forgotten the call. */
function linesHeld({ store, guests, emptied }: World) {
  const free = guests.find((guest) => ringing(guest) && store.lines[guest.phone]?.by !== guest.id)
  if (free && !emptied) return `${free.id} may be on the line, and the line is not held`
  return null
}

/** A call has a slot from its dial to its end, and attention when it needs some: nobody is forgotten. */
function nobodyForgotten({ store }: World) {
  for (const { id, state, list } of Object.values(store.calls)) {
    const wanted = { queued: 'dial', dialing: 'look', pending: 'look', delivering: 'deliver' }[state as string] ?? null
    if (list !== wanted) return `${id} is ${state}, and due for ${list ?? 'nothing'}`
    const holds = state === 'dialing' || state === 'pending'
    if (store.slots.includes(id) !== holds) return `${id} is ${state}, and ${holds ? 'has no' : 'keeps its'} slot`
  }
  return null
}

/** A decision by a stale holder changes nothing. */
function staleDecidesNothing({ stale }: World) {
  if (stale) return `a stale holder of ${stale} decided`
  return null
}

/**
 * A completion that was answered 200 is with its call, parked as long as nobody knows whose it is, or in the CRM: itself,
 * or one that came to more.
 */
function evidenceKept({ store, guests }: World) {
  for (const { id, heard, crm } of guests) {
    const call = store.calls[id]
    for (const callId of heard) {
      const inCrm = crm !== null && !outranks(outcomeOf(guests, callId), crm)
      const kept = store.bytes.includes(callId) && (isParked(store, call, callId) || isWith(call, callId))
      if (!inCrm && !kept) return `completion ${callId} is lost`
    }
  }
  return null
}
const isParked = ({ parked }: Store, call: Call | undefined, callId: string) =>
  parked.includes(callId) && call?.callId !== callId
const isWith = (call: Call | undefined, callId: string) =>
  call !== undefined && call.state !== 'completed' && completionsOf(call).includes(callId)

/** The CRM has of a completed call what the call came to: no older value came after it. */
function crmHasTheLast({ store, guests }: World) {
  const wrong = guests.find(({ id, crm }) => store.calls[id]?.state === 'completed' && store.calls[id]?.outcome !== crm)
  if (wrong) return `${wrong.id} came to ${store.calls[wrong.id]?.outcome}, and the CRM has ${wrong.crm}`
  return null
}

/** One settled outcome for each call, unless new evidence came. */
function settledOnce({ guests }: World) {
  const twice = guests.find(({ settled }) => settled > 1)
  if (twice) return `${twice.id} was settled twice`
  return null
}

/** Two leads that share a call: only one of them is rung, and when all is over both have the same outcome. */
function siblingsShare(world: World) {
  const { store, guests, hands, emptied } = world
  if (emptied) return null
  const quiet = !hands.length && !guests.some((guest) => underWay(world, guest))
  for (const { id, siblingOf, crm, rings } of guests) {
    if (!siblingOf) continue
    if (rings) return `${id} was dialed beside ${siblingOf}`
    const first = guests.find((guest) => guest.id === siblingOf)
    const both = [id, siblingOf].every((each) => store.calls[each]?.state === 'completed')
    if (quiet && both && crm !== first?.crm) return `${id} came to ${crm}, and ${siblingOf} to ${first?.crm}`
  }
  return null
}

export const INVARIANTS = {
  oneCallAtOnce,
  oneDialEach,
  linesHeld,
  nobodyForgotten,
  staleDecidesNothing,
  crmHasTheLast,
  evidenceKept,
  settledOnce,
  siblingsShare,
}
/** `everyCallEnds` is about all worlds together: see `explore`. */
export type Invariant = keyof typeof INVARIANTS | 'everyCallEnds'
