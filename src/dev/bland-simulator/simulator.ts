import Fastify, { type FastifyInstance } from 'fastify'
import { type Clock, createTimers, wallClock } from '../simulator/clock.ts'
import { controlRoutes } from '../simulator/control.ts'
import { createDials, must } from '../simulator/dials.ts'
import { createLedger } from '../simulator/ledger.ts'
import { createListener } from '../simulator/listener.ts'
import { UNAUTHORIZED } from './answers.ts'
import { callRoutes } from './call-routes.ts'
import { BlandDials, GOOD_DAY } from './dials.ts'
import type { BlandEntry, BlandLedger, Script } from './entries.ts'
import { createExchange } from './exchange.ts'
import { createLife } from './life.ts'
import { lookupRoutes } from './lookup-routes.ts'
import { createScripts } from './scripts.ts'
import { createSender } from './sender.ts'

export interface BlandSimulatorOptions {
  /** What `authorization` must carry, raw or as a bearer. */
  apiKey?: string
  /** Signs webhooks; `null` sends them unsigned. */
  secret?: string | null
  seed?: number
  clock?: Clock
  /** Dials that differ from a good day. */
  dials?: Partial<BlandDials>
}

export interface BlandSimulator {
  app: FastifyInstance
  readonly url: string
  listen(port?: number, host?: string): Promise<string>
  /** Ends every live call, timer and connection. */
  close(): Promise<void>
  /** As `GET /__ledger`; entries from number `from` on. */
  ledger(from?: number): BlandLedger
  /** Resolves with the first `times` entries that match, once they are there. */
  seen(matches: (entry: BlandEntry) => boolean, times?: number): Promise<BlandLedger['entries']>
  forget(): void
  /** Turns dials, returns those in force; throws on what `POST /__faults` would answer 400. */
  faults(patch: Partial<BlandDials>): BlandDials
  /** As `POST /__script`; throws where that answers 400. */
  script(script: Script): void
}

/** A Bland that rings nobody: same paths, bodies, quirks and webhooks, with a memory and dials. */
export function createBlandSimulator(options: BlandSimulatorOptions = {}): BlandSimulator {
  const { apiKey = 'simulated-key', secret = 'simulated-secret', seed = 1, clock = wallClock } = options
  const timers = createTimers(clock)
  const ledger = createLedger<BlandEntry>(clock.now)
  const exchange = createExchange()
  const scripts = createScripts()
  const sender = createSender({ clock, timers, ledger, secret })
  const life = createLife({ clock, timers, ledger, exchange, sender })
  const app = Fastify({ logger: false, forceCloseConnections: true, bodyLimit: 5_000_000 })
  const listener = createListener(app)
  const dials = createDials(BlandDials, { ...GOOD_DAY, ...options.dials }, ({ refuse_ms: ms = 0 }) => {
    if (ms === 0) return
    // Late enough for the answer to this very patch to leave.
    timers.after(20, listener.refuse)
    timers.after(20 + ms, listener.listenAgain)
  })
  const told = { seed, clock, timers, ledger, dials: dials.now, scripts, exchange, life }
  const read = (from = 0): BlandLedger => ({ ...exchange.tally(), entries: ledger.entries(from) })
  const forget = () => {
    ledger.clear()
    exchange.forget()
  }

  app.register(controlRoutes({ ledger: read, forget, dials, posts: { script: async (body) => scripts.give(body) } }))
  app.register(async (vendor) => {
    vendor.addHook('onRequest', async ({ headers }, reply) => {
      if (headers.authorization?.replace(/^Bearer /i, '') === apiKey) return
      return reply.code(UNAUTHORIZED.status).send(UNAUTHORIZED.body)
    })
    vendor.register(callRoutes(told))
    vendor.register(lookupRoutes(told))
  })
  app.addHook('onClose', async () => {
    timers.clear()
    await sender.close()
  })

  return {
    app,
    get url() {
      return listener.url
    },
    listen: listener.listen,
    close: () => app.close(),
    ledger: read,
    seen: ledger.seen,
    forget,
    faults: (patch) => must(dials.patch(patch)),
    script: (script) => void must(scripts.give(script)),
  }
}
