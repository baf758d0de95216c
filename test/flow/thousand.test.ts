import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Redis } from 'ioredis'
import t from 'tap'
import { freePort } from '../../src/dev/free-port.ts'
import { FULL } from '../full.ts'
import { redisFor, stage } from '../stage.ts'

/* Many leads, several instances, real processes: exactly one dial and one write for each lead, whoever dies. */

const redis = await redisFor(t)
const phone = (n: number) => `+1212555${String(1000 + n)}`

t.test('a thousand leads at concurrency 50', { timeout: 300_000 }, async (t) => {
  const COUNT = FULL ? 4000 : 1000
  const { post, bland, convoso, prefix, logged } = await stage(t, {
    redisUrl: redis.url,
    env: { LOG_LEVEL: 'info', LEASE: '15', BLAND_MAX_PER_SECOND: '100000', CONVOSO_MAX_RPS: '100000' },
  })
  bland.faults({ call_ms: [0, 200], answer_late_ms: 5, early: 0.1, twice: 0.1, thrice: 0.05 })

  const commands = new Redis(redis.url)
  const monitor = await commands.monitor()
  let asked = 0
  monitor.on('monitor', (_time: string, args: string[], source: string) => {
    if (source !== 'lua' && args.some((arg) => arg.includes(prefix))) asked++
  })
  t.teardown(() => monitor.disconnect())
  t.teardown(() => commands.disconnect())

  const waiting = Array.from({ length: COUNT }, (_, n) => n)
  const sender = async () => {
    for (let n = waiting.pop(); n !== undefined; n = waiting.pop()) {
      const lead = { phone_number: phone(n), lead_id: `T${n}`, list_id: 1, first_name: 'Ana' }
      let { status } = await post(lead)
      // On a machine as busy as this may be: nothing was promised, and it is sent again.
      while (status === 503) ({ status } = await post(lead))
      if (status !== 202) t.fail(`lead ${n}: ${status}`)
    }
  }
  await Promise.all(Array.from({ length: 50 }, sender))
  await convoso.seen((entry) => entry.what === 'write', COUNT)
  // Copies come a little later than what they copy.
  const mailed = (entry: { what: string; kind?: string }) => entry.what === 'mail' && entry.kind === 'completion'
  const copies = bland.ledger().entries.filter(mailed).length
  t.ok(copies >= COUNT)

  const { placed, max_live, numbers, entries } = bland.ledger()
  t.equal(placed, COUNT)
  t.equal(entries.filter(({ what }) => what === 'dial').length, COUNT, 'one dial for each lead')
  t.ok(max_live <= 50, `${max_live} live at once`)
  t.ok(Object.values(numbers).every(({ placed, overlaps }) => placed === 1 && overlaps === 0))
  t.ok(
    entries.every((entry) => entry.what !== 'mail' || entry.status === 200 || entry.status === 503),
    'every callback answered 200, or 503 where the machine was busy',
  )
  const { leads, violations } = convoso.ledger()
  t.equal(Object.keys(leads).length, COUNT)
  t.ok(
    Object.values(leads).every(({ applied }) => applied === 1),
    'one write for each lead',
  )
  t.equal(violations, 0)
  t.notMatch(logged(), /\+?1?2125551\d{3}|Ana|assistant:/, 'nothing personal in the log')
  const stats = await commands.hgetall(`${prefix}:stats:${new Date().toISOString().slice(0, 10)}`)
  t.comment(`looked up per 1,000: ${(1000 * Number(stats.looked_up ?? 0)) / COUNT}`)
  for (const name of ['looked_up', 'unmatched', 'second_call', 'sibling', 'rebuilt']) t.notOk(stats[name], name)
  // Copies cost two commands each, and are no part of a healthy call.
  const each = (asked - 2 * (copies - COUNT)) / COUNT
  t.ok(each <= 6, `${each.toFixed(2)} commands from clients for each call`)
})

t.test('SIGTERM under load: exit 0 within 10 s, and nothing is lost or doubled', { timeout: 90_000 }, async (t) => {
  const COUNT = 120
  const { env, bland, convoso } = await stage(t, {
    redisUrl: redis.url,
    env: { LEASE: '3', BLAND_MAX_PER_SECOND: '60' },
  })
  bland.faults({ answer_ms: [50, 150], call_ms: [100, 400], resends: 20, resend_ms: 200 })

  const start = async (port: number) => {
    const child = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
      env: { PATH: process.env.PATH ?? '', ...env, LOG_LEVEL: 'info', PORT: String(port) },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    t.teardown(() => child.kill('SIGKILL'))
    const logged: string[] = []
    for await (const chunk of child.stdout) {
      logged.push(String(chunk))
      if (logged.join('').includes('Server listening')) break
    }
    return child
  }
  const ports = [await freePort(), await freePort()]
  const [first, second] = await Promise.all(ports.map(start))
  const post = async (n: number) => {
    for (let i = n; ; i++) {
      const answer = await fetch(`http://127.0.0.1:${ports[i % 2]}/webhooks/awhealth-outbound`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ phone_number: phone(2000 + n), lead_id: `K${n}`, list_id: 1 }),
      }).catch(() => undefined)
      // As a balancer does: the next instance, when one is closing.
      if (answer?.status === 202) return
    }
  }
  const all = Promise.all(Array.from({ length: COUNT }, (_, n) => post(n)))
  await bland.seen(({ what }) => what === 'placed', 20)
  const stoppedAt = performance.now()
  first?.kill('SIGTERM')
  const [code] = await once(first as NonNullable<typeof first>, 'exit')
  t.equal(code, 0)
  t.ok(performance.now() - stoppedAt < 10_000, `closed after ${Math.round(performance.now() - stoppedAt)} ms`)
  await all
  await convoso.seen((entry) => entry.what === 'write', COUNT)
  t.equal(bland.ledger().entries.filter(({ what }) => what === 'dial').length, COUNT)
  t.ok(Object.values(convoso.ledger().leads).every(({ applied }) => applied === 1))
  second?.kill('SIGTERM')
  t.same(await once(second as NonNullable<typeof second>, 'exit'), [0, null])
})
