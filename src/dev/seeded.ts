/** Chance that can be had again: the same seed and name give the same draws, on every machine. */
export interface Chance {
  /** 0 <= x < 1. */
  next(): number
  /** True with probability `p`. Draws even when `p` is 0 or 1, so that turning one dial moves no other draw. */
  hits(p: number): boolean
  /** A number between the two, both included when they are equal. */
  between(range: readonly [number, number]): number
  /** One key, by weight; `fallback` when all weights are 0. */
  pick<K extends string>(weights: Partial<Record<K, number>>, fallback: K): K
  /** Shaped like a version 4 UUID. */
  uuid(): string
}

/**
 * A generator of its own for `name` (mulberry32, seeded with FNV-1a over seed and name). One per call or request: then
 * the order in which concurrent requests happen to arrive changes nobody's draws.
 */
export function seeded(seed: number, name: string): Chance {
  let state = 0x811c9dc5
  for (const character of `${seed} ${name}`) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193)

  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const hex = (digits: number) =>
    Math.floor(next() * 16 ** digits)
      .toString(16)
      .padStart(digits, '0')

  return {
    next,
    hits: (p) => next() < p,
    between: ([least, most]) => least + next() * (most - least),
    pick<K extends string>(weights: Partial<Record<K, number>>, fallback: K): K {
      const entries = Object.entries<number | undefined>(weights)
      let left = next() * entries.reduce((sum, [, weight]) => sum + (weight ?? 0), 0)
      for (const [key, weight] of entries) {
        left -= weight ?? 0
        if (left < 0) return key as K
      }
      return fallback
    },
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(6)}${hex(6)}`,
  }
}
