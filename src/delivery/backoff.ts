const DAY_MS = 24 * 60 * 60 * 1000

/** The curve of the waits: `initialMs` after the first failure, doubling, never above `longestMs`. */
export interface Curve {
  initialMs: number
  longestMs: number
}

/**
 * How long to wait, in whole ms, after the `attempt`-th failed try (counted from 1): the curve's value ± 20 %.
 * `random` is uniform in [0, 1). The jitter stays below `longestMs`, so that waits of that length still differ.
 */
export function backoff(attempt: number, random: () => number, { initialMs, longestMs }: Curve): number {
  const nominal = Math.min(initialMs * 2 ** Math.max(attempt - 1, 0), longestMs)
  const shortest = nominal * 0.8
  return Math.round(shortest + random() * (Math.min(nominal * 1.2, longestMs) - shortest))
}

/**
 * Whether a write that was first tried at `firstTriedMs` (epoch ms) has been tried for long enough to give up: 24 h.
 * Time that it spent waiting for its turn at the shared rate must be taken off by the caller.
 */
export function exhausted(firstTriedMs: number, nowMs: number, windowMs = DAY_MS): boolean {
  return nowMs - firstTriedMs >= windowMs
}
