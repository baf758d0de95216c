import type { Claim, Conclusion as Concluded } from '../../src/calls/claim.ts'
import type { Machine } from './machine.ts'
import { type Real, TIMES } from './real.ts'
import type { Step } from './steps.ts'
import type { Budget, Claimed, Conclusion, Hold, Store } from './store.ts'

/* Decisions of a generated history, on either side. */

const HOLDS = { TRANSFERRED: 'talk', NO_COMPLETION: 'talk', REFUSED: null } as Record<string, Hold | null>
const MS = { call: TIMES.line, talk: TIMES.holdTransferred, rest: TIMES.hold }
const WAIT = 3_600_000
const LATER = { reason: 'because', waitMs: WAIT }

const NATURAL: Record<Budget, Step['decision'][]> = {
  dial: ['look', 'look', 'undial', 'turn_down'],
  look: ['conclude', 'look', 'look_live'],
  deliver: ['settle', 'settle', 'fail', 'defer'],
}

/**
 * Half the decisions are such as are made of this claim. "Not now" is one script for looks and for deliveries: what is
 * deferred is what the claim was for.
 */
export function fitting({ decision, two, at }: Step, { budget }: Claim): Step['decision'] {
  const natural = NATURAL[budget]
  if (two) return natural[at % natural.length] ?? decision
  if (budget === 'deliver') return decision === 'look' || decision === 'look_live' ? 'defer' : decision
  return decision === 'defer' ? 'look' : decision
}

/** A decision on the scripts' side. */
export function decideReal(
  claim: Claim,
  { decision, outcome }: Step,
  store: Real['instances'][number],
): Promise<boolean> {
  const holdMs = outcome in HOLDS ? (HOLDS[outcome] ? MS[HOLDS[outcome] as Hold] : 0) : MS.rest
  const conclusion: Concluded = { outcome, rule: 'r', evidence: 'e', doNotCall: outcome === 'DO_NOT_CALL', holdMs }
  switch (decision) {
    case 'undial':
      return store.undial(claim, 'because', WAIT)
    case 'turn_down':
      return store.conclude(claim, conclusion, false)
    case 'conclude':
      return store.conclude(claim, conclusion, true)
    case 'look':
    case 'look_live':
      return store.lookLater(claim, { ...LATER, step: 'looked', live: decision === 'look_live' })
    case 'defer':
      return store.writeLater(claim, conclusion, { ...LATER, done: [], writesLeft: 1, throttled: false })
    case 'settle':
      return store.settle(claim, conclusion)
    case 'fail':
      return store.fail(claim, conclusion, 'because', [], 1)
  }
}

/** The same decision on the model's side. */
export function decideModel(machine: Machine, store: Store, held: Claimed, { decision, outcome }: Step): boolean {
  const conclusion: Conclusion = {
    ...{ outcome, doNotCall: outcome === 'DO_NOT_CALL', hold: outcome in HOLDS ? (HOLDS[outcome] ?? null) : 'rest' },
  }
  switch (decision) {
    case 'undial':
      return machine.undial(store, held)
    case 'turn_down':
      return machine.end(store, held, conclusion, false)
    case 'conclude':
      return machine.end(store, held, conclusion, true)
    case 'look':
    case 'look_live':
      return machine.lookLater(store, held, decision === 'look_live')
    case 'defer':
      return machine.writeLater(store, held, conclusion)
    case 'settle':
      return machine.settle(store, held, conclusion)
    case 'fail':
      return machine.fail(store, held, conclusion)
  }
}
