import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import { seeded } from '../seeded.ts'
import type { Clock } from '../simulator/clock.ts'
import type { Ledger } from '../simulator/ledger.ts'
import { type Answer, ENDED, NO_SUCH_CALL, NOT_LIVE, SERVER_ERROR } from './answers.ts'
import type { BlandDials } from './dials.ts'
import type { BlandEntry } from './entries.ts'
import type { Call, Exchange } from './exchange.ts'
import type { Life } from './life.ts'
import { liveRecord, type Payload, unsettled } from './payloads.ts'

interface Options {
  seed: number
  clock: Clock
  ledger: Ledger<BlandEntry>
  dials: () => BlandDials
  exchange: Exchange
  life: Life
}

const USER_ID = 'simulated-user'
/** The fields of a list item: no metadata, no variables, no transcript. https://docs.bland.ai/api-v1/get/calls */
const LISTED = [
  'call_id created_at call_length to from completed queue_status error_message answered_by batch_id inbound',
].flatMap((names) => names.split(' '))

/** Everything about calls that rings nobody: list, record, stored webhook, stop. */
export const lookupRoutes =
  ({ seed, clock, ledger, dials, exchange, life }: Options): FastifyPluginAsync =>
  async (app) => {
    let asked = 0
    app.addHook('onRequest', async (request, reply) => {
      const fails = seeded(seed, `GET #${asked++}`).hits(dials().lookup_error)
      if (fails && request.method === 'GET') return give(reply, SERVER_ERROR)
    })
    app.addHook('onResponse', async ({ method, url }, { statusCode }) => {
      ledger.record({ what: 'asked', method, url, status: statusCode })
    })

    const known = (callId: string): Call | undefined => {
      const call = exchange.call(callId)
      return call?.plan.forgotten ? undefined : call
    }

    function recordOf(call: Call): Payload {
      if (call.payload === null) return liveRecord(call)
      const settled = clock.now() - (call.endedAtMs ?? 0) >= dials().settle_ms
      return settled ? call.payload : unsettled(call.payload)
    }

    app.get<{ Querystring: Record<string, string | undefined> }>('/v1/calls', async ({ query }) => {
      const visible = clock.now() - dials().list_lag_ms
      const records = exchange.calls().filter(({ createdAtMs, plan }) => createdAtMs <= visible && !plan.forgotten)
      const found = filtered(records, query)
      const [from, to] = [Number(query.from ?? 0), Number(query.to ?? Number.POSITIVE_INFINITY)]
      const page = found.slice(from, Math.min(to, from + Number(query.limit ?? 1000))).map(recordOf)
      const calls = page.map((record) => Object.fromEntries(LISTED.map((name) => [name, record[name] ?? null])))
      return { count: calls.length, total_count: found.length, calls }
    })

    app.get<{ Params: { id: string } }>('/v1/calls/:id', async ({ params }, reply) => {
      const call = known(params.id)
      if (!call) return give(reply, NO_SUCH_CALL)
      const { requestData, webhook } = call.order
      return { ...recordOf(call), request_data: requestData, endpoint_url: webhook, analysis: null }
    })

    app.post<{ Params: { id: string } }>('/v1/calls/:id/stop', async ({ params }, reply) => {
      const call = known(params.id)
      if (!call || call.endedAtMs !== null) return give(reply, NOT_LIVE)
      void life.finish(call, 'CANCELED')
      return give(reply, ENDED)
    })

    app.get<{ Params: { id: string } }>('/v1/postcall/webhooks/:id', async ({ params }) => {
      const call = known(params.id)
      if (!call?.sent) return { data: null, errors: [{ error: 'NOT_FOUND', message: 'No webhook was sent.' }] }
      const { url, atMs, tries } = call.sent
      const payload = call.plan.strip ? { ...call.payload, metadata: {} } : call.payload
      const metadata = tries.map((attempt) => ({ ...attempt, send_type: 'spawn' }))
      const created_at = new Date(atMs).toISOString()
      return { data: { payload, url, created_at, call_id: call.callId, user_id: USER_ID, metadata }, errors: null }
    })
  }

/** Numbers are compared as they are: a `+` that was not escaped arrives as a space and matches nothing. */
function filtered(calls: Call[], query: Record<string, string | undefined>): Call[] {
  const { to_number, start_date, end_date, completed } = query
  const since = start_date === undefined ? Number.NEGATIVE_INFINITY : Date.parse(start_date)
  const until = end_date === undefined ? Number.POSITIVE_INFINITY : Date.parse(end_date)
  const found = calls.filter(
    ({ order, createdAtMs, endedAtMs }) =>
      (to_number === undefined || order.phone === to_number) &&
      createdAtMs >= since &&
      createdAtMs < until &&
      (completed === undefined || (endedAtMs !== null) === (completed === 'true')),
  )
  return query.ascending === 'true' ? found : found.reverse()
}

const give = (reply: FastifyReply, { status, body }: Answer) => reply.code(status).send(body)
