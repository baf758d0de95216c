import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Timers } from '../simulator/clock.ts'
import type { Ledger } from '../simulator/ledger.ts'
import type { Account } from './account.ts'
import type { ConvosoDials } from './dials.ts'
import { type Envelope, endpoints } from './endpoints.ts'
import type { ConvosoEntry, Manners } from './entries.ts'
import type { FaultPicker, Trouble } from './faults.ts'
import { breaches, ENDPOINTS, type Endpoint, type Params } from './fields.ts'
import { isStatus } from './statuses.ts'
import type { Meter } from './tally.ts'

interface Options {
  token: string
  now: () => number
  timers: Timers
  ledger: Ledger<ConvosoEntry>
  dials: () => ConvosoDials
  isOut: () => boolean
  account: Account
  picker: FaultPicker
  meter: Meter
}

const htmlPage = (title: string) =>
  `<!DOCTYPE html><html><head><title>${title}</title></head><body>${title}</body></html>`

/**
 * Convoso's API: GET or POST, parameters from query and form alone (a JSON body is not read), failures as HTTP 200 with
 * `success: false`, a page of HTML for an unknown path. https://help.convoso.com/hc/en-us/articles/360017016313
 */
export const convosoRoutes =
  ({ token, now, timers, ledger, dials, isOut, account, picker, meter }: Options): FastifyPluginAsync =>
  async (app) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_, text, done) => {
      done(null, Object.fromEntries(new URLSearchParams(text as string)))
    })
    app.addContentTypeParser('*', { parseAs: 'string' }, (_, _text, done) => done(null, {}))
    app.setNotFoundHandler((_, reply) => reply.code(404).type('text/html').send(htmlPage('404 Not Found')))

    function observe(endpoint: Endpoint, request: FastifyRequest, params: Params): void {
      const lead_id = params.lead_id ?? null
      const seen: [Manners, boolean][] = [
        ['token in the URL', 'auth_token' in (request.query as object)],
        ['JSON body', (request.headers['content-type'] ?? '').includes('json')],
        ['bad token', params.auth_token !== token],
      ]
      for (const [rule, is] of seen) if (is) ledger.record({ what: 'violation', endpoint, lead_id, rule, field: '' })
      for (const breach of breaches(endpoint, params, isStatus)) {
        ledger.record({ what: 'violation', endpoint, lead_id, ...breach })
      }
    }

    for (const endpoint of ENDPOINTS) {
      const { writes, answer } = endpoints[endpoint]
      app.route({
        method: ['GET', 'POST'],
        url: `/v1/${endpoint}`,
        async handler(request, reply) {
          const admitted = meter.admit(dials().rps)
          const params: Params = Object.assign({}, request.query, request.body)
          const { auth_token, ...rest } = params
          const { method } = request
          const [lead_id, call_log_id] = [params.lead_id ?? null, params.call_log_id ?? null]
          const about = { endpoint, method, lead_id, call_log_id, params: rest, host: request.host, came_ms: now() }
          const refuse = (reason: string) =>
            ledger.record({ what: writes ? 'refused' : 'read', reason, fault: null, ...about })

          observe(endpoint, request, params)
          if (isOut()) {
            refuse('outage')
            return reply.code(503).type('text/html').send(htmlPage('503 Service Unavailable'))
          }
          if (!admitted) {
            refuse('rps')
            return reply.code(429).send(TOO_MANY)
          }
          const trouble = picker.next(endpoint, lead_id ?? call_log_id ?? params.phone_number ?? '')
          await timers.wait(trouble.waitMs)
          if (trouble.name !== null && !TAKES_EFFECT.has(trouble.name)) {
            refuse(trouble.name)
            return spoil(request, reply, trouble)
          }
          const envelope = auth_token === token ? answer(params, account, dials().strict_leads) : BAD_TOKEN
          if (writes && !envelope.success) refuse(`${envelope.code} ${envelope.text}`)
          else ledger.record({ what: writes ? 'write' : 'read', fault: trouble.name, ...about })
          return trouble.name === null ? reply.send(envelope) : spoil(request, reply, trouble, envelope)
        },
      })
    }
  }

const BAD_TOKEN: Envelope = { success: false, code: 5001, text: 'Invalid authorization token' }
const TOO_MANY = { success: false, code: 429, text: 'Too Many Requests' }
const TAKES_EFFECT = new Set(['truncated', 'reset_after'])

function spoil(
  request: FastifyRequest,
  reply: FastifyReply,
  { name, faults }: Trouble,
  envelope?: Envelope,
): FastifyReply {
  switch (name) {
    case 'too_many': {
      const seconds = faults.too_many?.retry_after
      if (seconds !== undefined) reply.header('retry-after', seconds)
      return reply.code(429).send(TOO_MANY)
    }
    case 'server_error':
      return reply
        .code(faults.server_error?.status ?? 500)
        .type('text/html')
        .send(htmlPage('Server Error'))
    case 'html':
      return reply.type('text/html').send(htmlPage('Maintenance'))
    case 'empty':
      return reply.type('application/json').send('')
    case 'success_false': {
      const { code = 9999, text = 'Something went wrong' } = faults.success_false ?? {}
      return reply.send({ success: false, code, text })
    }
    case 'truncated':
      return reply.type('application/json').send(JSON.stringify(envelope).slice(0, -6))
    default:
      reply.hijack()
      request.raw.socket.resetAndDestroy()
      return reply
  }
}
