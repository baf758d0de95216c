import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { buildApp } from '../src/app.ts'
import { redisFaults } from '../src/calls/redis-environment.ts'
import type { Config } from '../src/config.ts'
import { statusFaults } from '../src/convoso/plugin.ts'
import { BadEnvironment, environment } from '../src/environment.ts'

type Changes = { [Name in keyof Config]?: string | undefined }

const enough: Changes = {
  REDIS_URL: 'redis://127.0.0.1:1',
  BLAND_API_KEY: 'key',
  BLAND_WEBHOOK_URL: 'https://calls.example.com/webhooks/bland-callback',
  BLAND_PATHWAY_ID: 'pathway',
  CONVOSO_AUTH_TOKEN: 'token',
  CALLING_HOURS: 'off',
}

/** The configuration these variables make; rejects with what is wrong with them. */
async function configOf(changes: Changes): Promise<Config> {
  const app = Fastify()
  await app.register(environment, { data: { ...enough, ...changes }, checks: [redisFaults, statusFaults] })
  return app.config
}

const faultsOf = (promise: Promise<unknown>): Promise<string[]> =>
  promise.then(
    () => [],
    (error: unknown) => {
      if (error instanceof BadEnvironment) return error.faults
      throw error
    },
  )

/** Asserts that these variables are refused by one line for each of `names`, in any order. */
async function refused(t: Test, changes: Changes, names: string[]) {
  const faults = await faultsOf(configOf(changes))
  t.same(faults.map((fault) => fault.split(/[ :]/)[0]).sort(), [...names].sort(), JSON.stringify(changes))
}

t.test('nothing set: the process says what it lacks, and ends', async (t) => {
  const server = fileURLToPath(new URL('../src/server.ts', import.meta.url))
  // Elsewhere than in the checkout, where a developer's .env may lie.
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), server], {
    cwd: t.testdir(),
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill())
  const [stdout = '', stderr = '', [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  t.equal(code, 1)
  t.equal(stdout, '')
  const lines = stderr.trimEnd().split('\n')
  t.same(
    lines.map((line) => line.split(' is missing: ')[0]),
    ['BLAND_API_KEY', 'CONVOSO_AUTH_TOKEN', 'CALLING_HOURS', 'BLAND_PATHWAY_ID or BLAND_TASK_TEMPLATE', 'REDIS_URL'],
  )
  t.match(lines[0], 'BLAND_API_KEY is missing: Bland’s API key, sent raw', 'with what it is for')
})

t.test('everything wrong at once: a line each, before anything is connected, and no value shown', async (t) => {
  let connections = 0
  const redis = createServer((socket) => {
    connections += 1
    socket.destroy()
  })
  await new Promise<void>((listening) => redis.listen(0, '127.0.0.1', listening))
  t.teardown(() => redis.close())
  const { port } = redis.address() as { port: number }

  const given: Changes = {
    REDIS_URL: `redis://127.0.0.1:${port}`,
    BLAND_API_KEY: undefined,
    CALLING_HOURS: 'hush-1',
    PORT: 'hush-2',
    LOG_LEVEL: 'hush-3',
    BLAND_BASE_URL: 'https://hush-4/path',
    BLAND_WEBHOOK_URL: 'http://hush-5.example.com/',
    BLAND_RECORD: 'hush-6',
    BLAND_PLAN: 'hush-7',
    BLAND_VOICEMAIL_ACTION: 'hush-10',
    CONVOSO_STATUS_MAP: '{"VOICEMAIL":"hush-8"}',
    ACCOUNT_TIME_ZONE: 'hush-9',
    LEASE: '0',
    NODE_ENV: 'production',
  }
  const faults = await faultsOf(buildApp({ env: { ...enough, ...given } }))
  const { REDIS_URL, NODE_ENV, ...wrong } = given
  const names = [...Object.keys(wrong), 'BLAND_WEBHOOK_SECRET']
  t.same(faults.map((fault) => fault.split(/[ :]/)[0]).sort(), names.sort())
  for (const fault of faults) t.notMatch(fault, /hush|\n/)
  t.ok(faults.some((fault) => fault.startsWith('BLAND_PLAN must be start or build or scale or enterprise: Your plan')))
  t.equal(connections, 0)
})

t.test('what is enough', async (t) => {
  const config = await configOf({})
  t.match(config, {
    HOST: '127.0.0.1',
    PORT: 3000,
    KEY_PREFIX: '{awh}',
    LEASE: 15,
    BLAND_RECORD: false,
    CONVOSO_MAX_RPS: 10,
  })
  t.match(config, { COMPLETED_TTL: 48 * 3600, LINE_HOLD: 120, LINE_HOLD_TRANSFERRED: 80 * 60, BLAND_MAX_PER_SECOND: 5 })
  t.equal(config.BLAND_MAX_CONCURRENT, undefined)
  t.equal(config.DNC_SOURCE, undefined)
  t.match(await configOf({ BLAND_RECORD: 'true', PORT: '0' }), { BLAND_RECORD: true, PORT: 0 })
})

