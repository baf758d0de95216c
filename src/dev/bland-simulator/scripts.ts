import Type from 'typebox'
import { type Checked, check, count, exact } from '../simulator/dials.ts'
import { BlandDials } from './dials.ts'
import type { Script } from './entries.ts'
import { type Order, phoneOf } from './order.ts'
import type { Payload } from './payloads.ts'
import { SCENES, type SceneName } from './scenes.ts'

/** What a script says of one dial request. */
interface Cue {
  scene: SceneName | undefined
  overrides: Payload
  faults: Partial<BlandDials>
}

export interface Scripts {
  /** Gives a lead or a number its scenario, in place of the one it had. */
  give(script: unknown): Checked<Script>
  /** The cue for this dial request, and counts it. A lead's script goes before its number's. */
  next(order: Order): Cue
}

const ScriptBody = exact({
  phone_number: Type.Optional(Type.String()),
  lead_id: Type.Optional(Type.Union([Type.String(), Type.Number()])),
  outcome: Type.Optional(Type.Enum([...SCENES])),
  completion: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  faults: Type.Optional(Type.Partial(BlandDials, { additionalProperties: false })),
  faulty_attempts: Type.Optional(count('The faults end after so many dial requests')),
})

/** Who ends how, told from outside. */
export function createScripts(): Scripts {
  const given = new Map<string, { cue: Cue; faultyAttempts: number; seen: number }>()

  return {
    give(script) {
      const checked = check(ScriptBody, script)
      if (!checked.ok) return checked
      const { lead_id, phone_number, outcome, completion, faults, faulty_attempts } = checked.value
      const key = lead_id === undefined ? phoneOf(phone_number) : `lead ${lead_id}`
      if (key === null) return { ok: false, error: 'phone_number or lead_id is required' }
      const cue = { scene: outcome, overrides: completion ?? {}, faults: (faults ?? {}) as Partial<BlandDials> }
      given.set(key, { cue, faultyAttempts: faulty_attempts ?? Number.POSITIVE_INFINITY, seen: 0 })
      return { ok: true, value: checked.value as Script }
    },
    next({ leadId, phone }) {
      const script = given.get(`lead ${leadId}`) ?? given.get(phone)
      if (!script) return { scene: undefined, overrides: {}, faults: {} }
      script.seen += 1
      return script.seen > script.faultyAttempts ? { ...script.cue, faults: {} } : script.cue
    },
  }
}
