import { LEADS } from './real.ts'
import type { Budget } from './store.ts'

/* What a generated history is made of. */

export const KINDS = [
  ...(['admit', 'claim', 'decide', 'confirm', 'complete', 'due', 'line', 'replay', 'pause', 'resume'] as const),
  ...(['empty', 'optout', 'wear', 'outlast'] as const),
] as const
export const DECISIONS = [
  ...(['undial', 'turn_down', 'conclude', 'look', 'look_live', 'defer', 'settle', 'fail'] as const),
] as const

/** A step, by chance; a step that makes no sense where it stands is left out. */
export interface Step {
  kind: (typeof KINDS)[number]
  /** Which lead; which of the claims so far, counted from the last; and which of other ways. */
  lead: number
  claim: number
  at: number
  /** Which instance, which call_id, whether there is a permit: what chance says where there are two ways. */
  one: boolean
  two: boolean
  budget: Budget
  decision: (typeof DECISIONS)[number]
  outcome: 'TRANSFERRED' | 'NOT_INTERESTED' | 'DO_NOT_CALL' | 'REFUSED' | 'NO_COMPLETION'
  /** It runs twice, as when its answer was lost. */
  twice: boolean
}

export const HOW = ['signed', 'named', 'nameless'] as const

/** A step as one line of a history. */
export function line({ kind, lead, claim, at, one, two, budget, decision, outcome, twice }: Step): string {
  const id = LEADS[lead]?.id
  const callId = `${id}.${two ? 'a' : 'b'}`
  const what: Partial<Record<Step['kind'], string>> = {
    admit: `${id} ${two ? 'with a permit' : 'to wait'}, ${one ? 'as a sibling' : 'alone'}`,
    claim: two ? `${id}, which is due now, or ${budget}` : budget,
    decide: `${two ? `choice ${at}` : decision} ${outcome} by claim -${1 + claim}`,
    confirm: callId,
    complete: `${callId} ${HOW[at % 3]}`,
  }
  return `${kind} ${what[kind] ?? id}${twice ? ', twice' : ''}`
}
