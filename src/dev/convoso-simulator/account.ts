import type { Params } from './fields.ts'

/** A callback as it was inserted. */
export type Callback = Params & { id: string; lead_id: string }

/** What the Convoso account knows. */
export interface Account {
  leads: ReadonlyMap<string, Params>
  /** Adds a lead, or changes the fields of one. */
  save(leadId: string, fields: Params): void
  /** When a lead was added and last saved, as its account shows it: `YYYY-MM-DD HH:MM:SS` on its own clocks. */
  times(leadId: string): { created_at: string; modified_at: string }
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

export function createAccount({ now, timeZone }: { now: () => number; timeZone: string }): Account {
  const numbers = new Map<string, number>()
  let lastId = 900_000
  const kept = { leads: new Map<string, Params>(), callLogs: new Map<string, Params>() }
  const saved = new Map<string, { createdMs: number; modifiedMs: number }>()
  // Swedish for its way to write a date: 2026-11-22 09:00:00.
  const wall = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' })

  function save(leadId: string, fields: Params): void {
    const modifiedMs = now()
    saved.set(leadId, { createdMs: saved.get(leadId)?.createdMs ?? modifiedMs, modifiedMs })
    kept.leads.set(leadId, { ...kept.leads.get(leadId), ...fields })
  }

  return {
    ...kept,
    save,
    times(leadId) {
      const { createdMs = now(), modifiedMs = now() } = saved.get(leadId) ?? {}
      return { created_at: wall.format(createdMs), modified_at: wall.format(modifiedMs) }
    },
    dnc: new Set(),
    callbacks: [],
    knows(kind, id, strict) {
      if (kept[kind].has(id)) return true
      if (strict) return false
      if (kind === 'leads') save(id, {})
      else kept.callLogs.set(id, {})
      return true
    },
    fieldNumber(name) {
      const number = numbers.get(name) ?? numbers.size + 1
      numbers.set(name, number)
      return number
    },
    nextId: () => ++lastId,
  }
}