t.test('blank is not set', async (t) => {
  for (const name of Object.keys(enough).filter((name) => !['BLAND_PATHWAY_ID', 'BLAND_WEBHOOK_URL'].includes(name))) {
    for (const blank of ['', ' \t']) await refused(t, { [name]: blank }, [name])
  }
  const config = await configOf({ LEASE: ' ', ADMIN_TOKEN: '', BLAND_PLAN: '', BLAND_RECORD: '' })
  t.match(config, { LEASE: 15, BLAND_RECORD: false })
  t.equal(config.ADMIN_TOKEN, undefined)
  t.equal(config.BLAND_PLAN, undefined)
})

t.test('something to say', async (t) => {
  await refused(t, { BLAND_PATHWAY_ID: '' }, ['BLAND_PATHWAY_ID'])
  t.ok(await configOf({ BLAND_PATHWAY_ID: undefined, BLAND_TASK_TEMPLATE: 'Say hello.' }))
})

t.test('the webhook URL is https, or on a loopback host', async (t) => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]', 'LOCALHOST']) {
    t.ok(await configOf({ BLAND_WEBHOOK_URL: `http://${host}:3000/webhooks/bland-callback` }), host)
  }
  const others = [
    'example.com',
    '127.0.0.1.example.com',
    'localhost.example.com',
    'localhost@example.com',
    '10.0.0.1',
    '0.0.0.0',
    '[::2]',
  ]
  for (const host of others) {
    await refused(t, { BLAND_WEBHOOK_URL: `http://${host}/webhooks/bland-callback` }, ['BLAND_WEBHOOK_URL'])
    if (!host.includes('@')) t.ok(await configOf({ BLAND_WEBHOOK_URL: `https://${host}/` }), `https to ${host}`)
  }
  t.match(await faultsOf(configOf({ BLAND_WEBHOOK_URL: 'https://' })), [/is not a URL/])
  for (const url of ['calls.example.com', 'ftp://example.com/']) {
    t.match((await faultsOf(configOf({ BLAND_WEBHOOK_URL: url })))[0], /^BLAND_WEBHOOK_URL /)
  }
})

t.test('production takes no unsigned completions by accident', async (t) => {
  await refused(t, { NODE_ENV: 'production' }, ['BLAND_WEBHOOK_SECRET'])
  await refused(t, { NODE_ENV: 'production', ALLOW_UNSIGNED_WEBHOOKS: 'false' }, ['BLAND_WEBHOOK_SECRET'])
  await refused(t, { NODE_ENV: 'production', BLAND_WEBHOOK_SECRET: ' ' }, ['BLAND_WEBHOOK_SECRET'])
  await refused(t, { NODE_ENV: 'production', ALLOW_UNSIGNED_WEBHOOKS: 'yes' }, [
    'ALLOW_UNSIGNED_WEBHOOKS',
    'BLAND_WEBHOOK_SECRET',
  ])
  t.ok(await configOf({ NODE_ENV: 'production', BLAND_WEBHOOK_SECRET: 'one,two' }))
  t.match(await configOf({ NODE_ENV: 'production', ALLOW_UNSIGNED_WEBHOOKS: 'true' }), {
    ALLOW_UNSIGNED_WEBHOOKS: true,
  })
  t.ok(await configOf({ NODE_ENV: 'test' }))
})

t.test('calling hours are said, never assumed', async (t) => {
  await refused(t, { CALLING_HOURS: undefined }, ['CALLING_HOURS'])
  await refused(t, { CALLING_HOURS: 'on' }, ['CALLING_HOURS'])
  t.match(await faultsOf(configOf({ CALLING_HOURS: 'on' })), [/^CALLING_HOURS must be off: /])
  await refused(t, { DNC_SOURCE: 'file' }, ['DNC_SOURCE'])
})

