import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Balancer, createBalancer } from '../balancer.ts'
import { type BlandSimulator, createBlandSimulator } from '../bland-simulator/simulator.ts'
import { type ConvosoSimulator, createConvosoSimulator } from '../convoso-simulator/simulator.ts'
import { type EmbeddedRedis, startRedis } from '../redis/start.ts'
import { type Fleet, startFleet } from './fleet.ts'
import type { StormOptions } from './options.ts'
import { blandWeather, convosoWeather, settingsOf } from './weather.ts'

/** Beside this file's folder when built: a storm runs what was built. */
const SERVER = fileURLToPath(new URL('../../server.js', import.meta.url))

/** Everything a storm needs, running on 127.0.0.1. */
export interface Stage {
  /** The one public port of all instances. */
  url: string
  leadSecret: string
  redis: EmbeddedRedis
  bland: BlandSimulator
  convoso: ConvosoSimulator
  fleet: Fleet
  /** The hosts under which each instance knows the vendors. */
  hosts: string[][]
  /** Between each instance and Redis. */
  toRedis: Balancer[]
}

const secret = () => randomBytes(12).toString('hex')

/**
 * Starts Redis, both simulators and the instances behind one port. What was started is told to `onClose` at once, to be
 * ended in reverse order; when this rejects, that is still to be done. `say` hears of what takes long.
 */
export async function setStage(
  options: StormOptions,
  onClose: (end: () => Promise<unknown>) => void,
  say: (line: string) => void,
): Promise<Stage> {
  const [leadSecret, apiKey, webhookSecret, token] = [secret(), secret(), secret(), secret()]
  const { seed } = options
  const redis = await startRedis({ say })
  onClose(redis.stop)
  const bland = createBlandSimulator({ apiKey, secret: webhookSecret, seed, dials: blandWeather(options) })
  onClose(bland.close)
  const convoso = createConvosoSimulator({ token, seed, dials: convosoWeather(options) })
  onClose(convoso.close)
  await Promise.all([bland.listen(), convoso.listen()])

  // The instances must be told the public port before they listen, and it serves whoever is in the list by then.
  const ports: number[] = []
  const relay = async (targets: number[]): Promise<Balancer> => {
    const balancer = await createBalancer({ targets })
    onClose(balancer.close)
    return balancer
  }
  const balancer = await relay(ports)
  // Of its own for each instance: by the vendors' hosts their ledgers tell instances apart.
  const relays = (port: number) => Promise.all(Array.from({ length: options.instances }, () => relay([port])))
  const [toBland, toConvoso] = await Promise.all([bland, convoso].map(({ url }) => relays(Number(new URL(url).port))))
  const toRedis = await relays(redis.port)
  const hosts = (toBland ?? []).map(({ port }, i) => [port, toConvoso?.[i]?.port].map((each) => `127.0.0.1:${each}`))

  if (options.logs !== undefined) await mkdir(options.logs, { recursive: true })
  const dir = await mkdtemp(join(tmpdir(), 'awh-storm-'))
  onClose(() => rm(dir, { recursive: true, force: true }))
  const envs = hosts.map(([blandHost, convosoHost], i) => ({
    ...settingsOf(options),
    REDIS_URL: redis.url.replace(`:${redis.port}`, `:${toRedis[i]?.port}`),
    BLAND_API_KEY: apiKey,
    BLAND_BASE_URL: `http://${blandHost}`,
    BLAND_WEBHOOK_URL: `${balancer.url}/webhooks/bland-callback`,
    BLAND_WEBHOOK_SECRET: webhookSecret,
    CONVOSO_AUTH_TOKEN: token,
    CONVOSO_BASE_URL: `http://${convosoHost}`,
    CONVOSO_WEBHOOK_SECRET: leadSecret,
  }))
  const starting = startFleet({ entry: SERVER, dir, logs: options.logs, envs, ports })
  onClose(() => starting.then((fleet) => fleet.close()))
  return { url: balancer.url, leadSecret, redis, bland, convoso, fleet: await starting, hosts, toRedis }
}
