import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { within } from '../calls/within.ts'
import { adminOnly } from './admin.ts'

/** The stop button: every instance obeys within a second, because no dial begins without asking Redis. */
export const control: FastifyPluginAsyncTypebox = async (app) => {
  const { store, views, runner, times, clock } = app.calls
  await app.register(adminOnly)

  const reasoned = {
    schema: { body: Type.Optional(Type.Object({ reason: Type.Optional(Type.String({ maxLength: 200 })) })) },
  }

  app.get('/control', async () => {
    const paused = await within(times.operator, views.pause(), clock)
    return { paused: paused && { since: new Date(paused.since).toISOString(), reason: paused.reason } }
  })

  app.post('/control/pause', reasoned, async ({ body, log }) => {
    const reason = body?.reason ?? 'by an operator'
    await within(times.operator, store.pause(reason), clock)
    log.warn({ reason }, 'dialing is paused')
    return { success: true, message: 'Nobody is dialed until somebody resumes', reason }
  })

  app.post('/control/resume', reasoned, async ({ body, log }) => {
    await within(times.operator, store.resume(), clock)
    log.warn({ reason: body?.reason }, 'dialing is resumed')
    runner.wake()
    return { success: true, message: 'Dialing goes on' }
  })
}
