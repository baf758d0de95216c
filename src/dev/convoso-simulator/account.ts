import type { Params } from './fields.ts'

/** A callback as it was inserted. */
export type Callback = Params & { id: string; lead_id: string }

/** What the Convoso account knows. */
export interface Account {
  leads: Map<string, Params>
  /** `call_log_id` to what was written to it. */
  callLogs: Map<string, Params>
  dnc: Set<string>
  callbacks: Callback[]
  /** A lead or call log is known when it was added, or always when `strict` is false: then it is added now. */
  knows(kind: 'leads' | 'callLogs', id: string, strict: boolean): boolean
  /** The number under which custom field `name` comes back from a search, as `field_<n>`. */
  fieldNumber(name: string): number
  nextId(): number
}

export function createAccount(): Account {
  const numbers = new Map<string, number>()
  let lastId = 900_000
  const kept = { leads: new Map<string, Params>(), callLogs: new Map<string, Params>() }
  return {
    ...kept,
    dnc: new Set(),
    callbacks: [],
    knows(kind, id, strict) {
      if (kept[kind].has(id)) return true
      if (!strict) kept[kind].set(id, {})
      return !strict
    },
    fieldNumber(name) {
      const number = numbers.get(name) ?? numbers.size + 1
      numbers.set(name, number)
      return number
    },
    nextId: () => ++lastId,
  }
}
