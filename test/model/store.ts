import type { Outcome } from '../../src/calls/call.ts'
import type { From } from '../../src/calls/moves.ts'

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
  /** A hand has it, and its lease has not run out. */
  held: boolean
  /** It has been completed before. */
  ended: boolean
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
  /** call_ids whose completion was taken. */
  taken: string[]
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
  taken: [],
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

/** A lead, with the id its call has or would have. */
export type Known = Pick<Call, 'id' | 'lead' | 'phone'>

/** A call in hand: with the fence that was current when it was claimed. */
export type Claimed = Pick<Call, 'id' | 'fence'>
