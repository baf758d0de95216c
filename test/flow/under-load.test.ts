import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { createBalancer } from '../../src/dev/balancer.ts'
import { freePort } from '../../src/dev/free-port.ts'
import { FULL } from '../full.ts'
import { redisFor, stage } from '../stage.ts'

/* What goes wrong while many calls are under way: an instance dies, Bland's answers are lost. */

const redis = await redisFor(t)
const phone = (n: number) => `+1212555${String(1000 + n)}`
const LEASE_MS = 3000

t.test('kill -9 of one of two instances while Convoso is slow', { timeout: 90_000 }, async (t) => {
  const COUNT = 60
  // Webhooks reach whichever instance lives.
  const targets: number[] = []
  const balancer = await createBalancer({ targets })
  t.teardown(balancer.close)
  const { env, url, bland, convoso, call } = await stage(t, {
    redisUrl: redis.url,
    env: { LEASE: '3', BLAND_MAX_PER_SECOND: '100', BLAND_WEBHOOK_URL: `${balancer.url}/webhooks/bland-callback` },
  })
  bland.faults({ answer_ms: [50, 150], call_ms: [200, 600], resends: 20, resend_ms: 200 })
  // The first write of each lead comes to nothing: what the victim had in hand, somebody else has to write.
  convoso.faults({ 'leads/update': { slow: { rate: 1, ms: 1000 }, server_error: { first: 1, status: 503 } } })

  const port = await freePort()
  const victim = spawn(process.execPath, ['--import', 'tsx', 'src/server.ts'], {
    env: { PATH: process.env.PATH ?? '', ...env, LOG_LEVEL: 'info', PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => victim.kill('SIGKILL'))
  for await (const chunk of victim.stdout) if (String(chunk).includes('Server listening')) break
  targets.push(port, Number(new URL(url).port))

  const post = async (lead_id: string, number: number, to: number) => {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${to}/webhooks/awhealth-outbound`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ phone_number: phone(number), lead_id, list_id: 1 }),
      }).catch(() => undefined)
      if (answer?.status === 202) return ((await answer.json()) as { request_id: string }).request_id
    }
  }
  // Bland never answers these: their one dial request is under way when their instance dies.
  const cut = ['X1', 'X2', 'X3']
  for (const lead_id of cut) bland.script({ lead_id, faults: { hang_before: 1 } })
  const cutIds = await Promise.all(cut.map((lead_id, i) => post(lead_id, i, port)))
  await bland.seen(({ what }) => what === 'dial', cut.length)
  const leads = Array.from({ length: COUNT }, (_, n) => `K${n}`)
  await Promise.all(leads.map((lead_id, n) => post(lead_id, 100 + n, targets[n % 2] as number)))

  // While both have dials, completions and writes in hand.
  await convoso.seen(({ what }) => what === 'refused', 5)
  victim.kill('SIGKILL')
  const killedMs = Date.now()
  await once(victim, 'exit')

  const rung = new Set<string>()
  for (const entry of bland.ledger().entries) if (entry.what === 'placed') rung.add(entry.lead_id as string)
  await Promise.all([...rung].map((lead_id) => convoso.seen((e) => e.what === 'write' && e.lead_id === lead_id)))
  const tookMs = Date.now() - killedMs
  t.ok(tookMs < LEASE_MS + 20_000, `all written ${tookMs} ms after the kill`)
  t.ok(tookMs > LEASE_MS / 2, 'and some of them by the instance that took over')
  t.ok(rung.size > COUNT / 2, `${rung.size} calls were placed by then`)
  await bland.seen((entry) => entry.what === 'asked' && entry.url.includes('to_number'), cut.length)
  for (const id of cutIds) t.match(await call(id), { state: 'dialing', call_id: null })

  const { numbers, entries } = bland.ledger()
  t.ok(Object.values(numbers).every(({ placed }) => placed === 1))
  const dialed = entries.flatMap((entry) => (entry.what === 'dial' ? [entry.lead_id] : []))
  t.equal(new Set(dialed).size, dialed.length, 'one dial request for each lead')
})

t.test('a tenth of Bland’s answers dropped, a twentieth answered 500, the calls placed all the same', async (t) => {
  const COUNT = FULL ? 2000 : 200
  const { post, bland, convoso } = await stage(t, { redisUrl: redis.url, env: { BLAND_MAX_CONCURRENT: '1000' } })
  bland.faults({ drop_after: 0.1, error_after: 0.05, call_ms: [300, 600] })
  const waiting = Array.from({ length: COUNT }, (_, n) => n)
  const sender = async () => {
    for (let n = waiting.pop(); n !== undefined; n = waiting.pop()) {
      // On a machine this busy a lead may hear 503: it is posted again, as a duplicate or anew.
      while ((await post({ phone_number: phone(n), lead_id: `D${n}`, list_id: 1 })).status !== 202);
    }
  }
  await Promise.all(Array.from({ length: 20 }, sender))
  await convoso.seen(({ what }) => what === 'write', COUNT)
  const { placed, numbers, entries } = bland.ledger()
  const answers = entries.flatMap((entry) => (entry.what === 'answer' ? [entry.status] : []))
  t.ok(answers.filter((status) => status === 'dropped').length > COUNT / 20, 'answers were dropped')
  t.ok(answers.filter((status) => status === 500).length > COUNT / 50, 'answers were 500')
  t.equal(answers.length, COUNT, 'no second dial request')
  t.equal(placed, COUNT)
  t.ok(Object.values(numbers).every((number) => number.placed === 1))
  const { leads } = convoso.ledger()
  t.equal(Object.keys(leads).length, COUNT)
  t.ok(Object.values(leads).every(({ applied }) => applied === 1))
})
