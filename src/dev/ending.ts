const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
const AGAIN_MS = 1000

/** How a run on a terminal ends: by itself or by Ctrl-C, and in either case with nothing left running. */
export interface Ending {
  /** Something was started: this ends it. */
  onClose(end: () => Promise<unknown>): void
  /** Resolves with an exit code when somebody wants the run to end. */
  asked: Promise<number>
  /** Whether somebody does. */
  readonly isAsked: boolean
  /** Ends what was started, last first. Never rejects. */
  strike(): Promise<void>
}

/** Listens to signals from now on. Asked a second time, the process goes at once, and its children with it. */
export function createEnding(): Ending {
  const ends: (() => Promise<unknown>)[] = []
  let firstMs: number | undefined
  const asked = new Promise<number>((resolve) => {
    const stop = (code: number) => {
      firstMs ??= performance.now()
      resolve(code)
      // npm passes on a Ctrl-C that was heard already: that is not a second one.
      if (performance.now() - firstMs > AGAIN_MS) process.exit(code)
    }
    for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => stop(code))
    // Whoever read along has gone.
    process.stdout.on('error', () => stop(1))
  })

  return {
    onClose: (end) => void ends.unshift(end),
    asked,
    get isAsked() {
      return firstMs !== undefined
    },
    async strike() {
      for (let end = ends.shift(); end; end = ends.shift()) await end().catch(() => {})
    },
  }
}
