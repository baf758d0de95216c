import { Unavailable } from '../errors.ts'
import type { Clock } from './clock.ts'

/**
 * A step in Redis as an HTTP sender sees it: its result, or `Unavailable` when it failed or took longer than `ms`.
 * A late step is not undone.
 */
export async function within<T>(ms: number, step: Promise<T>, clock: Clock): Promise<T> {
  const bound = new AbortController()
  const late = clock.delay(ms, bound.signal).then(() => {
    throw new Unavailable()
  })
  late.catch(() => {})
  try {
    return await Promise.race([step, late])
  } catch (error) {
    throw error instanceof Unavailable ? error : new Unavailable({ cause: error })
  } finally {
    bound.abort()
    step.catch(() => {})
  }
}
