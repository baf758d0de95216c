import type { Call, Store } from './store.ts'
import type { Guest, Hand, World } from './world.ts'

/* Worlds by the hundred thousand: copied, and told apart by a short text. */

const eachCopied = <T extends object>(record: Record<string, T>): Record<string, T> => {
  const copied: Record<string, T> = {}
  for (const name in record) copied[name] = { ...(record[name] as T) }
  return copied
}
const listsCopied = (record: Record<string, string[]>): Record<string, string[]> => {
  const copied: Record<string, string[]> = {}
  for (const name in record) copied[name] = [...(record[name] as string[])]
  return copied
}

const copyOfStore = (store: Store): Store => ({
  ...store,
  calls: eachCopied(store.calls),
  leads: { ...store.leads },
  phones: { ...store.phones },
  lines: eachCopied(store.lines),
  siblings: listsCopied(store.siblings),
  attempts: listsCopied(store.attempts),
  slots: [...store.slots],
  marks: { ...store.marks },
  taken: [...store.taken],
  bytes: [...store.bytes],
  parked: [...store.parked],
  dnc: [...store.dnc],
})

/** Lists of a call, a lead or a hand are replaced, never changed: they are shared between copies. */
export const copyOf = (world: World): World => ({
  ...world,
  store: copyOfStore(world.store),
  guests: world.guests.map((guest) => ({ ...guest })),
  hands: world.hands.map((hand) => ({ ...hand })),
})

const ofGuest = (g: Guest) =>
  `${g.came} ${g.phase} ${g.outcome} ${g.rings} ${g.heard} ${g.crm} ${g.settled} ${g.lost} ${g.siblingOf}`
const ofCall = (c: Call | undefined) =>
  c
    ? `${c.state} ${c.fence} ${c.dialFence} ${c.claims} ${c.list} ${c.due} ${c.held} ${c.callId} ${c.secondCallId} ${c.completion} ` +
      `${c.others} ${c.outcome} ${c.delivered} ${c.siblingOf}`
    : ''
const ofHand = (h: Hand) =>
  `${h.id} ${h.budget} ${h.fence} ${h.stage} ${h.old} ${h.forgotten} ${h.wary} ${h.state} ${h.callId} ${h.verdict} ${h.delivered}`
const sorted = (record: Record<string, string>) =>
  Object.entries(record)
    .map(([name, value]) => `${name}=${value}`)
    .sort()
    .join()

/**
 * What tells a world from another, for all that can happen from here on: the same text for worlds that differ in the
 * numbers of fences, or in which instance is which.
 */
export function keyOf(world: World): string {
  const { store, guests, hands } = world
  let key = `${store.epoch} ${store.paused} ${store.wary} ${world.emptied} ${world.crowded} ${world.stale} `
  for (const guest of guests) {
    const { id, lead, phone } = guest
    rankFences(world, id)
    const line = store.lines[phone]
    key += `\n${ofGuest(guest)}/${ofCall(store.calls[id])}/${store.leads[lead]} ${store.phones[phone]} ${line?.by} ${line?.hold}`
  }
  if (hands.length > 1) hands.sort((a, b) => (ofHand(a) < ofHand(b) ? -1 : 1))
  for (const hand of hands) key += `\n${ofHand(hand)}`
  return `${key}\n${store.slots} ${sorted(store.marks)} ${store.taken} ${store.bytes} ${store.parked} ${store.dnc}`
}

/** Only whether fences are the same matters: they are renumbered from 0. */
function rankFences({ store, hands }: World, id: string) {
  const call = store.calls[id]
  const mine = hands.filter((hand) => hand.id === id)
  const known = [...(call ? [call.fence, call.dialFence] : []), ...mine.map(({ fence }) => fence)].sort((a, b) => a - b)
  const ranks = [...new Set(known)]
  for (const hand of mine) hand.fence = ranks.indexOf(hand.fence)
  if (!call) return
  call.fence = ranks.indexOf(call.fence)
  call.dialFence = ranks.indexOf(call.dialFence)
}
