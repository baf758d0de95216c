import { RULES, type Rules } from './rules.ts'
import {
  add,
  type Budget,
  type Call,
  type Conclusion,
  completionsOf,
  createMoving,
  drop,
  listOf,
  type Store,
} from './store.ts'

/*
 * The machine: one function for each script, on the model's store. What an event does to a call's state stands in
 * src/calls/moves.ts alone; here stands what else each step does, shorter than in Lua, and to be compared with it.
 */

export interface Claimed {
  id: string
  fence: number
}

export function createMachine(rules: Rules = RULES, count: (what: string) => void = () => {}) {
  const moving = createMoving(rules, count)
  let rebuilds = 0
  const { leads, move, setDue, cannot, wornOut, claim, finish, holdLine, conclude, deliver, shareWith, share, letGo } =
    moving

  function born(store: Store, id: string, lead: string, phone: string): Call {
    const call: Call = {
      ...{ id, lead, phone, state: 'absent', fence: 0, dialFence: -1, claims: 0, list: null, due: false },
      ...{ callId: null, secondCallId: null, completion: null, others: [], outcome: null, delivered: null },
      siblingOf: null,
    }
    store.calls[id] = call
    return call
  }

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

  function giveBack(store: Store, call: Call) {
    drop(store.slots, call.id)
    drop(store.attempts[call.phone] ?? [], call.id)
    holdLine(store, call, null)
  }

  function admit(store: Store, lead: { id: string; lead: string; phone: string }, permit: boolean, siblings: boolean) {
    const underWay = (id: string | undefined) => (id === undefined ? undefined : store.calls[id])
    const sameLead = underWay(store.leads[lead.lead])
    const sameNumber = underWay(store.phones[lead.phone])
    const first = sameLead ?? (siblings ? undefined : sameNumber)
    if (first) {
      count('duplicate')
      return { admitted: 'duplicate', id: first.id }
    }
    const call = born(store, lead.id, lead.lead, lead.phone)
    move(call, 'admit')
    store.leads[call.lead] = call.id
    count('admitted')
    if (sameNumber) {
      call.siblingOf = sameNumber.id
      add(listOf(store.siblings, sameNumber.id), call.id)
      count('sibling')
      setDue(call, 'dial', false)
      if (sameNumber.state === 'delivering') shareWith(store, call, sameNumber)
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
    store.phones[sibling.phone] ??= sibling.id
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

  /** Whether this dialer still is the call's: what it says of its own dial is evidence. */
  const ofThisDial = (call: Call | undefined, fence: number) => call !== undefined && call.dialFence === fence

  function undial(store: Store, { id, fence }: Claimed) {
    const call = store.calls[id]
    if (!call || !leads(call, 'undial') || !ofThisDial(call, fence)) return false
    giveBack(store, call)
    move(call, 'undial')
    setDue(call, 'dial', false)
    return true
  }

  function concludeCall(store: Store, { id, fence }: Claimed, conclusion: Conclusion, rang: boolean) {
    const call = store.calls[id]
    if (!rang && (!leads(call, 'turn_down') || !ofThisDial(call, fence))) return false
    if (!call || (rang && cannot(call, fence, 'conclude'))) return false
    if (!rang) giveBack(store, call)
    conclude(store, call, conclusion)
    if (conclusion.outcome === 'REFUSED') count('refused')
    deliver(store, call, rang ? 'conclude' : 'turn_down')
    share(store, call)
    return true
  }

  function lookLater(store: Store, { id, fence }: Claimed, live: boolean) {
    const call = store.calls[id]
    if (!call || cannot(call, fence, 'look')) return false
    move(call, 'look')
    if (live) holdLine(store, call, 'call')
    setDue(call, 'look', false)
    return true
  }

  function writeLater(store: Store, { id, fence }: Claimed, conclusion: Conclusion | null) {
    const call = store.calls[id]
    if (!call || cannot(call, fence, 'defer')) return false
    move(call, 'defer')
    conclude(store, call, conclusion)
    setDue(call, 'deliver', false)
    return true
  }

  function settle(store: Store, { id, fence }: Claimed, conclusion: Conclusion) {
    const call = store.calls[id]
    if (!call || cannot(call, fence, 'settle')) return false
    conclude(store, call, conclusion)
    if (call.completion || (rules.deliveredKept && call.others.length)) call.delivered = call.outcome
    count('completed')
    finish(store, call, 'settle')
    letGo(store, call)
    return true
  }

  function fail(store: Store, { id, fence }: Claimed, conclusion: Conclusion | null) {
    const call = store.calls[id]
    if (!call || cannot(call, fence, 'fail')) return false
    conclude(store, call, conclusion)
    count('failed')
    finish(store, call, 'fail')
    return true
  }

  function replay(store: Store, id: string) {
    const call = store.calls[id]
    if (!call) return 'unknown'
    if (!leads(call, 'replay')) return 'no'
    if (call.state === 'delivering' && call.claims > 0) return 'yes'
    move(call, 'replay')
    setDue(call, 'deliver', true)
    return 'yes'
  }

  function rebuild(store: Store, lead: { id: string; lead: string; phone: string }) {
    const call = born(store, lead.id, lead.lead, lead.phone)
    if (rules.rebuiltAnew) call.fence = ++rebuilds * 1000
    store.leads[lead.lead] ??= lead.id
    store.phones[lead.phone] ??= lead.id
    count('rebuilt')
    return call
  }

  /** Into delivering, by a completion; its taker goes on at once where nobody else waits for the CRM. */
  function take(store: Store, call: Call, callId: string): Claimed | null {
    call.callId = callId
    call.completion = callId
    store.marks[callId] = call.id
    if (rules.takenLeavesParking) drop(store.parked, callId)
    keepLine(store, call)
    deliver(store, call, 'complete')
    share(store, call)
    const others = Object.values(store.calls).some((each) => each !== call && each.list === 'deliver' && each.due)
    if (!call.due || others) return null
    claim(call, 'deliver')
    return { id: call.id, fence: call.fence }
  }

  /** Until it is known what it came to, the customer may be with an agent. */
  function keepLine(store: Store, call: Call) {
    const line = store.lines[call.phone]
    if (line?.by === call.id && line.hold === 'rest') line.hold = 'talk'
  }

  function confirmDial(store: Store, lead: { id: string; lead: string; phone: string }, callId: string) {
    if (!store.calls[lead.id] && store.marks[callId]) return { confirmed: 'again', claim: null }
    const call = store.calls[lead.id] ?? rebuild(store, lead)
    if (call.callId && call.callId !== callId) {
      store.marks[callId] = call.id
      call.secondCallId = callId
      count('second_call')
      return { confirmed: 'second_call', claim: null }
    }
    const movedOn = !leads(call, 'confirm')
    if (movedOn && call.callId) return { confirmed: 'again', claim: null }
    call.callId = callId
    store.marks[callId] = call.id
    if (!movedOn) {
      add(store.slots, call.id)
      holdLine(store, call, 'call')
      move(call, 'confirm')
      setDue(call, 'look', false)
    }
    if (rules.parkedJoin && store.bytes.includes(callId) && drop(store.parked, callId)) {
      return { confirmed: 'joined', claim: take(store, call, callId) }
    }
    return { confirmed: movedOn ? 'later' : 'pending', claim: null }
  }

  /** `lead`: what a signed completion says of its call; null when it says nothing, and `id` is all that is known. */
  function takeCompletion(
    store: Store,
    callId: string,
    id: string | null,
    lead: { id: string; lead: string; phone: string } | null,
  ): { taken: string; claim: Claimed | null } {
    const answer = (taken: string, claim: Claimed | null = null) => ({ taken, claim })
    add(store.bytes, callId)
    const known = store.marks[callId]
    const found = known ?? id
    let call = found === null ? undefined : store.calls[found]
    if (!call && known) {
      drop(store.bytes, callId)
      return answer('duplicate')
    }
    if (call && completionsOf(call).includes(callId)) {
      if (call.state === 'completed') letGo(store, call)
      return answer('duplicate')
    }
    if (!call && lead) call = rebuild(store, lead)
    if (!call) {
      add(store.parked, callId)
      count('parked')
      return answer('unknown')
    }
    if (call.completion || (call.callId && call.callId !== callId)) {
      if (!rules.secondsKept) return answer('second_call')
      call.others = [...call.others, callId]
      store.marks[callId] = call.id
      if (rules.takenLeavesParking) drop(store.parked, callId)
      if (call.secondCallId !== callId) count('second_call')
      if (leads(call, 'outdo')) {
        keepLine(store, call)
        deliver(store, call, 'outdo')
        share(store, call)
      }
      return answer('second_call')
    }
    // The table as it is takes a completion from everywhere.
    if (!leads(call, 'complete')) return answer('new')
    return answer('new', take(store, call, callId))
  }

  return {
    ...{ admit, claimDue, undial, conclude: concludeCall, lookLater, writeLater, settle, fail, replay, confirmDial },
    takeCompletion,
    pause(store: Store) {
      store.paused = true
    },
    /** Whoever resumes vouches for the do-not-call list of a store that was emptied. */
    resume(store: Store) {
      if (store.epoch === 0) store.wary = true
      store.epoch ||= 1
      store.paused = false
    },
  }
}

export type Machine = ReturnType<typeof createMachine>
