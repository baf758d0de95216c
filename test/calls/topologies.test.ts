import { execFile, spawn } from 'node:child_process'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import type { Claim } from '../../src/calls/claim.ts'
import { systemClock } from '../../src/calls/clock.ts'
import { clusterOptionsOf, connect, disconnect, optionsOf } from '../../src/calls/redis.ts'
import { createWitness } from '../../src/calls/replicas.ts'
import { freePort } from '../../src/dev/free-port.ts'
import { startCluster } from '../../src/dev/redis/cluster.ts'
import { startSentinels } from '../../src/dev/redis/sentinels.ts'
import { startRedis } from '../../src/dev/redis/start.ts'
import { whyNoTopology } from '../../src/dev/redis/topology.ts'
import { type Stage, stage } from '../stage.ts'
import { storeFor } from './store-stand.ts'

/* Every kind of Redis, and what becomes of calls when one of its servers dies. */

// Most of it is waiting for servers to notice each other: side by side they take as long as the longest.
t.jobs = 4
const skip = (await whyNoTopology()) ?? false
const beside = { buffered: true }
const several = { ...beside, skip }
const done = ({ state }: { state: string }) => state === 'completed'
const lead = (n: number) => ({ phone_number: `212555${String(1000 + n)}`, lead_id: `R${n}`, list_id: 1 })
/** What becomes of a call that nobody can account for ends within the test. */
const SHORT = { LEASE: '2', CALL_DEADLINE_SECONDS: '6', LINE_HOLD: '1' }

async function until(fact: () => boolean | Promise<boolean>) {
  while (!(await fact())) await delay(5)
}

/** A sender that posts one lead after the other, each until it is taken, as fast as a person can see. */
function sendLeads({ post }: Stage, first = 0) {
  const heard: { status: number; at: number }[] = []
  const accepted: string[] = []
  let open = true
  const sent = (async () => {
    for (let n = first; open; n++) {
      for (let status = 0; status !== 202; ) {
        status = (await post(lead(n))).status
        heard.push({ status, at: performance.now() })
        await delay(15)
      }
      accepted.push(`R${n}`)
    }
  })()
  return {
    heard,
    accepted,
    async stop() {
      open = false
      await sent
    },
  }
}

/** Each lead that was accepted is in the CRM, and nobody was rung twice. */
async function balanced(t: Test, { bland, convoso }: Stage, accepted: string[]) {
  await until(() => {
    const { leads } = convoso.ledger()
    return accepted.every((id) => (leads[id]?.applied ?? 0) > 0)
  })
  const { numbers, entries } = bland.ledger()
  t.ok(
    Object.values(numbers).every(({ placed }) => placed === 1),
    'no number has two calls',
  )
  const asked = entries.flatMap((entry) => (entry.what === 'dial' ? [entry.phone_number] : []))
  t.equal(new Set(asked).size, asked.length, 'nor was any asked for twice')
}

