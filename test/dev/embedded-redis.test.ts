import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { isAlive, withLock } from '../../src/dev/lock.mjs'
import { redisForTests, startRedis } from '../../src/dev/redis/start.ts'

const client = (t: Test, url: string) => {
  const redis = new Redis(url, { retryStrategy: () => 20 })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  return redis
}

/** Polls a fact; tap's own time limit ends a wait for one that never comes. */
const until = async (fact: () => boolean) => {
  while (!fact()) await delay(5)
}

/** The id of a process that has ended. */
const deadProcess = async () => {
  const child = spawn('/bin/true')
  await once(child, 'exit')
  return child.pid as number
}

t.test('keeps every acknowledged write through a kill, and nothing after stop', async (t) => {
  const server = await startRedis({ env: { ...process.env, REDIS_URL: 'redis://192.0.2.1:1' } })
  t.teardown(() => server.stop())
  t.match(server.url, `@127.0.0.1:${server.port}`, 'REDIS_URL is not read')
  const redis = client(t, server.url)
  await redis.set('lead', 'L1')
  t.same(await redis.config('GET', 'maxmemory-policy'), ['maxmemory-policy', 'noeviction'])
  t.same(await redis.config('GET', 'appendfsync'), ['appendfsync', 'always'])
  const stranger = new Redis(server.port, { lazyConnect: true, retryStrategy: null }).on('error', () => {})
  await t.rejects(stranger.ping(), /NOAUTH/)

  const first = server.pid
  await server.kill('SIGKILL')
  t.notOk(isAlive(first), 'gone when kill() resolves')
  await server.restart()
  t.not(server.pid, first)
  t.equal(await redis.get('lead'), 'L1', 'same port, password and data')

  await server.kill('SIGSTOP')
  await server.stop()
  t.notOk(isAlive(server.pid), 'a stopped process is ended too')
  t.notOk(existsSync(server.dir))
  await server.stop()
})

t.test('a folder has one server at a time', async (t) => {
  const dir = t.testdir()
  const server = await startRedis({ dir, config: { 'maxmemory-policy': 'volatile-lru' } })
  t.teardown(() => server.stop())
  await client(t, server.url).set('lead', 'L2')
  t.match(await readFile(join(dir, 'redis.conf'), 'utf8'), 'maxmemory-policy volatile-lru')
  await t.rejects(startRedis({ dir }), /in use by another server/)
  await server.stop()
  t.ok(existsSync(dir), 'a named folder outlives its server')

  await writeFile(join(dir, 'keeper.pid'), String(await deadProcess()))
  const heir = await startRedis({ dir })
  t.teardown(() => heir.stop())
  t.equal(await client(t, heir.url).get('lead'), 'L2', 'the folder of a keeper that died is free')
})

t.test('ends with a parent that was killed', async (t) => {
  const source = `
    import { startRedis } from ${JSON.stringify(new URL('../../src/dev/redis/start.ts', import.meta.url).href)}
    const { pid, dir } = await startRedis()
    console.log(JSON.stringify({ pid, dir }))`
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => parent.kill('SIGKILL'))
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string]
  const { pid, dir }: { pid: number; dir: string } = JSON.parse(line)
  t.ok(isAlive(pid))
  parent.kill('SIGKILL')
  await until(() => !isAlive(pid) && !existsSync(dir))
  t.pass('server and folder are gone')
})

t.test('says why it does not start', async (t) => {
  await t.rejects(startRedis({ config: { appendfsync: 'sometimes' } }), /did not start:(.|\n)*appendfsync/)
  await t.rejects(startRedis({ env: { REDIS_SERVER_BIN: '/bin/true' } }), /REDIS_SERVER_BIN=\/bin\/true is not/)
})

t.test('redisForTests takes the server of TEST_REDIS_URL unless it needs one of its own', async (t) => {
  const shared = await startRedis()
  t.teardown(() => shared.stop())
  const env = { ...process.env, TEST_REDIS_URL: shared.url }
  const borrowed = await redisForTests({ env })
  t.equal(borrowed.url, shared.url)
  await borrowed.stop()
  t.equal(await client(t, shared.url).ping(), 'PONG', 'which is not ours to stop')
  const own = await redisForTests({ env, config: { 'maxmemory-policy': 'volatile-lru' } })
  t.teardown(() => own.stop())
  t.not(own.url, shared.url)
})

t.test('a lock is held by one at a time and does not outlive its owner', async (t) => {
  const path = join(t.testdir(), 'a.lock')
  await mkdir(path)
  await writeFile(join(path, 'pid'), String(await deadProcess()))
  let inside = 0
  let most = 0
  const work = () =>
    withLock(path, async () => {
      most = Math.max(most, ++inside)
      await delay(1)
      inside--
    })
  await Promise.all([work(), work(), work()])
  t.equal(most, 1)
  t.notOk(existsSync(path))
})
