import { createDeciding } from './deciding.ts'
import { createDialing } from './dialing.ts'
import { createEvidence } from './evidence.ts'
import { createMoving } from './moving.ts'
import { RULES, type Rules } from './rules.ts'
import type { Store } from './store.ts'

/**
 * The machine: one function for each script, on the model's store. What an event does to a call's state stands in
 * src/calls/moves.ts alone; here stands what else each step does, shorter than in Lua, and compared with it by the
 * generated histories.
 */
export function createMachine(rules: Rules = RULES, count: (what: string) => void = () => {}) {
  const moving = createMoving(rules, count)
  return {
    ...createDialing(rules, moving),
    ...createDeciding(rules, moving),
    ...createEvidence(rules, moving),

    pause(store: Store) {
      store.paused = true
    },

    /** Whoever resumes vouches for the do-not-call list of a store that was emptied. */
    resume(store: Store) {
      if (store.epoch === 0) store.wary = true
      store.epoch ||= 1
      store.paused = false
    },
  }
}

export type Machine = ReturnType<typeof createMachine>
