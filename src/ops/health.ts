import type { FastifyPluginAsync } from 'fastify'

const OLDEST_REDIS = [7, 0] as const

/** Why this Redis cannot be trusted with calls; null when it can. `info` is what INFO answers. */
export function redisFault(info: string): string | null {
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? ''
  const [major = 0, minor = 0] = field('redis_version').split('.').map(Number)
  if (major < OLDEST_REDIS[0] || (major === OLDEST_REDIS[0] && minor < OLDEST_REDIS[1])) {
    return `redis ${field('redis_version')} is older than ${OLDEST_REDIS.join('.')}`
  }
  if (field('maxmemory_policy') !== 'noeviction') {
    return `redis may evict calls: maxmemory-policy is ${field('maxmemory_policy')}, not noeviction`
  }
  return null
}

/** Liveness and readiness. Liveness never asks Redis: an outage of Redis must not restart the instances. */
export const health: FastifyPluginAsync = async (app) => {
  const { redis, times, clock } = app.calls
  const now = () => new Date(clock.now()).toISOString()

  async function fault(): Promise<string | null> {
    if (app.calls.closing) return 'closing'
    const bound = new AbortController()
    const late = clock.delay(times.intake, bound.signal).then(() => 'redis does not answer')
    const asked = redis.info().then(redisFault, () => 'redis cannot be reached')
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
