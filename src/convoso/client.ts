import { Pool } from 'undici'
import type { Crm, Write } from '../delivery/crm.ts'
import { accountTime } from './account-time.ts'
import { type Answer, type Endpoint, type Failure, later, read, readLeads, unanswered } from './answers.ts'
import { isId, leadParams, logParams, type Params } from './params.ts'
import { createStanding, LEAD_WRITE } from './standing.ts'
import { type StatusTable, statusOf } from './statuses.ts'

export interface ConvosoOptions {
  /** Origin of the API; paths begin with /v1. */
  origin: string
  /** Sent in every body as `auth_token`, never in a URL. */
  token: string
  statuses: StatusTable
  /** IANA name of the account's time zone: its times come without one. */
  timeZone: string
  /** A lead that was modified so little after a call began, in ms, was not modified because of what came of it. */
  skewMs: number
  /** Longest time for one request and its whole answer, in ms. */
  timeoutMs: number
  /** Sockets, and so the most requests at once; 32. */
  connections?: number
  /**
   * Longest value of a field, in characters; 60,000. Convoso publishes no limit; this stays below what a text column
   * of 64 kB holds, so that a transcript is cut by us, visibly, and not by it.
   */
  longest?: number
  /** Epoch ms. Only read where a Retry-After names a date. */
  now?: () => number
}

/** A search shows whole transcripts, for which six bytes a character are possible in JSON. */
const LARGEST_ANSWER_BYTES = 4_194_304

/**
 * Convoso as a CRM: `leads/update` for every outcome, then `log/update` when the lead came with a call log; `leads/search`,
 * by lead id alone, for what it has of a lead. Each send is one form POST at most and nothing is repeated here; both
 * endpoints set values, so that a repeat is harmless.
 * A lead without a usable id is never sent. `close` breaks off requests under way: the runner has waited for them.
 */
export function createConvoso(options: ConvosoOptions): Crm & { close(): Promise<void> } {
  const { token, statuses, timeoutMs, connections = 32, longest = 60_000, now = Date.now } = options
  const standingOf = createStanding({ statuses, skewMs: options.skewMs, accountTime: accountTime(options.timeZone) })
  const pool = new Pool(options.origin, { connections, maxResponseSize: LARGEST_ANSWER_BYTES })
  let closing: Promise<void> | undefined

  async function post<T>(
    endpoint: Endpoint,
    params: Params,
    signal: AbortSignal,
    understood: (answer: Answer, nowMs: number) => T,
  ): Promise<T | Failure> {
    if (signal.aborted) return later(`${endpoint} aborted`)
    const deadline = bounded(timeoutMs, signal)
    try {
      const response = await pool.request({
        method: 'POST',
        path: `/v1/${endpoint}`,
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'application/json',
          'user-agent': 'awh-outbound-orchestrator',
        },
        body: new URLSearchParams({ ...params, auth_token: token }).toString(),
        signal: deadline.signal,
      })
      const body = await response.body.text()
      return understood({ status: response.statusCode, headers: response.headers, body }, now())
    } catch (error) {
      if (signal.aborted) return later(`${endpoint} aborted`)
      return deadline.signal.aborted ? later(`${endpoint} timed_out`) : unanswered(endpoint, error)
    } finally {
      deadline.clear()
    }
  }

  const write = (endpoint: Endpoint, params: Params, signal: AbortSignal) =>
    post(endpoint, params, signal, (answer, nowMs) => read(endpoint, answer, nowMs))

  return {
    async standing(report, since, signal) {
      // Id 0 would find everybody; and the write itself says what is wrong with it.
      if (!isId(report.leadId)) return { kind: 'open' }
      const found = await post('leads/search', { lead_id: report.leadId.trim() }, signal, readLeads)
      return found.kind === 'leads' ? standingOf(found.leads, report, since) : found
    },
    writesFor: ({ callLogId }) => (isId(callLogId) ? 2 : 1),
    writes(report, { keepDisposition = false } = {}): Write[] {
      const { leadId, callLogId } = report
      const status = keepDisposition ? null : statusOf(statuses, report.verdict)
      const lead: Write = {
        name: LEAD_WRITE,
        send: async (signal) =>
          isId(leadId)
            ? write('leads/update', leadParams(report, status, longest), signal)
            : { kind: 'never', reason: 'leads/update lead_id_missing' },
      }
      if (!isId(callLogId)) return [lead]
      const log: Write = {
        name: 'log/update',
        send: (signal) => write('log/update', logParams(report, callLogId, longest), signal),
      }
      return [lead, log]
    },
    close: () => (closing ??= pool.destroy()),
  }
}

/**
 * A signal that aborts with `outer` or after `ms`. Not AbortSignal.any over AbortSignal.timeout: on Node 20 that pair
 * can be collected as garbage before it fires.
 */
function bounded(ms: number, outer: AbortSignal): { signal: AbortSignal; clear(): void } {
  const inner = new AbortController()
  const abort = () => inner.abort()
  const timer = setTimeout(abort, ms)
  outer.addEventListener('abort', abort, { once: true })
  return {
    signal: inner.signal,
    clear() {
      clearTimeout(timer)
      outer.removeEventListener('abort', abort)
    },
  }
}
