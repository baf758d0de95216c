import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { STATES } from '../calls/call.ts'
import type { CallView } from '../calls/views.ts'
import { within } from '../calls/within.ts'
import { Conflict, NotFound } from '../errors.ts'
import { adminOnly } from './admin.ts'

const iso = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())

/** A call as people see it: where it stands, what happens next and when, and how it came there. Nothing personal. */
function shown({ call, dueAt }: CallView) {
  return {
    request_id: call.requestId,
    call_id: call.callId,
    lead_id: call.lead.leadId,
    list_id: call.lead.listId,
    state: call.state,
    due_at: iso(dueAt),
    waits_for: call.waitsFor,
    outcome: call.verdict?.outcome ?? null,
    rule: call.verdict?.rule ?? null,
    evidence: call.verdict?.evidence ?? null,
    attempts: call.attempts,
    last_error: call.lastError,
    steps: call.steps.map((step) => ({ at: iso(step.at), step: step.what, detail: step.why })),
  }
}

/** What operators ask about calls, and the replay of dead letters. Behind ADMIN_TOKEN; without one, closed to everybody. */
export const callsApi: FastifyPluginAsyncTypebox = async (app) => {
  const { views, store, runner, times, clock } = app.calls
  const ask = <T>(step: Promise<T>) => within(times.operator, step, clock)
  await app.register(adminOnly)

  app.get(
    '/calls',
    {
      schema: {
        querystring: Type.Object({
          state: Type.Optional(Type.Enum([...STATES])),
          limit: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,3}$' })),
        }),
      },
    },
    async ({ query }) => ({
      calls: (await ask(views.list(query.state, Number(query.limit ?? 100)))).map(shown),
    }),
  )

  app.get('/calls/stats', async () => ask(views.counts(clock.now())))

  app.get('/calls/:id', { schema: { params: Type.Object({ id: Type.String() }) } }, async ({ params }) => {
    const found = await ask(views.find(params.id))
    if (!found) throw new NotFound('No call has this request_id or call_id; completed calls are kept for COMPLETED_TTL')
    return shown(found)
  })

  app.post(
    '/calls/:request_id/replay',
    { schema: { params: Type.Object({ request_id: Type.String() }) } },
    async ({ params }, reply) => {
      const replayed = await ask(store.replay(params.request_id))
      if (replayed === 'unknown') throw new NotFound('No call has this request_id')
      if (replayed === 'no') throw new Conflict('Only failed calls, and those being delivered, can be replayed')
      runner.wake()
      return reply.code(202).send({ success: true, message: 'Delivery starts anew', request_id: params.request_id })
    },
  )
}
