import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { gateFaults, gateWarnings } from '../../src/calls/gate.ts'
import { acceptedIn } from '../../src/calls/redis-environment.ts'
import { startRedis } from '../../src/dev/redis/start.ts'
import { ADMIN, redisFor, stage } from '../stage.ts'

/* Which Redis may hold calls: as a rule over what INFO says, and as a start that is refused. */

const info = (changes: Record<string, string | number> = {}) =>
  Object.entries({
    redis_version: '7.0.15',
    maxmemory_policy: 'noeviction',
    aof_enabled: 1,
    connected_slaves: 0,
    ...changes,
  })
    .map(([name, value]) => `${name}:${value}\r\n`)
    .join('')
const terms = (accept = '', production = false) => ({ accepted: acceptedIn(accept), production })
const lead = (n: number) => ({ phone_number: String(2_125_550_100 + n), lead_id: `G${n}`, list_id: 1 })

t.test('what INFO says, and what may be taken knowingly', async (t) => {
  t.same(gateFaults([info()], terms('', true)), [])
  t.same(gateFaults([info({ redis_version: '7.2.4', valkey_version: '8.1.1' })], terms()), [], 'Valkey')
  for (const redis_version of ['6.2.14', '5.0.0', '']) {
    t.match(gateFaults([info({ redis_version })], terms('eviction,no_persistence')), [/older than 7\.0/], redis_version)
  }
  const evicting = info({ maxmemory_policy: 'volatile-lru' })
  t.match(gateFaults([evicting], terms('no_persistence')), [/volatile-lru, not noeviction; REDIS_ACCEPT=eviction/])
  t.same(gateFaults([evicting], terms('eviction')), [])
  t.match(gateFaults(['redis_version:7.4.0\r\n'], terms()), [/maxmemory-policy is unknown/])

  const forgetful = info({ aof_enabled: 0 })
  t.same(gateFaults([forgetful], terms()), [], 'outside production')
  t.match(gateFaults([forgetful], terms('eviction', true)), [/no append-only file.*REDIS_ACCEPT=no_persistence/])
  t.same(gateFaults([forgetful], terms('no_persistence', true)), [])

  const old = info({ redis_version: '6.2.14', maxmemory_policy: 'allkeys-lru', aof_enabled: 0 })
  t.equal(gateFaults([old], terms('', true)).length, 3, 'everything at once')
  t.equal(gateFaults([info(), evicting, evicting], terms()).length, 1, 'one server of a cluster is enough')
})

t.test('what is lawful, and said all the same', async (t) => {
  t.same(gateWarnings([info()], { replicas: 0 }), [])
  t.match(gateWarnings([info({ maxmemory_policy: 'allkeys-lru' })], { replicas: 0 }), [/may evict calls/])
  t.match(gateWarnings([info({ aof_enabled: 0 })], { replicas: 0 }), [/keeps no append-only file/])
  t.match(gateWarnings([info({ connected_slaves: 2 })], { replicas: 0 }), [/REDIS_WAIT_REPLICAS is 0/])
  t.same(gateWarnings([info({ connected_slaves: 2 })], { replicas: 1 }), [])
  t.match(gateWarnings([info()], { replicas: 1 }), [/has 0 replicas.*nobody is dialed/])
})

t.test('a Redis that evicts calls: no start, and a sentence; knowingly: a start, and a warning', async (t) => {
  const redis = await redisFor(t, { 'maxmemory-policy': 'allkeys-lru' })
  const { env, logged, post, until } = await stage(t, { redisUrl: redis.url, env: { REDIS_ACCEPT: 'eviction' } })
  t.match(logged(), /Redis may evict calls: maxmemory-policy is allkeys-lru/)
  const { body } = await post(lead(1))
  await until(body.request_id, ({ state }) => state === 'completed')

  const child = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
    env: { PATH: process.env.PATH ?? '', ...env, REDIS_ACCEPT: '', PORT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  t.equal(code, 1)
  t.match(said, /^redis may evict calls: maxmemory-policy is allkeys-lru, not noeviction; .*\n$/)
})

t.test('production needs an append-only file', async (t) => {
  const redis = await redisFor(t, { appendonly: 'no' })
  const { env, logged } = await stage(t, { redisUrl: redis.url })
  t.match(logged(), /keeps no append-only file/)
  const app = await buildApp({ env: { ...env, NODE_ENV: 'production', PORT: '0' } })
  await t.rejects(async () => {
    await app.ready()
  }, /keeps no append-only file/)
  await app.close()
})

t.test('a Redis that comes late is asked then, and until it has passed nobody is dialed', async (t) => {
  const redis = await startRedis({ config: { 'maxmemory-policy': 'allkeys-lru' } })
  t.teardown(() => redis.stop())
  await redis.kill('SIGKILL')
  const { app, post, until, bland, redis: store, prefix } = await stage(t, { redisUrl: redis.url })
  const ready = async () => (await app.inject('/health/ready')).json()
  t.match(await ready(), { reason: 'redis cannot be reached' })
  t.equal((await post(lead(2))).status, 503)

  await redis.restart()
  // Somebody vouches for the store meanwhile: that is no word on its servers.
  await store.set(`${prefix}:epoch`, 'e1')
  for (;;) {
    const { statusCode } = await app.inject({
      method: 'POST',
      url: '/control/resume',
      headers: { authorization: `Bearer ${ADMIN}` },
      payload: {},
    })
    if (statusCode === 200) break
  }
  t.match(await ready(), { reason: /maxmemory-policy is allkeys-lru/ })
  const { status, body } = await post(lead(2))
  t.equal(status, 202, 'leads are stored')
  t.match(await until(body.request_id, () => true), { state: 'queued' })
  t.equal(bland.ledger().placed, 0)

  await store.config('SET', 'maxmemory-policy', 'noeviction')
  await until(body.request_id, ({ state }) => state === 'completed')
  t.match(await ready(), { status: 'ok' })
})