t.test('behind Sentinels', several, async (t) => {
  const trio = await startSentinels({ replicas: 2 })
  t.teardown(() => trio.stop())
  const env = {
    ...SHORT,
    REDIS_URL: '',
    REDIS_SENTINELS: trio.sentinels,
    REDIS_PASSWORD: trio.password,
    REDIS_SENTINEL_PASSWORD: trio.sentinelPassword,
  }
  const [first] = trio.servers
  if (!first) throw new Error('no servers')

  await t.test('a witness answers for many dials at once, and only for what is on this primary', async (t) => {
    const { admitted, redis: store, keys } = await storeFor(t, first.url, { maxConcurrent: 50 })
    const prefix = keys.control.replace(/:control$/, '')
    const redis = connect({ REDIS_URL: first.url }, 'prompt', () => {})
    t.teardown(() => disconnect(redis, 500))
    await until(() => redis.status === 'ready')
    const told = { redis, prefix, timeoutMs: 1000, clock: systemClock }
    const witness = createWitness({ ...told, count: 2 })
    const rounds = async () => Number(await store.hget(keys.control, 'witness_rounds'))
    const claims: Claim[] = []
    for (let n = 0; n < 12; n++) claims.push(await admitted(n))
    const [one, ...others] = claims as [Claim, ...Claim[]]

    t.same(await createWitness({ ...told, count: 0 })(one), true)
    t.equal(await rounds(), 0, 'nobody is asked where nobody is waited for')
    const early = witness(one)
    await Promise.resolve()
    await Promise.resolve()
    const late = Promise.all(others.map((each) => witness(each)))
    t.same(
      [await early, ...(await late)],
      claims.map(() => true),
    )
    t.equal(await rounds(), 2, 'who came while a round was under way shared the next one')
    t.equal(await witness({ ...one, fence: '1' }), false, 'a step that this primary does not know')
    t.equal(await witness({ ...one, call: { ...one.call, dialedAt: 5 } }), false, 'or knows of another dialer')
    t.equal(await createWitness({ ...told, count: 3, timeoutMs: 100 })(one), false, 'more replicas than there are')
    redis.disconnect()
    t.equal(await witness(one), false, 'Redis is gone')
  })

  await t.test('the primary is killed with calls under way', async (t) => {
    const set = await stage(t, { redisUrl: first.url, env })
    set.bland.faults({ call_ms: [50, 400], resends: 30, resend_ms: 200 })
    const { heard, accepted, stop } = sendLeads(set)
    const placed = ({ what }: { what: string }) => what === 'placed'
    await set.bland.seen(placed, 15)
    await first.kill('SIGKILL')
    const outage = heard.length
    await until(async () => (await trio.primary()) !== first)
    const promotedAt = performance.now()
    const taken = () => heard.find(({ status, at }) => status === 202 && at > promotedAt)
    await until(() => taken() !== undefined)
    const backAfter = Math.round((taken()?.at ?? Infinity) - promotedAt)
    t.ok(backAfter < 5000, `leads are taken again ${backAfter} ms after the promotion`)
    t.ok(
      heard.slice(outage + 1).some(({ status }) => status === 503),
      'and 503 meanwhile',
    )
    t.ok(heard.every(({ status }) => status === 202 || status === 503))
    await set.bland.seen(placed, set.bland.ledger().placed + 10)
    await stop()
    await balanced(t, set, accepted)
    t.comment(`${accepted.length} leads, back ${backAfter} ms after the promotion`)
  })

  await t.test('no replica acknowledges: nobody is rung, the calls wait', async (t) => {
    const primary = await trio.primary()
    const replicas = trio.servers.filter((each) => each !== primary && each !== first)
    const set = await stage(t, { redisUrl: primary.url, env })
    for (const replica of replicas) await replica.kill('SIGSTOP')
    const { status, body } = await set.post(lead(900))
    t.equal(status, 202, 'the lead is stored')
    const refusals = ({ steps }: { steps: { step: string; detail: string }[] }) =>
      steps.filter(({ step, detail }) => step === 'queued' && detail === 'reason=not_replicated').length
    const waiting = await set.until(body.request_id, (call) => refusals(call) >= 2)
    t.match(waiting, { state: /queued|dialing/, last_error: 'not_replicated' })
    t.same(set.bland.ledger().entries, [], 'nobody was asked to call')
    for (const replica of replicas) await replica.kill('SIGCONT')
    await set.until(body.request_id, done)
    await balanced(t, set, ['R900'])
  })
})

t.test('a primary that has become a replica is left, and the command is sent again', beside, async (t) => {
  const server = await startRedis()
  t.teardown(() => server.stop())
  const admin = connect({ REDIS_URL: server.url }, 'patient', () => {})
  const patient = connect({ REDIS_URL: server.url }, 'patient', () => {})
  const prompt = connect({ REDIS_URL: server.url }, 'prompt', () => {})
  t.teardown(() => Promise.all([admin, patient, prompt].map((each) => disconnect(each, 500))))
  await until(() => prompt.status === 'ready')
  await admin.call('REPLICAOF', '127.0.0.1', String(await freePort()))
  let left = 0
  patient.on('close', () => left++)
  const [waits, fails] = [patient.set('a', '1'), prompt.set('b', '1')]
  await t.rejects(fails, 'webhooks hear of it')
  await until(() => left > 0)
  await admin.call('REPLICAOF', 'NO', 'ONE')
  t.equal(await waits, 'OK')
})

t.test('a Sentinel that names no usable address does not end a connection', beside, async (t) => {
  const server = await startRedis()
  t.teardown(() => server.stop())
  let port = '99999'
  let asked = 0
  const sentinel = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      const said = String(chunk).toLowerCase()
      if (said.includes('get-master-addr')) {
        asked++
        socket.write(`*2\r\n$9\r\n127.0.0.1\r\n$${port.length}\r\n${port}\r\n`)
      } else if (said.includes('sentinels')) socket.write('*0\r\n')
      else for (const _ of said.matchAll(/\*\d+\r\n/g)) socket.write("-ERR unknown command 'HELLO'\r\n")
    })
  }).listen(0, '127.0.0.1')
  t.teardown(() => sentinel.close())
  await until(() => sentinel.listening)
  const settings = {
    REDIS_SENTINELS: `127.0.0.1:${(sentinel.address() as AddressInfo).port}`,
    REDIS_PASSWORD: server.password,
  }
  const redis = connect(settings, 'patient', () => {})
  t.teardown(() => disconnect(redis, 500))
  await until(() => asked > 0 && redis.status === 'end')
  port = String(server.port)
  await until(() => redis.status === 'ready')
  t.equal(await redis.set('a', '1'), 'OK')
})

