import fp from 'fastify-plugin'
import { createDialer } from './dial.ts'

/** Dials what may be dialed: the runner's work on queued calls. */
export const dialing = fp(
  async (app) => {
    const { work: store, runner, times, clock } = app.calls
    runner.works('dial', createDialer({ store, voice: app.voice, runner, times, clock, log: app.log }))
  },
  { name: 'dialing', dependencies: ['calls', 'bland'] },
)
