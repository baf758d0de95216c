import type { Seen } from './arguments.ts'
import type { Clock } from './clock.ts'
import { gateFaults, gateWarnings, type Terms } from './gate.ts'
import { keysOf } from './keys.ts'
import { type Connection, infosOf } from './redis.ts'
import type { Log } from './runner.ts'
import type { Store } from './store.ts'
import type { Times } from './times.ts'

/**
 * Opens a store for dialing: its servers pass the gate, then its epoch is read, once, so that a store which is emptied
 * later has another or none, and dials nobody. `redis` waits for Redis; what goes wrong is tried again until `closing`.
 */
export function createOpening(options: {
  redis: Connection
  store: Store
  /** Gets the epoch: nobody is dialed before. */
  seen: Seen
  prefix: string
  terms: Terms
  /** A new store may dial: whoever runs it has no do-not-call list. */
  vouched: boolean
  times: Times
  clock: Clock
  log: Log
  closing: () => boolean
}) {
  const { redis, store, seen, prefix, terms, vouched, times, clock, log, closing } = options
  const key = keysOf(prefix).epoch
  let shut: string | null = 'redis was not looked at yet'
  let found: (faults: string[]) => void
  /** What the gate said first; stays pending as long as Redis cannot be asked. */
  const first = new Promise<string[]>((resolve) => {
    found = resolve
  })

  async function passGate(): Promise<boolean> {
    const infos = await infosOf(redis, key)
    const faults = gateFaults(infos, terms)
    found(faults)
    const said = faults.join('; ') || null
    if (said && said !== shut) log.error({}, `nobody is dialed: ${said}`)
    shut = said
    if (said) return false
    for (const warning of gateWarnings(infos, terms)) log.warn({}, warning)
    return true
  }

  async function readEpoch() {
    if (vouched) await store.vouch()
    seen.epoch = (await redis.get(key)) ?? ''
    if (seen.epoch) return
    log.error(
      {},
      'this store has no do-not-call list and nobody is dialed: DNC_SOURCE=none, or POST /control/resume, says that this is right',
    )
  }

  async function open() {
    for (;;) {
      try {
        if (shut === null || (await passGate())) return await readEpoch()
      } catch (error) {
        if (closing()) return
        log.error({ err: error }, 'the store cannot be asked for its epoch, and nobody is dialed: trying again')
      }
      if (closing()) return
      await clock.delay(times.idle)
    }
  }

  return {
    open,
    first,
    /** Why the gate is shut; null once the servers have passed. */
    shut: () => shut,
  }
}
