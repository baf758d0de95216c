import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { BlandDials } from '../../src/dev/bland-simulator/dials.ts'
import { type BlandSimulator, createBlandSimulator } from '../../src/dev/bland-simulator/simulator.ts'
import { type ConvosoSimulator, createConvosoSimulator } from '../../src/dev/convoso-simulator/simulator.ts'
import type { Mortal } from './instance.ts'
import type { Story } from './stories.ts'

const SECRET = 'test-webhook-secret'
/** A day on which everything is quick, and a webhook is sent until somebody takes it. */
const QUICK = {
  same_number_ms: 0,
  list_lag_ms: 0,
  settle_ms: 0,
  resends: 400,
  resend_ms: 50,
  call_ms: [30, 60],
} satisfies Partial<BlandDials>

/** Seconds a number rests after a call, and after one that may have been transferred. */
export const HOLD = { usual: 60, transferred: 600 }

interface Vendors {
  bland: BlandSimulator
  convoso: ConvosoSimulator
}

export type Theatre = Awaited<ReturnType<typeof createTheatre>>

/** What all plays share: a Redis, the vendors, and a door for their webhooks. */
export async function createTheatre(t: Test, redisUrl: string) {
  const redis = new Redis(redisUrl)
  const vendors = new Map<string, Promise<Vendors>>()
  /** By play: who takes its webhooks at the moment. */
  const onStage = new Map<string, () => Mortal | undefined>()

  /** As a balancer does: to whoever lives, and 502 when that one dies over it. */
  async function enter(request: IncomingMessage, reply: ServerResponse) {
    const [, play = '', url = ''] = /^\/([^/]+)(\/.*)$/.exec(request.url ?? '') ?? []
    const body = Buffer.concat(await request.toArray())
    const status = await post(onStage.get(play)?.(), url, body, request.headers as Record<string, string>)
    reply.writeHead(status ?? 502).end()
  }
  const door = createServer((request, reply) => void enter(request, reply).catch(() => reply.destroy()))
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    const all = await Promise.all(vendors.values())
    await Promise.all(all.flatMap(({ bland, convoso }) => [bland.close(), convoso.close()]))
    door.closeAllConnections()
    door.close()
    redis.disconnect()
  })

  return {
    redis,
    onStage,
    /** The vendors of a story; the first who asks opens them. One of each for all would be asked for too much at once. */
    vendors(story: Story): Promise<Vendors> {
      const open = async () => {
        const bland = createBlandSimulator({ secret: SECRET, dials: { ...QUICK, ...story.account } })
        const convoso = createConvosoSimulator()
        await Promise.all([bland.listen(), convoso.listen()])
        return { bland, convoso }
      }
      const known = vendors.get(story.name) ?? open()
      vendors.set(story.name, known)
      return known
    },
    /** What an instance of a play is started with: times as short as two busy cores can keep. */
    envOf: (play: string, story: Story, { bland, convoso }: Vendors) => ({
      REDIS_URL: redisUrl,
      KEY_PREFIX: `{${play}}`,
      LOG_LEVEL: 'silent',
      BLAND_API_KEY: 'simulated-key',
      BLAND_BASE_URL: bland.url,
      BLAND_WEBHOOK_URL: `http://127.0.0.1:${(door.address() as AddressInfo).port}/${play}/webhooks/bland-callback`,
      BLAND_WEBHOOK_SECRET: SECRET,
      BLAND_PATHWAY_ID: 'test-pathway',
      BLAND_MAX_PER_SECOND: '1000',
      CONVOSO_AUTH_TOKEN: 'simulated-token',
      CONVOSO_BASE_URL: convoso.url,
      CONVOSO_MAX_RPS: '1000',
      CALLING_HOURS: 'off',
      DNC_SOURCE: 'none',
      RETRY_INITIAL_DELAY: '20',
      LEASE: '2',
      CALL_DEADLINE_SECONDS: String(story.deadline ?? 1),
      LINE_HOLD: String(HOLD.usual),
      LINE_HOLD_TRANSFERRED: String(HOLD.transferred),
    }),
  }
}

/** The status an instance answers; undefined when there is no instance, or it dies over it. */
export async function post(
  to: Mortal | undefined,
  url: string,
  payload: string | Buffer,
  headers: Record<string, string>,
): Promise<number | undefined> {
  const answer = to?.app.inject({ method: 'POST', url, payload, headers })
  const reply = await Promise.race([answer, to?.death])
  return reply?.statusCode
}
