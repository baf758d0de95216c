import fc from 'fast-check'
import t from 'tap'
import { connect, disconnect } from '../../src/calls/redis.ts'
import { FULL } from '../full.ts'
import { redisFor } from '../stage.ts'
import { play } from './history.ts'
import { createReal } from './real.ts'
import { DECISIONS, KINDS, type Step } from './steps.ts'

/*
 * Histories by chance, played on the real scripts and on the model side by side. HISTORY_SEED plays those of an earlier
 * run again; one that goes apart is shortened before it is told.
 */

const HISTORIES = FULL ? 10_000 : 1000
const AT_ONCE = 16
const SEED = Number(process.env.HISTORY_SEED ?? Date.now() % 2_147_483_647)

const oneOf = <T>(...values: readonly T[]) => fc.constantFrom(...values)
/** Which kinds how often: what moves calls on more than what overthrows everything. */
const WEIGHTS: Partial<Record<Step['kind'], number>> = {
  admit: 4,
  claim: 14,
  decide: 14,
  confirm: 8,
  complete: 4,
  empty: 2,
}
const steps = fc.array(
  fc.record<Step>({
    kind: fc.oneof(...KINDS.map((kind) => ({ weight: WEIGHTS[kind] ?? 1, arbitrary: fc.constant(kind) }))),
    lead: oneOf(0, 0, 0, 0, 1, 1, 2, 3),
    claim: oneOf(0, 0, 0, 0, 1, 2),
    at: fc.nat(11),
    one: fc.boolean(),
    two: fc.boolean(),
    budget: oneOf('dial', 'look', 'deliver'),
    decision: oneOf(...DECISIONS),
    outcome: oneOf('TRANSFERRED', 'NOT_INTERESTED', 'DO_NOT_CALL', 'REFUSED', 'NO_COMPLETION'),
    twice: oneOf(true, false, false, false),
  }),
  { minLength: 14, maxLength: 22, size: 'max' },
)

t.test('the scripts and the model come to the same', async (t) => {
  const server = await redisFor(t)
  const redis = connect({ REDIS_URL: server.url }, 'patient', () => {})
  t.teardown(() => disconnect(redis, 500))
  let played = 0
  const fresh = async (history: Step[]) => play(history, await createReal(redis, `{h${played++}}`))

  /** The same without every step it does without. */
  async function shortened(history: Step[]): Promise<string | null> {
    for (let at = history.length - 1; at >= 0; at--) {
      const without = history.toSpliced(at, 1)
      if (await fresh(without)) return shortened(without)
    }
    return fresh(history)
  }

  const histories = fc.sample(steps, { seed: SEED, numRuns: HISTORIES })
  let told: string | null = null
  const left = histories.values()
  const player = async () => {
    for (const history of left) {
      if (told) return
      if (await fresh(history)) told ??= await shortened(history)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, player))
  t.comment(`${played} histories, HISTORY_SEED=${SEED}`)
  t.equal(told, null, told ? `went apart, HISTORY_SEED=${SEED}:\n${told}` : 'side by side to the end')
})
