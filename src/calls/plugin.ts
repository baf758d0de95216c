import { once } from 'node:events'
import fp from 'fastify-plugin'
import type { Seen } from './arguments.ts'
import type { Limits } from './claim.ts'
import type { Clock } from './clock.ts'
import { keysOf } from './keys.ts'
import { type Connection, connect, disconnect } from './redis.ts'
import { createRunner, type Runner } from './runner.ts'
import { createStore, type Store } from './store.ts'
import type { Times } from './times.ts'
import { createViews, type Views } from './views.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The state machine. `store` answers webhooks (at once or not at all); `work` has the same steps, and waits for Redis. */
    calls: {
      store: Store
      work: Store
      runner: Runner
      views: Views
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
    const { REDIS_URL, KEY_PREFIX, DNC_SOURCE } = app.config
    let down = false
    const prompt = connect(REDIS_URL, 'prompt', (error) => {
      if (!down) app.log.error({ err: error }, 'Redis cannot be reached: webhooks answer 503, work waits')
      down = true
    })
    prompt.on('ready', () => {
      if (down) app.log.info('Redis is back')
      down = false
    })
    const patient = connect(REDIS_URL, 'patient', () => {})

    const seen: Seen = { epoch: null, dials: 0, resumed: 0 }
    const shared = { prefix: KEY_PREFIX, times, limits, clock, seen }
    const store = createStore({ redis: prompt, ...shared })
    const work = createStore({ redis: patient, ...shared })
    const runner = createRunner({ store: work, room, instance: clock.id(), times, clock, log: app.log })
    const views = createViews(prompt, KEY_PREFIX)
    app.decorate('calls', { store, work, runner, views, redis: prompt, times, clock, closing: false })

    // Read once: a store that is emptied later has another epoch or none, and dials nobody.
    const known = (async () => {
      const key = keysOf(KEY_PREFIX).epoch
      for (;;) {
        try {
          if (DNC_SOURCE === 'none') await work.vouch()
          seen.epoch = (await patient.get(key)) ?? ''
          break
        } catch (error) {
          if (app.calls.closing) return
          app.log.error({ err: error }, 'the store cannot be asked for its epoch, and nobody is dialed: trying again')
          await clock.delay(times.idle)
        }
      }
      if (!seen.epoch)
        app.log.error(
          'this store has no do-not-call list and nobody is dialed: DNC_SOURCE=none, or POST /control/resume, says that this is right',
        )
      if (/^aof_enabled:0/m.test(await patient.info('persistence'))) {
        app.log.warn(
          'Redis keeps no append-only file: a restart of it may forget calls that were accepted, and dials that were made',
        )
      }
    })().catch((error: unknown) => app.log.warn({ err: error }, 'the store could not be asked how it persists'))

    app.addHook('onReady', async () => {
      // A Redis that is there is connected to before the first webhook; one that is not does not keep us from answering 503.
      const reached = prompt.status === 'ready' ? undefined : once(prompt, 'ready').catch(() => {})
      await Promise.race([Promise.all([known, reached]), clock.delay(times.boot)])
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
      await Promise.all([disconnect(prompt, times.quit), disconnect(patient, times.quit)])
    })
  },
  { name: 'calls', dependencies: ['environment'] },
)
