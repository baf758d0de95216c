import type { Moving } from './moving.ts'
import type { Rules } from './rules.ts'
import { add, type Call, type Claimed, completionsOf, drop, type Known, type Store } from './store.ts'

/** confirm-dial and take-completion: what a vendor said is taken from every state. */
export function createEvidence(rules: Rules, moving: Moving) {
  const { adopt, born, leads, move, setDue, claim, holdLine, deliver, share, letGo, count } = moving
  let rebuilds = 0

  function rebuild(store: Store, lead: Known) {
    const call = born(store, lead)
    if (rules.rebuiltAnew) call.fence = ++rebuilds * 1000
    holdLine(store, call, 'talk')
    for (const id of [store.leads[lead.lead], store.phones[lead.phone]]) adopt(store, store.calls[id ?? ''], call)
    store.leads[lead.lead] ??= lead.id
    const first = store.calls[store.phones[lead.phone] ?? '']
    if (!first || first.siblingOf === call.id) store.phones[lead.phone] = call.id
    count('rebuilt')
    return call
  }

  function markTaken(store: Store, call: Call, callId: string) {
    store.marks[callId] = call.id
    add(store.taken, callId)
    if (rules.takenLeavesParking) drop(store.parked, callId)
  }

  /** The completion of another call that was placed for the request. */
  function takeOther(store: Store, call: Call, callId: string) {
    call.others = [...call.others, callId]
    markTaken(store, call, callId)
    if (call.secondCallId !== callId) count('second_call')
    if (!leads(call, 'outdo')) return
    keepLine(store, call)
    deliver(store, call, 'outdo')
    share(store, call)
  }

  /** Into delivering, by a completion; its taker goes on at once where nobody else waits for the CRM. */
  function take(store: Store, call: Call, callId: string): Claimed | null {
    call.callId = callId
    call.completion = callId
    markTaken(store, call, callId)
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

  function confirmDial(store: Store, lead: Known, callId: string) {
    if (!store.calls[lead.id] && store.taken.includes(callId)) return { confirmed: 'again', claim: null }
    const parked = rules.parkedJoin && store.bytes.includes(callId) && store.parked.includes(callId)
    const call = store.calls[lead.id] ?? rebuild(store, lead)
    if (call.callId && call.callId !== callId) {
      if (parked) takeOther(store, call, callId)
      else if (store.marks[callId] !== call.id) {
        store.marks[callId] = call.id
        call.secondCallId = callId
        count('second_call')
      }
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
    if (parked) {
      return { confirmed: 'joined', claim: take(store, call, callId) }
    }
    return { confirmed: movedOn ? 'later' : 'pending', claim: null }
  }

  /** `lead`: what a signed completion says of its call; null when it says nothing, and `id` is all that is known. */
  function takeCompletion(
    store: Store,
    callId: string,
    id: string | null,
    lead: Known | null,
  ): { taken: string; claim: Claimed | null } {
    const answer = (taken: string, claim: Claimed | null = null) => ({ taken, claim })
    add(store.bytes, callId)
    const known = store.marks[callId]
    const found = known ?? id
    let call = found === null ? undefined : store.calls[found]
    if (!call && store.taken.includes(callId)) {
      drop(store.bytes, callId)
      return answer('duplicate')
    }
    if (call && completionsOf(call).includes(callId)) {
      if (call.state === 'completed') letGo(store, call)
      return answer('duplicate')
    }
    if (!call && lead) call = rebuild(store, lead)
    if (!call) {
      if (!store.parked.includes(callId)) count('parked')
      add(store.parked, callId)
      return answer('unknown')
    }
    if (call.completion || (call.callId && call.callId !== callId)) {
      if (!rules.secondsKept) return answer('second_call')
      takeOther(store, call, callId)
      return answer('second_call')
    }
    // The table as it is takes a completion from everywhere.
    if (!leads(call, 'complete')) return answer('new')
    return answer('new', take(store, call, callId))
  }

  return { confirmDial, takeCompletion }
}
