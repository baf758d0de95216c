import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createBalancer } from '../balancer.ts'
import { type BlandSimulator, createBlandSimulator } from '../bland-simulator/simulator.ts'
import { type ConvosoSimulator, createConvosoSimulator } from '../convoso-simulator/simulator.ts'
import { type Instance, startInstance } from '../instance.ts'
import { type EmbeddedRedis, startRedis } from '../redis/start.ts'

/** Beside this file's folder when built; the sources have no such file, and the demo runs what was built. */
const SERVER = fileURLToPath(new URL('../../server.js', import.meta.url))
const INSTANCES = 2

/** Everything a demo needs, running on 127.0.0.1. */
export interface Stage {
  /** The one public port of all instances. */
  url: string
  /** What a lead must carry, and what the calls API asks for. */
  leadSecret: string
  adminToken: string
  redis: EmbeddedRedis
  bland: BlandSimulator
  convoso: ConvosoSimulator
  instances: Instance[]
}

const secret = () => randomBytes(12).toString('hex')

/**
 * Times are small, so that every kind of waiting can be watched: a call without a completion is given up after
 * CALL_DEADLINE_SECONDS and two more looks, four leases apart.
 */
const SETTINGS = {
  LOG_LEVEL: 'info',
  LEASE: '2',
  CALL_DEADLINE_SECONDS: '3',
  LINE_HOLD: '1',
  LINE_HOLD_TRANSFERRED: '2',
  RETRY_INITIAL_DELAY: '200',
  BLAND_MAX_CONCURRENT: '20',
  BLAND_MAX_PER_SECOND: '20',
  CONVOSO_MAX_RPS: '50',
  CALLING_HOURS: 'off',
  DNC_SOURCE: 'none',
  BLAND_TASK_TEMPLATE: 'Ask {{first_name}} whether health coverage is wanted.',
}

/**
 * Starts Redis, both simulators and the instances behind one port. What was started is told to `onClose` at once, to be
 * ended in reverse order; when this rejects, that is still to be done.
 * `say` hears of what takes long.
 */
export async function setStage(
  onClose: (end: () => Promise<unknown>) => void,
  say: (line: string) => void,
): Promise<Stage> {
  const [leadSecret, adminToken, apiKey, webhookSecret, token] = [secret(), secret(), secret(), secret(), secret()]
  const redis = await startRedis({ say })
  onClose(redis.stop)

  const call_ms: [number, number] = [600, 1400]
  const bland = createBlandSimulator({
    apiKey,
    secret: webhookSecret,
    dials: { call_ms, answer_ms: [40, 120], list_lag_ms: 300 },
  })
  onClose(bland.close)
  const convoso = createConvosoSimulator({ token })
  onClose(convoso.close)
  await Promise.all([bland.listen(), convoso.listen()])

  // The instances must be told the public port before they listen, and it serves whoever is in the list by then.
  const targets: number[] = []
  const balancer = await createBalancer({ targets })
  onClose(balancer.close)

  const dir = await mkdtemp(join(tmpdir(), 'awh-demo-'))
  onClose(() => rm(dir, { recursive: true, force: true }))
  const env = {
    ...SETTINGS,
    REDIS_URL: redis.url,
    BLAND_API_KEY: apiKey,
    BLAND_BASE_URL: bland.url,
    BLAND_WEBHOOK_URL: `${balancer.url}/webhooks/bland-callback`,
    BLAND_WEBHOOK_SECRET: webhookSecret,
    CONVOSO_AUTH_TOKEN: token,
    CONVOSO_BASE_URL: convoso.url,
    CONVOSO_WEBHOOK_SECRET: leadSecret,
    ADMIN_TOKEN: adminToken,
  }
  const starting = Array.from({ length: INSTANCES }, async (_, i) => {
    const instance = await startInstance({ entry: SERVER, dir: join(dir, `instance-${i + 1}`), env })
    targets.push(instance.port)
    return instance
  })
  onClose(() => Promise.all(starting.map((started) => started.then(({ stop }) => stop()).catch(() => {}))))
  const instances = await Promise.all(starting)
  return { url: balancer.url, leadSecret, adminToken, redis, bland, convoso, instances }
}
