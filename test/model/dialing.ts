import type { Moving } from './moving.ts'
import type { Rules } from './rules.ts'
import { add, type Budget, type Call, type Claimed, type Known, listOf, type Store } from './store.ts'

/** admit and claim-due: up to the dial, and taking calls in hand. */
export function createDialing(rules: Rules, moving: Moving) {
  const { born, follow, move, setDue, wornOut, claim, finish, deliver, share, count } = moving

  function refused(store: Store, call: Call) {
    if (!store.dnc.includes(call.phone)) return false
    call.outcome = 'REFUSED'
    count('refused')
    deliver(store, call, 'refuse')
    share(store, call)
    return true
  }

  /** Why nobody may be dialed; null when somebody may. An emptied store is paused by whoever notices. */
  function stopped(store: Store) {
    if (store.epoch === 0 && rules.emptiedStops) store.paused = true
    return store.paused ? 'pause' : null
  }

  /** What the call waits for; null: it is dialing now. */
  function beginDial(store: Store, call: Call): string | null {
    const why = stopped(store)
    if (why) return why
    const holder = store.lines[call.phone]
    if (rules.linesChecked && holder && holder.by !== call.id) return 'line'
    if (store.slots.length >= rules.mostSlots) return 'slot'
    store.lines[call.phone] = { by: call.id, hold: 'call' }
    add(store.slots, call.id)
    add(listOf(store.attempts, call.phone), call.id)
    move(call, 'dial')
    setDue(call, 'look', false)
    call.dialFence = call.fence
    return null
  }

  function admit(store: Store, lead: Known, permit: boolean, siblings: boolean) {
    const underWay = (id: string | undefined) => (id === undefined ? undefined : store.calls[id])
    const sameLead = underWay(store.leads[lead.lead])
    const sameNumber = underWay(store.phones[lead.phone])
    const first = sameLead ?? (siblings ? undefined : sameNumber)
    if (first) {
      count('duplicate')
      return { admitted: 'duplicate', id: first.id }
    }
    const call = born(store, lead)
    move(call, 'admit')
    store.leads[call.lead] = call.id
    count('admitted')
    if (sameNumber) {
      count('sibling')
      follow(store, call, sameNumber)
      return { admitted: 'sibling', id: call.id }
    }
    store.phones[call.phone] = call.id
    if (refused(store, call)) return { admitted: 'refused', id: call.id }
    const waiting = Object.values(store.calls).some(({ list, due }) => list === 'dial' && due)
    const waitsFor = permit && !waiting ? beginDial(store, call) : 'turn'
    if (waitsFor === null) return { admitted: 'new', id: call.id, fence: call.fence }
    setDue(call, 'dial', waitsFor !== 'line')
    return { admitted: 'new', id: call.id }
  }

  function stillWaits(store: Store, sibling: Call) {
    if (!sibling.siblingOf) return false
    const state = store.calls[sibling.siblingOf]?.state ?? 'absent'
    if (!['absent', 'completed', 'failed'].includes(state)) {
      setDue(sibling, 'dial', false)
      return true
    }
    const heir = store.phones[sibling.phone]
    if (heir !== undefined && heir !== sibling.id && store.calls[heir]) {
      follow(store, sibling, store.calls[heir])
      return true
    }
    store.phones[sibling.phone] = sibling.id
    sibling.siblingOf = null
    return false
  }

  function giveUp(store: Store, call: Call) {
    finish(store, call, 'poison')
    count('failed')
  }

  /** What is due, in the order of its list: claims at most one. `ended`: the longest call would have, with its rest. */
  function claimDue(store: Store, budget: Budget, ids: string[], ended: boolean): Claimed | null {
    stopped(store)
    for (const id of budget === 'dial' ? ids : ids.slice(0, 1)) {
      const call = store.calls[id] as Call
      if (budget === 'dial') {
        if (stillWaits(store, call) || refused(store, call)) continue
        const waitsFor = beginDial(store, call)
        if (waitsFor === null) return { id, fence: call.fence }
        if (waitsFor !== 'line') return null
        setDue(call, 'dial', false)
      } else if (!wornOut(call)) {
        claim(call, budget)
        return { id, fence: call.fence }
      } else if (budget === 'deliver') giveUp(store, call)
      else if (!ended) setDue(call, 'look', false)
      else {
        call.outcome = call.state === 'dialing' ? 'DIAL_UNCONFIRMED' : 'NO_COMPLETION'
        share(store, call)
        giveUp(store, call)
      }
    }
    return null
  }

  return { admit, claimDue }
}
