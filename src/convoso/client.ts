import { Pool } from 'undici'
import type { Crm, OutcomeReport, Write, WriteAnswer } from '../delivery/crm.ts'
import { type Endpoint, later, read, unanswered } from './answers.ts'
import { isId, leadParams, logParams, type Params } from './params.ts'
import type { StatusTable } from './statuses.ts'

export interface ConvosoOptions {
  /** Origin of the API; paths begin with /v1. */
  origin: string
  /** Sent in every body as `auth_token`, never in a URL. */
  token: string
  statuses: StatusTable
  /** Longest time for one request and its whole answer, in ms. */
  timeoutMs: number
  /** Sockets, and so the most requests at once; 32. */
  connections?: number
  /**
   * Longest value of a field, in characters; 60,000. Convoso publishes no limit; this stays below what a text column
   * of 64 kB holds, so that a transcript is cut by us, visibly, and not by it.
   */
  longest?: number
  /** Epoch ms. Only read where Convoso names a date. */
  now?: () => number
}

const LARGEST_ANSWER_BYTES = 65_536

/**
 * Convoso as a CRM: `leads/update` for every outcome, then `log/update` when the lead came with a call log. Each send is
 * one form POST at most and nothing is repeated here; both endpoints set values, so that a repeat is harmless.
 * A lead without a usable id is never sent. `close` breaks off requests under way: the runner has waited for them.
 */
export function createConvoso(options: ConvosoOptions): Crm & { close(): Promise<void> } {
  const { token, statuses, timeoutMs, connections = 32, longest = 60_000, now = Date.now } = options
  const pool = new Pool(options.origin, { connections, maxResponseSize: LARGEST_ANSWER_BYTES })
  let closing: Promise<void> | undefined

  async function post(endpoint: Endpoint, params: Params, signal: AbortSignal): Promise<WriteAnswer> {
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
      return read(endpoint, { status: response.statusCode, headers: response.headers, body }, now())
    } catch (error) {
      if (signal.aborted) return later(`${endpoint} aborted`)
      return deadline.signal.aborted ? later(`${endpoint} timed_out`) : unanswered(endpoint, error)
    } finally {
      deadline.clear()
    }
  }

  return {
    writesFor: ({ callLogId }) => (isId(callLogId) ? 2 : 1),
    writes(report: OutcomeReport): Write[] {
      const { leadId, callLogId } = report
      const lead: Write = {
        name: 'leads/update',
        send: async (signal) =>
          isId(leadId)
            ? post('leads/update', leadParams(report, statuses, longest), signal)
            : { kind: 'never', reason: 'leads/update lead_id_missing' },
      }
      if (!isId(callLogId)) return [lead]
      const log: Write = {
        name: 'log/update',
        send: (signal) => post('log/update', logParams(report, callLogId, longest), signal),
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
