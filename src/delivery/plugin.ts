import fp from 'fastify-plugin'
import { createDelivery } from './deliver.ts'

/** Tells the CRM what calls came to: the runner's work on delivering calls. */
export const delivery = fp(
  async (app) => {
    const { work: store, runner, times, clock } = app.calls
    const { completionReader: reader, crm, log } = app
    runner.works('deliver', createDelivery({ store, reader, crm, times, clock, log }))
  },
  { name: 'delivery', dependencies: ['calls', 'bland', 'convoso'] },
)
