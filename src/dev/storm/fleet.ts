import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Instance, startInstance } from '../instance.ts'

/** What an orchestrator does: keeps so many instances up, and starts one again a while after it died. */
export interface Fleet {
  /** Numbers of the instances that live. */
  living(): number[]
  /** kill -9; resolves when the process is gone. */
  kill(number: number): Promise<void>
  /** Starts it again, on another port. */
  restart(number: number): Promise<void>
  /** What ended or failed to start though nobody killed it, with the end of its log. */
  fallen(): Promise<string[]>
  close(): Promise<void>
}

interface Options {
  entry: string
  /** The instances' folders are made in it. */
  dir: string
  /** An existing folder where logs are kept; undefined: nowhere. */
  logs: string | undefined
  /** The environment of each instance. */
  envs: Record<string, string>[]
  /** The ports they listen on, for a balancer: kept up to date. */
  ports: number[]
}

/** Starts all instances; rejects when one does not start. */
export async function startFleet({ entry, dir, logs, envs, ports }: Options): Promise<Fleet> {
  const instances: (Instance | null)[] = envs.map(() => null)
  const starting = new Set<Promise<void>>()
  const complaints: string[] = []
  const lives = envs.map(() => 0)
  let closing = false

  async function start(number: number): Promise<void> {
    const life = (lives[number] ?? 0) + 1
    lives[number] = life
    const env = envs[number] ?? {}
    const instance = await startInstance({ entry, dir: join(dir, `instance-${number + 1}.${life}`), env })
    instances[number] = instance
    ports[number] = instance.port
    if (closing) await instance.stop()
  }
  function begin(number: number): Promise<void> {
    const started = start(number).finally(() => starting.delete(started))
    starting.add(started)
    return started
  }
  async function keepLog({ log }: Instance, number: number): Promise<void> {
    if (logs === undefined) return
    await copyFile(log, join(logs, `instance-${number + 1}.${lives[number]}.log`)).catch(() => {})
  }

  const fleet: Fleet = {
    living: () => instances.flatMap((instance, number) => (instance?.alive() ? number : [])),
    async kill(number) {
      const victim = instances[number]
      if (!victim) return
      instances[number] = null
      await victim.kill()
      await keepLog(victim, number)
      await rm(join(victim.log, '..'), { recursive: true, force: true })
    },
    restart: (number) => begin(number).catch((error: Error) => void complaints.push(error.message)),
    async fallen() {
      const dead = instances.map(async (instance, number) =>
        instance && !instance.alive() ? `Instance ${number + 1} ended by itself:\n${await instance.tail(8)}` : [],
      )
      return [...complaints, ...(await Promise.all(dead)).flat()]
    },
    async close() {
      closing = true
      await Promise.allSettled(starting)
      await Promise.all(
        instances.map(async (instance, number) => {
          if (!instance) return
          await keepLog(instance, number)
          await instance.stop()
        }),
      )
    },
  }
  const all = await Promise.allSettled(envs.map((_, number) => begin(number)))
  const failed = all.find((each) => each.status === 'rejected')
  if (!failed) return fleet
  await fleet.close()
  throw failed.reason
}
