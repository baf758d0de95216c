import fp from 'fastify-plugin'
import { createDialer } from './dial.ts'

/** Dials what may be dialed: the runner's work on queued calls. */
export const dialing = fp(
  async (app) => {
    const { work: store, witness, runner, times, clock } = app.calls
    runner.works('dial', createDialer({ store, voice: app.voice, witness, runner, times, clock, log: app.log }))
  },
  { name: 'dialing', dependencies: ['calls', 'bland'] },
)
