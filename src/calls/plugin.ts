import { once } from 'node:events'
import fp from 'fastify-plugin'
import { BadEnvironment } from '../environment.ts'
import type { Seen } from './arguments.ts'
import type { Limits } from './claim.ts'
import type { Clock } from './clock.ts'
import { gateFaults } from './gate.ts'
import { keysOf } from './keys.ts'
import { createOpening } from './opening.ts'
import { type Connection, connect, disconnect, infosOf } from './redis.ts'
import { acceptedIn, replicasAwaited } from './redis-environment.ts'
import { createWitness, type Witness } from './replicas.ts'
import { createRunner, type Runner } from './runner.ts'
import { createStore, type Store } from './store.ts'
import type { Times } from './times.ts'
import { createViews, type Views } from './views.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * The state machine. `store` answers webhooks (at once or not at all); `work` has the same steps, and waits for Redis.
     * `redisFault` tells why this Redis cannot be trusted with calls now, null when it can; rejects when it cannot be asked.
     */
    calls: {
      store: Store
      work: Store
      runner: Runner
      views: Views
      witness: Witness
      redisFault: () => Promise<string | null>
      redis: Connection
      times: Times
      clock: Clock
      closing: boolean
    }
  }
}

export interface CallsOptions {
  clock: Clock
  times: Times
  limits: Limits
  /** Calls an instance works on at once, by budget. */
  room: { dial: number; look: number; deliver: number }
}

export const calls = fp<CallsOptions>(
  async (app, { clock, times, limits, room }) => {
    const { KEY_PREFIX: prefix, REDIS_ACCEPT, DNC_SOURCE, NODE_ENV } = app.config
    const replicas = replicasAwaited(app.config)
    let down = false
    const prompt = connect(app.config, 'prompt', (error) => {
      if (!down) app.log.error({ err: error }, 'Redis cannot be reached: webhooks answer 503, work waits')
      down = true
    })
    prompt.on('ready', () => {
      if (down) app.log.info('Redis is back')
      down = false
    })
    const patient = connect(app.config, 'patient', () => {})
    // One for WAIT alone, which holds its connection up; nobody waits for replicas: none.
    const waiter = replicas ? connect(app.config, 'prompt', () => {}) : prompt

    const seen: Seen = { epoch: null, dials: 0, resumed: 0 }
    const shared = { prefix, times, limits, clock, seen }
    const store = createStore({ redis: prompt, ...shared })
    const work = createStore({ redis: patient, ...shared })
    const runner = createRunner({ store: work, room, instance: clock.id(), times, clock, log: app.log })
    const views = createViews(prompt, prefix)
    const witness = createWitness({ redis: waiter, prefix, count: replicas, timeoutMs: times.witness, clock })
    const terms = { accepted: acceptedIn(REDIS_ACCEPT), production: NODE_ENV === 'production', replicas }

    const opening = createOpening({
      redis: patient,
      ...{ store: work, seen, prefix, terms, vouched: DNC_SOURCE === 'none', times, clock, log: app.log },
      closing: () => app.calls.closing,
    })

    async function redisFault(): Promise<string | null> {
      const faults = gateFaults(await infosOf(prompt, keysOf(prefix).epoch), terms)
      return faults.join('; ') || opening.shut()
    }

    app.decorate('calls', {
      ...{ store, work, runner, views, witness, redisFault, redis: prompt, times, clock },
      closing: false,
    })

    app.addHook('onReady', async () => {
      const open = opening.open()
      // A Redis that is there is connected to before the first webhook; one that is not does not keep us from answering 503.
      const reached = prompt.status === 'ready' ? undefined : once(prompt, 'ready').catch(() => {})
      const late = clock.delay(times.boot)
      const faults = await Promise.race([opening.first, late])
      if (faults?.length) throw new BadEnvironment(faults)
      await Promise.race([Promise.all([open, reached]), late])
      runner.run()
    })
    // Before the connections of anybody else are closed.
    app.addHook('preClose', async () => {
      app.calls.closing = true
      const left = await runner.close(times.shutdown)
      if (left)
        app.log.warn({ left }, 'closing with calls in hand: other instances take them over when their leases end')
    })
    app.addHook('onClose', async () => {
      await Promise.all([...new Set([prompt, patient, waiter])].map((redis) => disconnect(redis, times.quit)))
    })
  },
  { name: 'calls', dependencies: ['environment'] },
)
