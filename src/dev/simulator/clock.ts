/** Where a simulator gets its time from. */
export interface Clock {
  /** Epoch ms. */
  now(): number
  /** Runs `task` once, `ms` from now, unless the returned function was called before. */
  after(ms: number, task: () => void): () => void
}

export const wallClock: Clock = {
  now: () => Date.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms)
    return () => clearTimeout(timer)
  },
}

export interface Timers {
  after(ms: number, task: () => void): void
  /** Resolves after `ms`; never, once the timers were cleared. */
  wait(ms: number): Promise<void>
  /** Clears what is pending; whatever is scheduled later does not run. */
  clear(): void
}

/** The timers of one simulator, which end with it. */
export function createTimers(clock: Clock): Timers {
  const cancels = new Set<() => void>()
  let open = true

  function after(ms: number, task: () => void): void {
    if (!open) return
    const cancel = clock.after(ms, () => {
      cancels.delete(cancel)
      task()
    })
    cancels.add(cancel)
  }
  return {
    after,
    wait: (ms) => (ms > 0 ? new Promise((resolve) => after(ms, resolve)) : Promise.resolve()),
    clear() {
      open = false
      for (const cancel of cancels) cancel()
      cancels.clear()
    },
  }
}