t.test('a cluster of three', several, async (t) => {
  const cluster = await startCluster()
  t.teardown(() => cluster.stop())
  const [first] = cluster.masters
  const set = await stage(t, {
    redisUrl: first?.url ?? '',
    env: { ...SHORT, REDIS_URL: '', REDIS_CLUSTER: cluster.nodes, REDIS_PASSWORD: cluster.password },
  })
  set.bland.faults({ call_ms: [20, 100], early: 0.1, twice: 0.1, resends: 30, resend_ms: 200 })
  const holder = await cluster.holder(`${set.prefix}:control`)
  const stranger = cluster.masters.find((each) => each !== holder)
  const ready = async () => (await set.app.inject('/health/ready')).statusCode
  const accepted = (from: number, count: number) => Array.from({ length: count }, (_, i) => `R${from + i}`)
  const postAll = (from: number, count: number) =>
    Promise.all(
      Array.from({ length: count }, async (_, i) => {
        for (;;) {
          const { status } = await set.post(lead(from + i))
          // On a machine as busy as this may be: nothing was promised, and it is sent again.
          if (status !== 503) return status
        }
      }),
    )

  t.same(new Set(await postAll(0, 30)), new Set([202]))
  await balanced(t, set, accepted(0, 30))
  t.ok(
    set.bland.ledger().entries.every((entry) => entry.what !== 'mail' || [200, 503].includes(entry.status)),
    'every completion was taken, or is sent again',
  )
  t.equal(await ready(), 200)

  await t.test('a master without our slot is killed: nobody notices', async (t) => {
    await stranger?.kill('SIGKILL')
    t.same(new Set(await postAll(30, 10)), new Set([202]))
    t.equal(await ready(), 200)
    await balanced(t, set, accepted(30, 10))
  })

  await t.test('the one that has it: 503, and back when it is', async (t) => {
    const { heard, accepted, stop } = sendLeads(set, 40)
    await set.bland.seen(({ what }) => what === 'placed', 45)
    await holder.kill('SIGKILL')
    const startedAt = performance.now()
    t.equal((await set.post(lead(900))).status, 503)
    t.ok(performance.now() - startedAt < 400, 'at once')
    t.equal(await ready(), 503)
    await holder.restart()
    const restartedAt = performance.now()
    const taken = () => heard.find(({ status, at }) => status === 202 && at > restartedAt)
    await until(() => taken() !== undefined)
    const backAfter = Math.round((taken()?.at ?? Infinity) - restartedAt)
    t.ok(backAfter < 5000, `leads are taken again ${backAfter} ms after it is back`)
    await stop()
    await balanced(t, set, accepted)
    t.equal(await ready(), 200)
  })
})

t.test('TLS: who is told, and of what', async (t) => {
  t.match(optionsOf({ REDIS_SENTINELS: 'a:1', REDIS_TLS: true }, 'prompt'), {
    tls: {},
    sentinelTLS: {},
    enableTLSForSentinelMode: true,
  })
  t.notOk('tls' in optionsOf({ REDIS_SENTINELS: 'a:1' }, 'prompt'))
  const { redisOptions, dnsLookup } = clusterOptionsOf({ REDIS_CLUSTER: 'a:1', REDIS_TLS: true }, 'prompt')
  t.match(redisOptions, { tls: {} })
  dnsLookup?.('redis.example.com', (_error, address) =>
    t.equal(address, 'redis.example.com', 'as the certificate says'),
  )
})

t.test('rediss://', beside, async (t) => {
  const dir = t.testdir()
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const port = await freePort()
  const config = { 'tls-port': String(port), 'tls-cert-file': cert, 'tls-key-file': key, 'tls-auth-clients': 'no' }
  const server = await promisify(execFile)('openssl', [...args, ...subject, '-keyout', key, '-out', cert])
    .then(() => startRedis({ config }))
    .catch((error: Error) => error)
  if (server instanceof Error) {
    t.comment(`NO TLS HERE, so that rediss:// was not tried: ${server.message}`)
    return
  }
  t.teardown(() => server.stop())
  const url = `rediss://:${server.password}@127.0.0.1:${port}`
  const { env } = await stage(t, { redisUrl: server.url })

  const start = (more: Record<string, string>) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
      env: { PATH: process.env.PATH ?? '', ...env, LOG_LEVEL: 'info', REDIS_URL: url, PORT: '0', ...more },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    return child
  }
  const origin = async (child: ReturnType<typeof start>) => {
    let logged = ''
    for await (const chunk of child.stdout) {
      logged += chunk
      const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(logged) ?? []
      if (found) return { url: found, logged }
    }
    throw new Error(logged)
  }
  const [trusted, wary] = await Promise.all([start({ NODE_EXTRA_CA_CERTS: cert }), start({})].map(origin))
  t.equal((await fetch(`${trusted?.url}/health/ready`)).status, 200)
  t.match(wary?.logged, /Redis cannot be reached/, 'a certificate nobody vouches for is not taken')
})
