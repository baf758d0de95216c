import type { Moving } from './moving.ts'
import type { Rules } from './rules.ts'
import type { Call, Claimed, Conclusion, Store } from './store.ts'

/** The steps that decide: each needs a claim, and answers whether it was the current one. */
export function createDeciding(rules: Rules, moving: Moving) {
  const { giveBack, leads, move, setDue, cannot, finish, holdLine, conclude, deliver, share, letGo, count } = moving

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

  function end(store: Store, { id, fence }: Claimed, conclusion: Conclusion, rang: boolean) {
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
    call.held = false
    if (live) holdLine(store, call, 'call')
    setDue(call, 'look', false)
    return true
  }

  function writeLater(store: Store, { id, fence }: Claimed, conclusion: Conclusion | null) {
    const call = store.calls[id]
    if (!call || cannot(call, fence, 'defer')) return false
    move(call, 'defer')
    call.held = false
    conclude(store, call, conclusion)
    setDue(call, 'deliver', false)
    return true
  }

  function settle(store: Store, { id, fence }: Claimed, conclusion: Conclusion) {
    const call = store.calls[id]
    if (!call || cannot(call, fence, 'settle')) return false
    conclude(store, call, conclusion)
    if (call.completion || (rules.deliveredKept && call.others.length)) call.delivered = call.outcome
    if (!call.ended) count('completed')
    call.ended = true
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
    if (call.state === 'delivering' && call.held) return 'yes'
    move(call, 'replay')
    setDue(call, 'deliver', true)
    return 'yes'
  }

  return { undial, end, lookLater, writeLater, settle, fail, replay }
}
