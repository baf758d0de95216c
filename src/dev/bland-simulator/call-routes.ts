import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { seeded } from '../seeded.ts'
import type { Clock, Timers } from '../simulator/clock.ts'
import type { Ledger } from '../simulator/ledger.ts'
import * as answers from './answers.ts'
import type { BlandDials } from './dials.ts'
import type { BlandEntry } from './entries.ts'
import type { Call, Exchange } from './exchange.ts'
import type { Life } from './life.ts'
import { type Order, phoneOf, readOrder } from './order.ts'
import { type After, type Before, type Plan, planOf } from './plan.ts'
import type { Scripts } from './scripts.ts'

interface Options {
  seed: number
  clock: Clock
  timers: Timers
  ledger: Ledger<BlandEntry>
  dials: () => BlandDials
  scripts: Scripts
  exchange: Exchange
  life: Life
}

type Ending = answers.Answer | 'dropped' | 'hung'

const ENDINGS: Record<Before | After, Ending> = {
  rate_limited: answers.RATE_LIMITED,
  error_before: answers.SERVER_ERROR,
  drop_before: 'dropped',
  hang_before: 'hung',
  error_after: answers.TRIGGER_ERROR,
  unable_after: answers.UNABLE,
  html_after: answers.GATEWAY,
  no_id_after: answers.QUEUED_WITHOUT_ID,
  drop_after: 'dropped',
  hang_after: 'hung',
}

/** `POST /v1/calls`: the one request that makes a telephone ring. https://docs.bland.ai/api-v1/post/calls */
export const callRoutes =
  ({ seed, clock, timers, ledger, dials, scripts, exchange, life }: Options): FastifyPluginAsync =>
  async (app) => {
    const attempts = new Map<string, number>()

    /** A refusal that depends on the number and on what is under way; checked in the same breath as placing. */
    function refused(order: Order, { refusals, same_number_ms, concurrency }: BlandDials): answers.Answer | null {
      const kind = refusals[order.phone] ?? refusals['*']
      if (kind) return answers.refusal(kind)
      if (clock.now() - exchange.lastPlacedMs(order.phone) < same_number_ms) return answers.SAME_NUMBER
      return concurrency > 0 && exchange.live() >= concurrency ? answers.TOO_MANY_LIVE : null
    }

    function place(order: Order, plan: Plan, overrides: Call['overrides']): Call {
      const { callId } = plan
      const call: Call = {
        ...{ callId, order, plan, overrides, createdAtMs: clock.now() },
        ...{ endedAtMs: null, payload: null, sent: null },
      }
      exchange.place(call)
      const { phone, leadId } = order
      const { scene, forgotten } = plan
      ledger.record({ what: 'placed', call_id: callId, phone_number: phone, lead_id: leadId, scene, forgotten })
      return call
    }

    app.post('/v1/calls', async (request, reply) => {
      const order = readOrder(request.body)
      const phone = 'phone' in order ? order.phone : (phoneOf(phoneField(request.body)) ?? '')
      const leadId = 'phone' in order ? order.leadId : null
      const attempt = (attempts.get(phone) ?? 0) + 1
      attempts.set(phone, attempt)
      const about = { attempt, phone_number: phone, lead_id: leadId }
      ledger.record({ what: 'dial', ...about, host: request.host, body: request.body })

      function answer(ending: Ending, callId: string | null = null) {
        const { status, body } = typeof ending === 'string' ? { status: ending, body: null } : ending
        ledger.record({ what: 'answer', ...about, call_id: callId, status, body })
        return give(request, reply, ending)
      }
      if (!('phone' in order)) return answer(order)

      const { scene, overrides, faults } = scripts.next(order)
      const inForce = { ...dials(), ...faults }
      const plan = planOf(inForce, scene, seeded(seed, `${phone}#${attempt}`))
      await timers.wait(plan.answerMs)
      const no = refused(order, inForce)
      if (no) return answer(no)
      if (plan.before) return answer(ENDINGS[plan.before])

      const call = place(order, plan, overrides)
      if (plan.early) await life.finish(call)
      else life.start(call)
      await timers.wait(plan.answerLateMs)
      return answer(plan.after ? ENDINGS[plan.after] : answers.placed(call.callId), call.callId)
    })
  }

const phoneField = (body: unknown) =>
  typeof body === 'object' && body !== null && 'phone_number' in body ? body.phone_number : null

/** Sends an answer, cuts the socket, or leaves the client waiting until it or the simulator gives up. */
function give(request: FastifyRequest, reply: FastifyReply, ending: Ending): FastifyReply {
  if (typeof ending === 'object') {
    if (typeof ending.body === 'string') reply.type('text/html')
    return reply.code(ending.status).send(ending.body)
  }
  reply.hijack()
  if (ending === 'dropped') request.raw.socket.destroy()
  return reply
}
