import type { Budget, Claim } from './claim.ts'
import type { Clock } from './clock.ts'
import type { Store } from './store.ts'
import type { Times } from './times.ts'

/** What the runner writes to; pino fits. */
export interface Log {
  info(fields: object, text: string): void
  warn(fields: object, text: string): void
  error(fields: object, text: string): void
}

/** Works on one claimed call until it has moved on. May reject: the lease brings the call back. */
export type Work = (claim: Claim) => Promise<void>

const BUDGETS: readonly Budget[] = ['dial', 'look', 'deliver']

/**
 * Works what is due: dials, looks and deliveries, each with a room of its own, and claims no more than there is room
 * for. Webhooks share the rooms: a lead reserves its dial before it asks for one; a completion is worked on in any case.
 */
export function createRunner(options: {
  store: Store
  room: Record<Budget, number>
  instance: string
  times: Times
  clock: Clock
  log: Log
}) {
  const { store, instance, times, clock, log } = options
  const free = { ...options.room }
  /** Budgets with more work waiting than there was room for. */
  const short = new Set<Budget>()
  const work: Partial<Record<Budget, Work>> = {}
  const inHand = new Set<Promise<void>>()
  const stop = new AbortController()
  let alarm = new AbortController()
  let running: Promise<void> | undefined

  /** Asks for what is due now instead of at the next tick. */
  function wake() {
    alarm.abort()
  }

  // One signal for both, rather than AbortSignal.any: on Node 20 that leaves something behind with every tick.
  stop.signal.addEventListener('abort', wake)

  async function carryOut(claim: Claim) {
    try {
      await clock.delay(claim.startInMs)
      await work[claim.budget]?.(claim)
    } catch (error) {
      log.error({ err: error, request_id: claim.call.requestId, budget: claim.budget }, 'work on a call broke off')
    } finally {
      release(claim.budget)
    }
  }

  function release(budget: Budget, room = 1) {
    free[budget] += room
    if (room > 0 && short.delete(budget)) wake()
  }

  /** Works on a claim whose room is taken already. */
  function start(claim: Claim) {
    const done = carryOut(claim).finally(() => inHand.delete(done))
    inHand.add(done)
  }

  /** How much a tick may claim: of the dials half of what is free, so that a lead that comes in meanwhile has room too. */
  const roomNow = () => ({
    dial: Math.ceil(Math.max(0, free.dial) / 2),
    look: Math.max(0, free.look),
    deliver: Math.max(0, free.deliver),
  })

  /** Claims what is due and starts it. Resolves with the ms until asking again is worth it. */
  async function tick(op: string): Promise<number> {
    const room = roomNow()
    for (const budget of BUDGETS) free[budget] -= room[budget]
    try {
      const due = await store.claimDue(op, instance, room)
      for (const claim of due.claims) {
        room[claim.budget] -= 1
        start(claim)
      }
      if (due.vanished.length)
        log.error({ request_ids: due.vanished }, 'calls vanished from Redis: is it evicting keys?')
      if (due.poisoned.length)
        log.error({ request_ids: due.poisoned }, 'calls gave up after five claims that led nowhere')
      const full = BUDGETS.filter((budget) => room[budget] === 0)
      for (const budget of full) short.add(budget)
      return full.some((budget) => free[budget] > 0) ? 0 : due.nextMs
    } finally {
      for (const budget of BUDGETS) release(budget, room[budget])
    }
  }

  async function loop() {
    while (!stop.signal.aborted) {
      alarm = new AbortController()
      const nextMs = await tick(clock.id()).catch((error: unknown) => {
        if (!stop.signal.aborted) log.warn({ err: error }, 'cannot ask Redis what is due: trying again')
        return times.idle
      })
      await clock.delay(Math.min(nextMs, times.idle), alarm.signal)
      // Whatever else wakes us within this moment is claimed in the same step.
      await clock.delay(times.gather, stop.signal)
    }
  }

  return {
    /** Who works on claims of a budget. */
    works(budget: Budget, how: Work) {
      work[budget] = how
    },
    wake,

    /** Takes room for one claim; false when there is none. To be followed by `start` or `release`. */
    reserve(budget: Budget): boolean {
      if (stop.signal.aborted) return false
      if (free[budget] <= 0) {
        short.add(budget)
        return false
      }
      free[budget] -= 1
      return true
    },
    release,
    start,

    /** Lets `ask` claim work where there is room for it, and starts what it comes back with. */
    async withRoom<T extends { claim?: Claim | null }>(
      budget: Budget,
      ask: (permit: boolean) => Promise<T>,
    ): Promise<T> {
      const permit = this.reserve(budget)
      let claim: Claim | null | undefined
      try {
        const answer = await ask(permit)
        claim = answer.claim
        return answer
      } finally {
        if (claim) start(claim)
        else if (permit) release(budget)
      }
    },

    run() {
      running ??= loop()
    },

    /** Claims nothing more, and waits for the work in hand at most `boundMs`; what is left then, its lease brings back. */
    async close(boundMs: number) {
      stop.abort()
      const bound = new AbortController()
      const finished = (async () => {
        await running
        while (inHand.size) await Promise.all(inHand)
      })()
      await Promise.race([finished, clock.delay(boundMs, bound.signal)])
      bound.abort()
      return inHand.size
    },
  }
}

export type Runner = ReturnType<typeof createRunner>