t.test('times and rates take small and large values', async (t) => {
  const seconds = [
    'CALL_DEADLINE_SECONDS',
    'COMPLETED_TTL',
    'FAILED_TTL',
    'LINE_HOLD',
    'LINE_HOLD_TRANSFERRED',
    'LEASE',
  ]
  const others = [
    'BLAND_MAX_CONCURRENT',
    'BLAND_MAX_PER_SECOND',
    'CONVOSO_MAX_RPS',
    'RETRY_INITIAL_DELAY',
    'RETRY_MAX_DELAY',
  ]
  const names = [...seconds, ...others]
  const all = (value: string) => Object.fromEntries(names.map((name) => [name, value]))
  for (const value of [1, 1_000_000])
    t.match(await configOf(all(String(value))), Object.fromEntries(names.map((name) => [name, value])))
  for (const value of ['-1', '1.5', 'soon', '5s']) await refused(t, all(value), names)
  const holds = ['LINE_HOLD', 'LINE_HOLD_TRANSFERRED']
  await refused(
    t,
    all('0'),
    names.filter((name) => !holds.includes(name)),
  )
  t.match(await configOf({ LINE_HOLD: '0', LINE_HOLD_TRANSFERRED: '0' }), { LINE_HOLD: 0, LINE_HOLD_TRANSFERRED: 0 })
})

t.test('overrides of the statuses', async (t) => {
  for (const map of ['{', '[]', '"AM"', '{"VOICEMAIL":1}', '{"VOICEMAIL":"TOO LONG"}', '{"voicemail":"AM"}']) {
    await refused(t, { CONVOSO_STATUS_MAP: map }, ['CONVOSO_STATUS_MAP'])
  }
  await refused(t, { CONVOSO_STATUS_MAP: '{"NOBODY":"AM","BUSY":""}' }, ['CONVOSO_STATUS_MAP', 'CONVOSO_STATUS_MAP'])
  t.ok(await configOf({ CONVOSO_STATUS_MAP: '{"VOICEMAIL":"AM","REFUSED:do_not_call":"DNCQ"}' }))
})

t.test('one place for Redis, and nothing that contradicts it', async (t) => {
  const none: Changes = { REDIS_URL: undefined }
  const sentinels: Changes = { ...none, REDIS_SENTINELS: 'a:26379, 10.0.0.2:26379,[::1]:26379' }
  const cluster: Changes = { ...none, REDIS_CLUSTER: 'a.example.com:6379' }
  const more: Changes = { REDIS_USERNAME: 'awh', REDIS_PASSWORD: 'p', REDIS_TLS: 'true', REDIS_WAIT_REPLICAS: '2' }
  for (const right of [
    { ...sentinels, ...more, REDIS_MASTER: 'calls', REDIS_SENTINEL_PASSWORD: 's' },
    { ...cluster, ...more, KEY_PREFIX: 'desk-{7}' },
    { REDIS_URL: 'redis://10.0.0.1', REDIS_USERNAME: 'awh', REDIS_PASSWORD: 'p' },
    { REDIS_URL: 'rediss://awh:p@redis.example.com:6380/2', REDIS_TLS: 'true' },
    { REDIS_ACCEPT: 'eviction, no_persistence' },
  ])
    t.ok(await configOf(right), JSON.stringify(right))

  await refused(t, none, ['REDIS_URL'])
  await refused(t, { ...sentinels, REDIS_URL: 'redis://a' }, ['REDIS_URL'])
  await refused(t, { ...sentinels, ...cluster }, ['REDIS_SENTINELS'])
  for (const list of ['a', 'a:', ':1', 'a:0', 'a:65536', 'a:1,', 'redis://a:1', 'u:p@a:1', '::1:26379', 'a:1 b:2']) {
    await refused(t, { ...none, REDIS_SENTINELS: list }, ['REDIS_SENTINELS'])
    await refused(t, { ...none, REDIS_CLUSTER: list }, ['REDIS_CLUSTER'])
  }
  for (const KEY_PREFIX of ['awh', '{}', 'a{}{b}', '}a{', '{a'])
    await refused(t, { ...cluster, KEY_PREFIX }, ['KEY_PREFIX'])
  t.ok(await configOf({ KEY_PREFIX: 'awh' }), 'one Redis needs no hash tag')
  await refused(t, { REDIS_MASTER: 'm', REDIS_SENTINEL_PASSWORD: 's' }, ['REDIS_MASTER', 'REDIS_SENTINEL_PASSWORD'])
  await refused(t, { REDIS_TLS: 'true' }, ['REDIS_TLS'])
  await refused(t, { REDIS_URL: 'redis://:p@a', REDIS_USERNAME: 'u', REDIS_PASSWORD: 'p' }, [
    'REDIS_USERNAME',
    'REDIS_PASSWORD',
  ])
  await refused(t, { ...sentinels, REDIS_USERNAME: 'u' }, ['REDIS_USERNAME'])
  await refused(t, { REDIS_ACCEPT: 'eviction,everything' }, ['REDIS_ACCEPT'])
  await refused(t, { REDIS_WAIT_REPLICAS: '-1' }, ['REDIS_WAIT_REPLICAS'])
})
