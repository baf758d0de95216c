import { Agent, request } from 'undici'
import type { Clock } from '../simulator/clock.ts'
import type { Ledger } from '../simulator/ledger.ts'
import type { ConvosoEntry, Encoding } from './entries.ts'

export interface SendOrder {
  /** The webhook, e.g. `http://127.0.0.1:3000/webhooks/awhealth-outbound`. */
  url: string
  lead: Record<string, unknown>
  /** Convoso Connect's "RAW" is `form`. Default `json`. */
  encoding?: Encoding
  /** Goes into header `x-webhook-secret`. */
  secret?: string
}

/** How the webhook answered; `status` 0 and `error` when it did not. */
export interface Sent {
  status: number
  body: unknown
  error: string | null
  took_ms: number
}

export interface LeadSender {
  /** Posts a lead once, as Convoso Connect does: it never tries again. Never rejects. */
  send(order: SendOrder): Promise<Sent>
  close(): Promise<void>
}

export function createLeadSender(clock: Clock, ledger: Ledger<ConvosoEntry>): LeadSender {
  const agent = new Agent()

  return {
    async send({ url, lead, encoding = 'json', secret }) {
      const [type, body] =
        encoding === 'json'
          ? ['application/json', JSON.stringify(lead)]
          : [FORM, new URLSearchParams(texts(lead)).toString()]
      const headers = { 'content-type': type, ...(secret !== undefined && { 'x-webhook-secret': secret }) }
      const startedMs = clock.now()
      const answer = await post(url, headers, body)
      const sent = { ...answer, took_ms: clock.now() - startedMs }
      ledger.record({ what: 'sent', url: bare(url), encoding, lead, ...sent })
      return sent
    },
    close: () => agent.destroy(),
  }

  async function post(url: string, headers: Record<string, string>, body: string) {
    try {
      // A connection of its own: behind a balancer every instance gets its share.
      const answer = await request(url, { method: 'POST', headers, body, dispatcher: agent, reset: true })
      return { status: answer.statusCode, body: parsed(await answer.body.text()), error: null }
    } catch (error) {
      return { status: 0, body: null, error: error instanceof Error ? error.message : String(error) }
    }
  }
}

const FORM = 'application/x-www-form-urlencoded'
/** The query may carry the webhook's secret. */
const bare = (url: string) => url.replace(/\?.*$/, '')
/** A form has no nulls: Convoso sends blanks. */
const texts = (lead: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(Object.entries(lead).map(([name, value]) => [name, String(value ?? '')]))

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
