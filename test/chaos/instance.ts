import { EventEmitter, once } from 'node:events'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../src/app.ts'
import { type Around, CLAIM } from './faults.ts'

/** An instance of the service that can be struck dead: from then on nothing it asks for is answered, and it does nothing more. */
export interface Mortal {
  app: FastifyInstance
  dead(): boolean
  /** Resolves when it dies. */
  death: Promise<void>
  /** Has it ask what is due; resolves when it was told, or is dead. */
  ask(): Promise<void>
  /** Ends it, or takes away what is left of it. */
  close(): Promise<void>
}

/** What an instance does with its own memory alone. */
const NO_EFFECT = ['close', 'remember', 'originOf']

/** Every method of `effects`, in place: what was wired to the object is wired to the wrapped methods as well. */
function wrap(part: string, effects: object, through: (effect: string, run: () => unknown) => Promise<unknown>) {
  for (const [name, method] of Object.entries(effects)) {
    if (typeof method !== 'function' || NO_EFFECT.includes(name)) continue
    Reflect.set(effects, name, (...args: unknown[]) =>
      through(`${part}.${name}`, () => Reflect.apply(method, effects, args)),
    )
  }
}

/**
 * The whole service as `buildApp` makes it, not listening but at work, with `around` between it and everything it does to
 * the world: the store, the voice vendor, the CRM.
 */
export async function createMortal(env: Record<string, string>, around: Around): Promise<Mortal> {
  const app = await buildApp({ env })
  const [died, buried] = [new AbortController(), new AbortController()]
  const death = once(died.signal, 'abort').then(() => {})
  // Whoever waits for a dead instance waits until it is taken away.
  const silence = once(buried.signal, 'abort').then((): never => {
    throw new Error('test: dead and buried')
  })
  silence.catch(() => {})
  const die = () => {
    died.abort()
    return silence
  }

  const asked = new EventEmitter()
  const through = async (effect: string, run: () => unknown) => {
    if (died.signal.aborted) return silence
    try {
      const answer = await around(effect, async () => run(), die)
      return died.signal.aborted ? silence : answer
    } catch (error) {
      if (died.signal.aborted) return silence
      throw error
    } finally {
      if (effect === CLAIM) asked.emit('asked')
    }
  }
  wrap('store', app.calls.store, through)
  wrap('store', app.calls.work, through)
  wrap('voice', app.voice, through)
  const writes = app.crm.writes
  app.crm.writes = (report) =>
    writes(report).map((write) => ({
      ...write,
      send: (signal) => through(`crm.${write.name}`, () => write.send(signal)) as ReturnType<typeof write.send>,
    }))
  const asks = () => Promise.race([once(asked, 'asked').then(() => {}), death])
  const first = asks()
  await app.ready()
  // What is due from now on, it finds when it is woken, and not by chance.
  await first
  return {
    app,
    dead: () => died.signal.aborted,
    death,
    ask() {
      const answered = asks()
      app.calls.runner.wake()
      return answered
    },
    async close() {
      died.abort()
      buried.abort()
      await app.close()
    },
  }
}
