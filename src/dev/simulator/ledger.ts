/** When and in which place of the ledger something happened. `n` counts from 0 and goes on over `clear`. */
export interface Stamp {
  n: number
  at_ms: number
}

export interface Ledger<Entry extends object> {
  record(entry: Entry): void
  /** The entries whose `n` is at least `from`, oldest first. */
  entries(from?: number): (Entry & Stamp)[]
  /**
   * Resolves with the first `times` entries that match, as soon as there are so many, counting those already there. It
   * stays pending when that never happens.
   */
  seen(matches: (entry: Entry) => boolean, times?: number): Promise<(Entry & Stamp)[]>
  clear(): void
}

/** All that happened, in order, in memory. */
export function createLedger<Entry extends object>(now: () => number): Ledger<Entry> {
  let kept: (Entry & Stamp)[] = []
  let next = 0
  const watchers = new Set<(entry: Entry & Stamp) => void>()

  return {
    record(entry) {
      const stamped = Object.assign({ n: next++, at_ms: now() }, entry)
      kept.push(stamped)
      for (const watch of watchers) watch(stamped)
    },
    entries: (from = 0) => kept.filter((entry) => entry.n >= from),
    seen: (matches, times = 1) =>
      new Promise((resolve) => {
        const found = kept.filter(matches).slice(0, times)
        if (found.length === times) return resolve(found)
        const watch = (entry: Entry & Stamp) => {
          if (!matches(entry) || found.push(entry) < times) return
          watchers.delete(watch)
          resolve(found)
        }
        watchers.add(watch)
      }),
    clear() {
      kept = []
    },
  }
}
