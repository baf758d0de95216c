import { Writable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import type { Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { sign } from '../src/bland/signature.ts'
import { type BlandSimulator, createBlandSimulator } from '../src/dev/bland-simulator/simulator.ts'
import { type ConvosoSimulator, createConvosoSimulator } from '../src/dev/convoso-simulator/simulator.ts'
import { freePort } from '../src/dev/free-port.ts'
import { redisForTests } from '../src/dev/redis/start.ts'

/*
 * What a story needs: a real Redis, both simulators, and instances of the service that listen on loopback.
 * Everything is closed when the test ends.
 */

export const ADMIN = 'test-admin-token'
const SECRET = 'test-webhook-secret'
let stages = 0

export interface Stage {
  bland: BlandSimulator
  convoso: ConvosoSimulator
  /** The first instance. */
  app: FastifyInstance
  url: string
  redis: Redis
  prefix: string
  /** Everything the instances logged. */
  logged: () => string
  env: Record<string, string>
  /** One more instance beside the others. */
  another(env?: Record<string, string>): Promise<FastifyInstance>
  /** Posts a lead and answers what the sender hears. */
  post(lead: Record<string, unknown>, headers?: Record<string, string>): Promise<{ status: number; body: Answer }>
  /** Posts a completion as Bland would, signed with `secret` (null: not at all). */
  mail(record: object, secret?: string | null): Promise<{ status: number; body: Answer }>
  /** A request to the first instance with the operator's token. */
  operator(method: 'GET' | 'POST', url: string, payload?: object): Promise<Record<string, unknown>>
  /** Statuses that Convoso was told for a lead, in their order. */
  written(leadId: string): (string | undefined)[]
  /** A call as `GET /calls/:id` shows it. */
  call(id: string): Promise<Shown>
  /** Asks for the call until it is as wanted; the test's own time-out is the bound. */
  until(id: string, wanted: (call: Shown) => boolean): Promise<Shown>
}

export interface Answer {
  success: boolean
  request_id: string
  message?: string
  error?: string
  duplicate?: boolean
  state?: string
  rule?: string
}

export interface Shown {
  request_id: string
  call_id: string | null
  state: string
  due_at: string | null
  waits_for: string | null
  outcome: string | null
  rule: string | null
  last_error: string | null
  steps: { at: string; step: string; detail: string }[]
}

/** Sets the stage. `redisUrl` shares a server between stages; each has a prefix of its own. */
export async function stage(t: Test, options: { redisUrl: string; env?: Record<string, string> }): Promise<Stage> {
  const prefix = `{test-${process.pid}-${++stages}}`
  const bland = createBlandSimulator({ secret: SECRET, dials: { same_number_ms: 0, list_lag_ms: 100 } })
  const convoso = createConvosoSimulator()
  await Promise.all([bland.listen(), convoso.listen()])
  const port = await freePort()
  const env = {
    HOST: '127.0.0.1',
    PORT: String(port),
    REDIS_URL: options.redisUrl,
    KEY_PREFIX: prefix,
    ADMIN_TOKEN: ADMIN,
    BLAND_API_KEY: 'simulated-key',
    BLAND_BASE_URL: bland.url,
    BLAND_WEBHOOK_URL: `http://127.0.0.1:${port}/webhooks/bland-callback`,
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
    ...options.env,
  }
  const lines: string[] = []
  const sink = new Writable({ write: (line, _encoding, done) => done(void lines.push(String(line))) })
  const instance = async (extra: Record<string, string> = {}) => {
    const app = await buildApp({ env: { ...env, ...extra }, log: pino({ level: 'trace' }, sink) })
    await app.listen({ host: app.config.HOST, port: app.config.PORT })
    apps.push(app)
    return app
  }
  const apps: FastifyInstance[] = []
  const app = await instance()
  const redis = new Redis(options.redisUrl)
  redis.on('error', () => {})
  const url = `http://127.0.0.1:${port}`

  t.teardown(async () => {
    await Promise.all(apps.map((each) => each.close()))
    await Promise.all([bland.close(), convoso.close()])
    redis.disconnect()
  })

  const call = async (id: string) =>
    (await app.inject({ url: `/calls/${id}`, headers: { authorization: `Bearer ${ADMIN}` } })).json<Shown>()
  return {
    bland,
    convoso,
    app,
    url,
    redis,
    prefix,
    env,
    logged: () => lines.join(''),
    another: async (extra = {}) => instance({ PORT: '0', ...extra }),
    async post(lead, headers = {}) {
      const answer = await fetch(`${url}/webhooks/awhealth-outbound`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(lead),
      })
      return { status: answer.status, body: (await answer.json()) as Answer }
    },
    async mail(record, secret = SECRET) {
      const payload = JSON.stringify(record)
      const headers = secret === null ? {} : { 'x-webhook-signature': sign(Buffer.from(payload), secret) }
      const answer = await app.inject({ method: 'POST', url: '/webhooks/bland-callback', headers, payload })
      return { status: answer.statusCode, body: answer.json<Answer>() }
    },
    operator: async (method, url, payload) =>
      (
        await app.inject({ method, url, headers: { authorization: `Bearer ${ADMIN}` }, ...(payload && { payload }) })
      ).json(),
    written: (leadId) =>
      convoso
        .ledger()
        .entries.flatMap((entry) =>
          entry.what === 'write' && entry.endpoint === 'leads/update' && entry.lead_id === leadId
            ? [entry.params.status]
            : [],
        ),
    call,
    async until(id, wanted) {
      for (;;) {
        const shown = await call(id)
        if (wanted(shown)) return shown
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
  }
}

/** One Redis for a test file, gone when the file is done. */
export async function redisFor(t: Test, config?: Record<string, string>) {
  const server = await redisForTests(config ? { config } : {})
  t.teardown(() => server.stop())
  return server
}
