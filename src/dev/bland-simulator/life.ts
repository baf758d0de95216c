import type { Clock, Timers } from '../simulator/clock.ts'
import type { Ledger } from '../simulator/ledger.ts'
import { enrichment, inCallEvents } from './asides.ts'
import type { BlandEntry } from './entries.ts'
import type { Call, Exchange } from './exchange.ts'
import { padded } from './padding.ts'
import { completionOf, type Payload } from './payloads.ts'
import type { SceneName } from './scenes.ts'
import type { Sender } from './sender.ts'

/** What happens to a call from being placed to its last webhook. */
export interface Life {
  /** Lets the call run its planned course. */
  start(call: Call): void
  /** Ends the call at once; resolves when its completion was posted, or when it is clear that none will be yet. */
  finish(call: Call, scene?: SceneName): Promise<void>
}

interface Options {
  clock: Clock
  timers: Timers
  ledger: Ledger<BlandEntry>
  exchange: Exchange
  sender: Sender
}

export function createLife({ clock, timers, ledger, exchange, sender }: Options): Life {
  function end(call: Call, scene: SceneName): Payload {
    const { callId, order, plan } = call
    const endedAtMs = clock.now()
    const record = completionOf(scene, { ...call, endedAtMs }, call.overrides)
    const payload = plan.padBytes > 0 ? padded(record, plan.padBytes) : record
    exchange.end(call, payload, endedAtMs)
    ledger.record({ what: 'ended', call_id: callId, phone_number: order.phone, lead_id: order.leadId, scene })
    return payload
  }

  async function complete(call: Call, payload: Payload): Promise<void> {
    const { callId, plan } = call
    const posted = plan.strip ? { ...payload, metadata: {} } : payload
    plan.copiesMs.forEach((afterMs, index) => {
      timers.after(afterMs, () => void sender.send(call, 'completion', posted, index + 2))
    })
    await sender.send(call, 'completion', posted)
    if (plan.enrichment === null) return
    void sender.send(call, 'enrichment', enrichment(callId, clock.now(), plan.enrichment))
  }

  async function finish(call: Call, scene = call.plan.scene): Promise<void> {
    if (call.endedAtMs !== null) return
    const payload = end(call, scene)
    const { completionMs } = call.plan
    if (completionMs === null) return
    if (completionMs === 0) await complete(call, payload)
    else timers.after(completionMs, () => void complete(call, payload))
  }

  return {
    start(call) {
      if (call.plan.events) {
        for (const event of inCallEvents(call.callId)) void sender.send(call, 'event', event)
      }
      timers.after(call.plan.callMs, () => void finish(call))
    },
    finish,
  }
}
