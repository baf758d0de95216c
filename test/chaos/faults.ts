/*
 * What can happen at an effect, before or after it took place: the instance dies; it is told that the effect failed; or it
 * stalls, and wakes when everything is over. Effects are counted over all instances of a play: whoever comes to the point
 * is struck.
 */

/** The `nth` time (from 1) that `effect` happens, as in `store.confirmDial`. */
export interface Point {
  effect: string
  nth: number
}

export interface Fault extends Point {
  when: 'before' | 'after'
  how: 'dies' | 'rejects' | 'stalls'
}

export const told = ({ effect, nth, when, how }: Fault) => `${how} ${when} ${effect} ${nth}`

/** Asked of every instance before each of its effects; `die` never comes back. */
export type Around = (effect: string, run: () => Promise<unknown>, die: () => Promise<never>) => Promise<unknown>

/** Asking what is due happens all the time: it is an effect when something is. */
export const CLAIM = 'store.claimDue'
const brings = (answer: unknown) => (answer as { claims: unknown[] }).claims.length > 0

/** What a play tells of itself, and wants to be told. */
export interface Hooks {
  /** Whether a claim would bring something now. */
  isDue(): Promise<boolean>
  /** A fault is about to strike: this is what it finds. */
  onStrike(): Promise<void>
  /** A vendor is about to be asked for something. */
  onVendor(): Promise<unknown>
  /** An effect is done, or has failed. */
  onEffect(): void
  /** Whether the call seems to be over; and when it does. */
  seemsOver(): boolean
  over: Promise<unknown>
  /** Somebody asked what is due after it seemed so, and nothing was. */
  onIdle(): void
}

/** Our own patience with a vendor ended: on loopback that is the machine's doing, and not the story's. */
const gaveUp = (answer: unknown) =>
  typeof answer === 'object' && answer !== null && 'reason' in answer && /aborted|timed_out/.test(String(answer.reason))

/** Strikes with `faults`, one after the other; each is counted from the one before. */
export function createFaults(faults: readonly Fault[], hooks: Hooks) {
  const points: Point[] = []
  const waiting = [...faults]
  let counts = new Map<string, number>()
  let underWay = 0
  let starved = false

  const next = (effect: string) => (counts.get(effect) ?? 0) + 1
  function count(effect: string) {
    const point = { effect, nth: next(effect) }
    counts.set(effect, point.nth)
    points.push(point)
    return point.nth
  }
  const strikes = (effect: string, nth: number, when: Fault['when']) =>
    waiting[0]?.effect === effect && waiting[0].nth === nth && waiting[0].when === when

  async function strike(die: () => Promise<never>): Promise<void> {
    const fault = waiting.shift() as Fault
    counts = new Map()
    await hooks.onStrike()
    if (fault.how === 'dies') return die()
    if (fault.how === 'rejects') throw new Error(`test: ${told(fault)}`)
    underWay += 1
    await hooks.over.finally(() => {
      underWay -= 1
    })
  }

  async function claim(run: () => Promise<unknown>, die: () => Promise<never>) {
    const late = hooks.seemsOver()
    const may = () => strikes(CLAIM, next(CLAIM), 'before')
    if (may() && (await hooks.isDue()) && may()) await strike(die)
    const answer = await run()
    if (!brings(answer)) {
      if (late) hooks.onIdle()
      return answer
    }
    const nth = count(CLAIM)
    hooks.onEffect()
    if (strikes(CLAIM, nth, 'after')) await strike(die)
    return answer
  }

  const around: Around = async (effect, run, die) => {
    if (effect === CLAIM) return claim(run, die)
    const nth = count(effect)
    if (strikes(effect, nth, 'before')) await strike(die)
    underWay += 1
    if (!effect.startsWith('store.')) await hooks.onVendor()
    const answer = await run().finally(() => {
      underWay -= 1
      hooks.onEffect()
    })
    if (gaveUp(answer)) starved = true
    if (strikes(effect, nth, 'after')) await strike(die)
    return answer
  }
  return { around, points, unstruck: () => waiting.length, quiet: () => underWay === 0, starved: () => starved }
}
