import type { Event } from '../../src/calls/moves.ts'
import type { Rules } from './rules.ts'
import {
  add,
  type Budget,
  type Call,
  type Conclusion,
  completionsOf,
  drop,
  type Hold,
  type Known,
  listOf,
  type Store,
} from './store.ts'

/** How a call moves, in the words of moving.lua. */
export function createMoving(rules: Rules, count: (what: string) => void) {
  const leads = (call: Call | undefined, event: Event) => rules.leadsTo(event, call?.state ?? 'absent')

  function move(call: Call, event: Event) {
    call.state = leads(call, event) ?? call.state
    call.fence += 1
    call.claims = 0
  }

  function setDue(call: Call, list: Budget | null, due: boolean) {
    call.list = list
    call.due = due
  }

  const cannot = (call: Call | undefined, fence: number, event: Event): call is undefined =>
    !call || (rules.fenced && call.fence !== fence) || !leads(call, event)

  const wornOut = (call: Call) => rules.poison && call.claims >= rules.mostClaims

  function claim(call: Call, list: Budget) {
    call.fence += 1
    call.claims = Math.min(call.claims + 1, rules.mostClaims)
    call.held = true
    setDue(call, list, false)
  }

  function finish(store: Store, call: Call, event: Event) {
    move(call, event)
    setDue(call, null, false)
    call.held = false
    drop(store.slots, call.id)
    if (store.leads[call.lead] === call.id) delete store.leads[call.lead]
    if (store.phones[call.phone] === call.id) delete store.phones[call.phone]
  }

  function holdLine(store: Store, call: Call, hold: Hold | null) {
    const holder = store.lines[call.phone]
    if (holder && holder.by !== call.id) return
    if (hold) store.lines[call.phone] = { by: call.id, hold }
    else delete store.lines[call.phone]
  }

  function conclude(store: Store, call: Call, conclusion: Conclusion | null) {
    if (!conclusion) return
    call.outcome = conclusion.outcome
    if (conclusion.doNotCall) add(store.dnc, call.phone)
    holdLine(store, call, rules.linesRest ? conclusion.hold : null)
  }

  function deliver(store: Store, call: Call, event: Event) {
    if (call.state !== 'delivering') call.held = false
    const waits = rules.outcomesQueue && call.held
    drop(store.slots, call.id)
    move(call, event)
    setDue(call, 'deliver', !waits)
    if (!rules.outcomesStillQueue) call.held = false
  }

  function shareWith(store: Store, sibling: Call, call: Call) {
    if (!leads(sibling, 'share')) return
    const { callId, completion, others, outcome } = call
    Object.assign(sibling, {
      callId: callId ?? sibling.callId,
      completion: completion ?? sibling.completion,
      others: others.length ? [...others] : sibling.others,
      outcome: outcome ?? sibling.outcome,
    })
    deliver(store, sibling, 'share')
  }

  function share(store: Store, call: Call) {
    if (call.siblingOf || !rules.siblingsShare) return
    for (const id of store.siblings[call.id] ?? []) {
      const sibling = store.calls[id]
      if (sibling?.siblingOf === call.id) shareWith(store, sibling, call)
    }
  }

  function follow(store: Store, sibling: Call, first: Call) {
    sibling.siblingOf = first.id
    add(listOf(store.siblings, first.id), sibling.id)
    setDue(sibling, 'dial', false)
    if (first.state === 'delivering') shareWith(store, sibling, first)
  }

  /** A call that waits in the queue, and those that follow it, follow another one from now on. */
  function adopt(store: Store, queued: Call | undefined, first: Call) {
    if (queued?.state !== 'queued' || queued.siblingOf || queued === first || !rules.newcomersFollow) return
    const followers = store.siblings[queued.id] ?? []
    follow(store, queued, first)
    for (const id of followers) {
      const sibling = store.calls[id]
      if (sibling?.state === 'queued') follow(store, sibling, first)
    }
  }

  function letGo(store: Store, call: Call) {
    const first = call.siblingOf ?? call.id
    const others = [first, ...(store.siblings[first] ?? [])].filter((id) => id !== call.id)
    if (others.some((id) => ['delivering', 'failed'].includes(store.calls[id]?.state ?? 'absent'))) return
    for (const callId of completionsOf(call)) drop(store.bytes, callId)
  }

  function giveBack(store: Store, call: Call) {
    drop(store.slots, call.id)
    drop(store.attempts[call.phone] ?? [], call.id)
    holdLine(store, call, null)
  }

  function born(store: Store, { id, lead, phone }: Known): Call {
    const call: Call = {
      ...{ id, lead, phone, state: 'absent', fence: 0, dialFence: -1, claims: 0, list: null, due: false },
      ...{ held: false, ended: false },
      ...{ callId: null, secondCallId: null, completion: null, others: [], outcome: null, delivered: null },
      siblingOf: null,
    }
    store.calls[id] = call
    return call
  }

  return {
    ...{ born, leads, move, setDue, cannot, wornOut, claim, finish, holdLine, giveBack },
    ...{ conclude, deliver, shareWith, share, follow, adopt, letGo, count },
  }
}

export type Moving = ReturnType<typeof createMoving>
