import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

/** Time and chance, passed to whoever needs them. */
export interface Clock {
  /** Epoch ms of this machine. Never compared with another machine's: for logs and for times shown to people. */
  now(): number
  /** Ms that only grow, whatever happens to the wall clock. */
  monotonic(): number
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  delay(ms: number, signal?: AbortSignal): Promise<void>
  /** In [0, 1). */
  random(): number
  /** An id nobody can guess: it stands in the webhook URL of a call. */
  id(): string
}

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  delay: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}).catch(() => {}),
  random: Math.random,
  id: () => randomBytes(9).toString('hex'),
}
