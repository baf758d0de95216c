import { Pool } from 'undici'
import type { DialAnswer, Report, Sighting, Voice } from '../dialing/voice.ts'
import { dialAnswer } from './answers.ts'
import { type Exchange, exchange } from './exchange.ts'
import { type Fields, fieldsOf, listOf, parsed, textOf, written } from './fields.ts'
import { open } from './mail.ts'
import { callIdOf, ended, growing, requestIdOf } from './record.ts'
import { type CallSettings, dialBody } from './request.ts'
import { retryAfterMs } from './retry-after.ts'

export interface BlandOptions {
  /** Origin of the API. */
  baseUrl: string
  /** Sent raw in `authorization`, without `Bearer`. */
  apiKey: string
  settings: CallSettings
  /** Most dials under way at once: each has a socket of its own, so that none waits unseen in a queue. */
  permits: number
  /** Bounds of connecting, of waiting for an answer's headers, and between two pieces of its body. */
  timeouts: { connectMs: number; headersMs: number; bodyMs: number }
  /** Epoch ms. Only read where a record may still grow. */
  now?: () => number
}

const KB = 1024
const LARGEST_ANSWER = 64 * KB
/** A long call's record is some 6 MB; its webhook is taken up to 10. */
const LARGEST_RECORD = 16 * KB * KB

const LOOK_SOCKETS = 4
/** Sockets close well before a server would close them: a request written into a closing one is lost. */
const KEEP_ALIVE_MS = 2_000
const UNSENT_WAIT_MS = 5_000
/** Bland's clock and ours may differ. */
const CLOCK_SLACK_MS = 300_000
/** A record that still grows so long after its call has ended never will. */
const GROWS_AT_MOST_MS = 600_000

const lastTen = (phone: unknown): string => (textOf(phone) ?? '').replace(/\D/g, '').slice(-10)

const unavailable = (exchange: Exchange): { kind: 'unavailable'; reason: string } => ({
  kind: 'unavailable',
  reason: exchange.kind === 'answered' ? `http_${exchange.status}` : exchange.reason,
})

/** Nobody was rung. Giving up or closing is our own doing and says nothing of Bland's health. */
function unsent(reason: string): DialAnswer {
  if (reason === 'invalid_request') return { kind: 'stopped', reason, scope: 'settings' }
  const ours = reason === 'aborted' || reason === 'closed'
  return { kind: 'later', reason, waitMs: UNSENT_WAIT_MS, scope: ours ? 'number' : 'account' }
}

/** Bland as a voice (https://docs.bland.ai/api-v1/post/calls). Closing it breaks off what is under way: the runner has waited for it. */
export function createBland(options: BlandOptions): Voice & { close(): Promise<void> } {
  const { settings, permits, timeouts, now = Date.now } = options
  const pool = (connections: number) =>
    new Pool(new URL(options.baseUrl).origin, {
      connections,
      pipelining: 1,
      connectTimeout: timeouts.connectMs,
      headersTimeout: timeouts.headersMs,
      bodyTimeout: timeouts.bodyMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
    })
  // A look-up must never keep a dial waiting for a socket.
  const dials = pool(permits)
  const looks = pool(LOOK_SOCKETS)
  let closing: Promise<void> | undefined
  const headers = { authorization: options.apiKey, accept: 'application/json' }

  const get = (path: string, signal: AbortSignal) =>
    exchange(looks, { method: 'GET', path, headers, maxBytes: LARGEST_RECORD, signal })

  /** One call's record; `unknown` when Bland says in its own words that it has none. */
  async function lookUp(callId: string, signal: AbortSignal) {
    const answer = await get(`/v1/calls/${encodeURIComponent(callId.toWellFormed())}`, signal)
    if (answer.kind !== 'answered') return unavailable(answer)
    const record = fieldsOf(parsed(answer.body))
    if (record === null) return unavailable(answer)
    if (answer.status === 200 && callIdOf(record) === callId) {
      return { kind: 'record' as const, record, bytes: answer.body }
    }
    const denied = record.status === 'error' || listOf(record.errors).length > 0
    return answer.status === 404 || (denied && [200, 400].includes(answer.status))
      ? { kind: 'unknown' as const }
      : unavailable(answer)
  }

  /** The completion as Bland once sent it, or null (https://docs.bland.ai/api-v1/get/postcall-webhooks). */
  async function sentCompletion(callId: string, signal: AbortSignal): Promise<Buffer | null> {
    const answer = await get(`/v1/postcall/webhooks/${encodeURIComponent(callId.toWellFormed())}`, signal)
    if (answer.kind !== 'answered' || answer.status !== 200) return null
    const payload = fieldsOf(fieldsOf(parsed(answer.body))?.data)?.payload
    const json = typeof payload === 'string' ? payload : written(payload)
    if (json === null) return null
    const bytes = Buffer.from(json)
    const mail = open(bytes)
    return mail.kind === 'completion' && mail.callId === callId ? bytes : null
  }

  return {
    async dial(order, signal): Promise<DialAnswer> {
      const answer = await exchange(dials, {
        method: 'POST',
        path: '/v1/calls',
        headers: { ...headers, 'content-type': 'application/json' },
        body: dialBody(settings, order),
        maxBytes: LARGEST_ANSWER,
        signal,
      })
      if (answer.kind === 'broken') return { kind: 'lost', reason: answer.reason }
      if (answer.kind === 'unsent') return unsent(answer.reason)
      return dialAnswer(answer.status, answer.body.toString(), retryAfterMs(answer.headers))
    },

    /** Bland's list carries no metadata and its filters are not trusted, so every candidate is asked for by its id. */
    async find({ requestId, phone, sinceMs }, signal): Promise<Sighting> {
      const query = new URLSearchParams({
        to_number: phone,
        start_date: new Date(sinceMs - CLOCK_SLACK_MS).toISOString(),
      })
      const answer = await get(`/v1/calls?${query}`, signal)
      if (answer.kind !== 'answered' || answer.status !== 200) return unavailable(answer)
      const list = fieldsOf(parsed(answer.body))?.calls
      if (!Array.isArray(list)) return { kind: 'unavailable', reason: 'no_list' }

      const candidates = list
        .map(fieldsOf)
        .filter((item): item is Fields => item !== null && ['', lastTen(phone)].includes(lastTen(item.to)))
      let seenElse: Sighting | undefined
      for (const callId of new Set(candidates.map(callIdOf))) {
        if (callId === null) continue
        const seen = await lookUp(callId, signal)
        if (seen.kind === 'record' && requestIdOf(seen.record) === requestId) return { kind: 'found', callId }
        if (seen.kind === 'unavailable') seenElse = seen
        else if (seen.kind === 'record' && !ended(seen.record)) seenElse ??= { kind: 'engaged' }
      }
      return seenElse ?? { kind: 'unseen' }
    },

    async report(callId, signal): Promise<Report> {
      const sent = await sentCompletion(callId, signal)
      if (sent !== null) return { kind: 'finished', bytes: sent }
      const seen = await lookUp(callId, signal)
      if (seen.kind !== 'record') return seen
      const { record, bytes } = seen
      const unread = growing(record) && now() - Date.parse(textOf(record.end_at) ?? '') < GROWS_AT_MOST_MS
      return ended(record) && !unread ? { kind: 'finished', bytes } : { kind: 'live' }
    },

    close() {
      closing ??= Promise.all([dials.destroy(), looks.destroy()]).then(() => {})
      return closing
    },
  }
}
