import { setTimeout as delay } from 'node:timers/promises'
import type { Kill } from './plan.ts'
import type { Stage } from './stage.ts'

/** A kill -9 as it happened: epoch ms, and the hosts under which the victim knew the vendors (none: it was Redis). */
export interface Struck {
  atMs: number
  hosts: string[]
}

interface Options {
  stage: Stage
  signal: AbortSignal
  onStruck: (struck: Struck) => void
}

/** Carries out one kill, and starts again what was killed. A kill that finds no instance alive is left out. */
export async function strike({ atMs, victim, downMs }: Kill, { stage, signal, onStruck }: Options): Promise<void> {
  const { fleet, redis, hosts } = stage
  await delay(atMs, undefined, { signal })
  if (victim === null) {
    onStruck({ atMs: Date.now(), hosts: [] })
    await redis.kill()
    await delay(downMs, undefined, { signal })
    return redis.restart()
  }
  const living = fleet.living()
  const number = living[victim % living.length]
  if (number === undefined) return
  const killed = fleet.kill(number)
  onStruck({ atMs: Date.now(), hosts: hosts[number] ?? [] })
  await killed
  await delay(downMs, undefined, { signal })
  await fleet.restart(number)
}
