import { createHash } from 'node:crypto'
import { Agent, request } from 'undici'
import type { Clock, Timers } from '../simulator/clock.ts'
import type { Ledger } from '../simulator/ledger.ts'
import type { BlandEntry } from './entries.ts'
import type { Call } from './exchange.ts'
import type { Payload } from './payloads.ts'
import { sign } from './sign.ts'

type Kind = Extract<BlandEntry, { what: 'mail' }>['kind']

export interface Sender {
  /** Posts `payload` to the call's webhook until it is answered 2xx or the resends are used up. Never rejects. */
  send(call: Call, kind: Kind, payload: Payload, copy?: number): Promise<void>
  close(): Promise<void>
}

/** Bland names no time limit; an answer is expected within this. */
const PATIENCE_MS = 10_000

interface Options {
  clock: Clock
  timers: Timers
  ledger: Ledger<BlandEntry>
  secret: string | null
}

/** Posts webhooks as Bland does, signed over exactly the bytes that are sent. */
export function createSender({ clock, timers, ledger, secret }: Options): Sender {
  const agent = new Agent({ headersTimeout: PATIENCE_MS, bodyTimeout: PATIENCE_MS })

  async function post(url: string, bytes: Buffer, signature: string | null) {
    const headers = { 'content-type': 'application/json', ...(signature && { 'x-webhook-signature': signature }) }
    try {
      // A connection of its own, as from a vendor's many workers: behind a balancer every instance gets its share.
      const answer = await request(url, { method: 'POST', headers, body: bytes, dispatcher: agent, reset: true })
      await answer.body.dump()
      return { status: answer.statusCode, error: null }
    } catch (error) {
      return { status: 0, error: error instanceof Error ? error.message : String(error) }
    }
  }

  return {
    async send(call, kind, payload, copy = 1) {
      const url = call.order.webhook
      if (url === null) return
      const bytes = Buffer.from(JSON.stringify(payload))
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const { signing, resends, resendMs } = call.plan
      const key = signing === 'wrong' ? `not ${secret}` : secret
      const signature = signing === 'none' || key === null ? null : sign(bytes, key)
      const { callId: call_id } = call
      const lead_id = call.order.leadId

      for (let attempt = 1; attempt <= resends + 1; attempt += 1) {
        const startedMs = clock.now()
        const { status, error } = await post(url, bytes, signature)
        const took_ms = clock.now() - startedMs
        const said = { url, bytes: bytes.length, sha256, signature, status, error, took_ms }
        ledger.record({ what: 'mail', kind, call_id, lead_id, copy, attempt, ...said })
        if (kind === 'completion') remember(call, url, startedMs, status, took_ms)
        if (status >= 200 && status < 300) return
        if (attempt <= resends) await timers.wait(resendMs)
      }
    },
    close: () => agent.destroy(),
  }
}

function remember(call: Call, url: string, atMs: number, status: number, tookMs: number): void {
  call.sent ??= { url, atMs, tries: [] }
  call.sent.tries.push({
    sent_at: new Date(atMs).toISOString(),
    response_code: status,
    response_time: `${Math.round(tookMs)}ms`,
  })
}
