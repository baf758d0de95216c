import type { StormOptions } from './options.ts'
import { settingsOf } from './weather.ts'

/** What a storm is held to. Times in ms. */
export interface Rules {
  /** An unconfirmed dial holds its line for so long: the deadline, from the permission on, which may be half a lease old. */
  heldMs: number
  holdMs: number
  holdTransferredMs: number
  /** Most calls under way at once. */
  concurrent: number
  /** Most dials of one instance under way at once: so many a kill may leave unconfirmed. */
  permits: number
  /** Largest take-over (p99). */
  takeOverMs: number
  /** How long before a kill a request may have come that was under way at it. */
  underWayMs: number
}

/** A lead at fault, and in one line what is wrong with it. */
export interface Fault {
  leadId: string
  fault: string
}

const PERMITS = 16
const TAKE_OVER_MS = 20_000

export function rulesOf(options: StormOptions): Rules {
  const settings = settingsOf(options)
  return {
    heldMs: (options.deadline - options.lease / 2) * 1000,
    holdMs: Number(settings.LINE_HOLD) * 1000,
    holdTransferredMs: Number(settings.LINE_HOLD_TRANSFERRED) * 1000,
    concurrent: options.concurrent,
    permits: PERMITS,
    takeOverMs: TAKE_OVER_MS,
    underWayMs: options.lease * 1000,
  }
}
