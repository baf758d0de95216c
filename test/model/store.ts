import type { Outcome } from '../../src/calls/call.ts'
import type { Event, From } from '../../src/calls/moves.ts'
import type { Rules } from './rules.ts'

/*
 * The store as the model has it: what Redis holds, with times as what they are good for. A call is due now or later;
 * a line lasts as long as a call may (`call`), a transfer may (`talk`), or a number rests (`rest`).
 */

export type Budget = 'dial' | 'look' | 'deliver'

export interface Call {
  id: string
  lead: string
  phone: string
  state: From
  fence: number
  dialFence: number
  claims: number
  list: Budget | null
  due: boolean
  callId: string | null
  secondCallId: string | null
  completion: string | null
  others: string[]
  outcome: Outcome | null
  delivered: Outcome | null
  siblingOf: string | null
}

export type Hold = 'call' | 'talk' | 'rest'

export interface Store {
  /** 0: none. */
  epoch: number
  paused: boolean
  wary: boolean
  calls: Record<string, Call>
  leads: Record<string, string>
  phones: Record<string, string>
  lines: Record<string, { by: string; hold: Hold }>
  siblings: Record<string, string[]>
  attempts: Record<string, string[]>
  slots: string[]
  /** request_id of a call_id. */
  marks: Record<string, string>
  bytes: string[]
  parked: string[]
  dnc: string[]
}

export const emptyStore = (epoch: number): Store => ({
  epoch,
  paused: false,
  wary: false,
  calls: {},
  leads: {},
  phones: {},
  lines: {},
  siblings: {},
  attempts: {},
  slots: [],
  marks: {},
  bytes: [],
  parked: [],
  dnc: [],
})

export interface Conclusion {
  outcome: Outcome
  doNotCall: boolean
  hold: Hold | null
}

export const completionsOf = ({ completion, others }: Call) => [...(completion ? [completion] : []), ...others]

export function add(list: string[], id: string) {
  if (!list.includes(id)) list.push(id)
  list.sort()
}
export function listOf(record: Record<string, string[]>, id: string): string[] {
  record[id] ??= []
  return record[id]
}
export function drop(list: string[], id: string) {
  const at = list.indexOf(id)
  if (at >= 0) list.splice(at, 1)
  return at >= 0
}

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
    setDue(call, list, false)
  }

  function finish(store: Store, call: Call, event: Event) {
    move(call, event)
    setDue(call, null, false)
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
    const waits = rules.outcomesQueue && call.state === 'delivering' && call.claims > 0 && !call.due
    drop(store.slots, call.id)
    move(call, event)
    setDue(call, 'deliver', !waits)
    if (waits && rules.outcomesStillQueue) call.claims = 1
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

  function letGo(store: Store, call: Call) {
    const first = call.siblingOf ?? call.id
    const others = [first, ...(store.siblings[first] ?? [])].filter((id) => id !== call.id)
    if (others.some((id) => ['delivering', 'failed'].includes(store.calls[id]?.state ?? 'absent'))) return
    for (const callId of completionsOf(call)) drop(store.bytes, callId)
  }

  return {
    leads,
    move,
    setDue,
    cannot,
    wornOut,
    claim,
    finish,
    holdLine,
    conclude,
    deliver,
    shareWith,
    share,
    letGo,
    count,
  }
}

export type Moving = ReturnType<typeof createMoving>
