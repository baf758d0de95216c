import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { within } from '../calls/within.ts'
import { adminOnly } from './admin.ts'

const ANSWER_WITHIN_MS = 2000

/** The stop button: every instance obeys within a second, because no dial begins without asking Redis. */
export const control: FastifyPluginAsyncTypebox = async (app) => {
  const { store, views, runner, clock } = app.calls
  await app.register(adminOnly)

  const reasoned = {
    schema: { body: Type.Optional(Type.Object({ reason: Type.Optional(Type.String({ maxLength: 200 })) })) },
  }

  app.get('/control', async () => {
    const paused = await within(ANSWER_WITHIN_MS, views.pause(), clock)
    return { paused: paused && { since: new Date(paused.since).toISOString(), reason: paused.reason } }
  })

  app.post('/control/pause', reasoned, async ({ body, log }) => {
    const reason = body?.reason ?? 'by an operator'
    await within(ANSWER_WITHIN_MS, store.pause(reason), clock)
    log.warn({ reason }, 'dialing is paused')
    return { success: true, message: 'Nobody is dialed until somebody resumes', reason }
  })

  app.post('/control/resume', reasoned, async ({ body, log }) => {
    await within(ANSWER_WITHIN_MS, store.resume(), clock)
    log.warn({ reason: body?.reason }, 'dialing is resumed')
    runner.wake()
    return { success: true, message: 'Dialing goes on' }
  })
}
