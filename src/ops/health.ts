import type { FastifyPluginAsync } from 'fastify'

/** Liveness and readiness. Liveness never asks Redis: an outage of Redis must not restart the instances. */
export const health: FastifyPluginAsync = async (app) => {
  const { redisFault, times, clock } = app.calls
  const now = () => new Date(clock.now()).toISOString()

  async function fault(): Promise<string | null> {
    if (app.calls.closing) return 'closing'
    const bound = new AbortController()
    const late = clock.delay(times.intake, bound.signal).then(() => 'redis does not answer')
    const asked = redisFault().catch(() => 'redis cannot be reached')
    return Promise.race([asked, late]).finally(() => bound.abort())
  }

  app.get('/health', async () => ({
    status: 'ok',
    service: 'awh-outbound-orchestrator',
    timestamp: now(),
    architecture: 'async',
  }))

  app.get('/health/live', async () => ({ status: 'ok', timestamp: now() }))

  app.get('/health/ready', async (_request, reply) => {
    const reason = await fault()
    if (reason) return reply.code(503).send({ status: 'unavailable', reason, timestamp: now() })
    return { status: 'ok', timestamp: now() }
  })
}
