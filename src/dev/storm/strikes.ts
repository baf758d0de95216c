import { setTimeout as delay } from 'node:timers/promises'
import type { Blow } from './plan.ts'
import type { Stage } from './stage.ts'
import type { Struck } from './witness.ts'

interface Options {
  stage: Stage
  signal: AbortSignal
  onKill: (struck: Struck) => void
}

/** Carries out one blow, and starts again what was killed. One that finds no instance alive is left out. */
export async function strike({ what, atMs, victim, ms }: Blow, { stage, signal, onKill }: Options): Promise<void> {
  const { fleet, redis, hosts, toRedis } = stage
  await delay(atMs, undefined, { signal })
  if (what === 'redis') {
    onKill({ atMs: Date.now(), hosts: [] })
    await redis.kill()
    await delay(ms, undefined, { signal })
    return redis.restart()
  }
  const living = fleet.living()
  const number = living[victim % living.length]
  if (number === undefined) return
  if (what === 'cut') return toRedis[number]?.loseAnswers(ms)
  const killed = fleet.kill(number)
  onKill({ atMs: Date.now(), hosts: hosts[number] ?? [] })
  await killed
  await delay(ms, undefined, { signal })
  await fleet.restart(number)
}
