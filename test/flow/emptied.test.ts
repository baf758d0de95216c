import t from 'tap'
import { DEFAULT_STATUSES } from '../../src/convoso/statuses.ts'
import { redisFor, type Stage, stage } from '../stage.ts'

/* A store that forgot everything, and an account that Bland refuses: nobody is dialed by accident, no outcome is lost. */

t.jobs = 4
const redis = await redisFor(t)
const done = (call: { state: string }) => call.state === 'completed'
const lead = (n: number, lead_id: string) => ({ phone_number: String(2_125_551_000 + n), lead_id, list_id: 1 })

/** Asks what pauses dialing until something does; answers how long that took, in ms. */
async function pausedBy({ operator }: Stage, reason: string): Promise<number> {
  const askedAt = performance.now()
  for (;;) {
    const { paused } = (await operator('GET', '/control')) as { paused: { reason: string } | null }
    if (paused?.reason === reason) return performance.now() - askedAt
  }
}

t.test('FLUSHALL with a hundred calls under way', { buffered: true }, async (t) => {
  const COUNT = 100
  const own = await redisFor(t)
  const here = await stage(t, {
    redisUrl: own.url,
    env: { BLAND_MAX_CONCURRENT: '200', LEASE: '1', LINE_HOLD: '1', LINE_HOLD_TRANSFERRED: '1' },
  })
  const { bland, convoso, post, until, redis: store, prefix, operator, written } = here
  bland.faults({ call_ms: [2500, 4000] })
  // Still talking when dialing goes on.
  bland.script({ lead_id: 'E0', faults: { call_ms: [7000, 7000] } })
  const ids = Array.from({ length: COUNT }, (_, n) => n)
  await Promise.all(ids.map((n) => post(lead(n, `E${n}`))))
  const pending = async () => {
    const keys = (await store.keys(`${prefix}:call-id:*`)).length
    return keys === COUNT
  }
  while (!(await pending()));
  t.equal(bland.ledger().live, COUNT)
  await store.flushall()
  const noticedMs = await pausedBy(here, 'store_emptied')
  t.ok(noticedMs < 1500, `noticed after ${Math.round(noticedMs)} ms`)

  const waiting = await Promise.all([200, 201].map((n) => post(lead(n, `E${n}`))))
  const again = await post(lead(0, 'E202'))
  t.same(
    [...waiting, again].map(({ status }) => status),
    [202, 202, 202],
  )
  await convoso.seen((entry) => entry.what === 'write', COUNT - 1)
  t.equal(bland.ledger().placed, COUNT, 'nobody was dialed')
  for (const { body } of [...waiting, again]) t.match(await here.call(body.request_id), { state: 'queued' })

  await operator('POST', '/control/resume', {})
  for (const { body } of waiting) await until(body.request_id, done)
  const followed = await until(again.body.request_id, done)
  t.ok(
    followed.steps.some(({ detail }) => /number_engaged/.test(detail)),
    'a number that is on the line from before is not rung',
  )
  t.ok(
    followed.steps.some(({ step }) => step === 'shared'),
    'nor after that call: its outcome is the outcome of this one',
  )
  const { numbers, entries, placed } = bland.ledger()
  t.match(numbers, { '+12125551000': { placed: 1 } })
  t.equal(placed, COUNT + 2)
  t.same(written('E202').at(-1), written('E0').at(-1))

  const scenes = new Map(
    entries.flatMap((entry) => (entry.what === 'placed' ? [[entry.lead_id, entry.scene] as const] : [])),
  )
  for (const n of ids) {
    const scene = scenes.get(`E${n}`)
    const status = DEFAULT_STATUSES[scene === 'COLD_TRANSFER' ? 'TRANSFERRED' : (scene ?? 'UNKNOWN')].status
    if (written(`E${n}`).at(-1) !== status) t.fail(`E${n}, ${scene}: ${written(`E${n}`)}`)
  }
  const stats = await store.hgetall(`${prefix}:stats:${new Date().toISOString().slice(0, 10)}`)
  t.match(stats, { rebuilt: String(COUNT) })
})

t.test('what is not signed, or not of this store, makes no call anew', { buffered: true }, async (t) => {
  const strict = await stage(t, { redisUrl: redis.url })
  const open = await stage(t, { redisUrl: redis.url, env: { BLAND_WEBHOOK_SECRET: '' } })
  const record = ({ prefix }: Stage, call_id: string, said: object = {}) => ({
    ...{ call_id, completed: true, status: 'busy' },
    metadata: {
      ...{ request_id: 'req_1', lead_id: 'M1', list_id: '1', phone_number: '+12125551300' },
      ...{ dialed_at_ms: Date.now() - 60_000, store: prefix, ...said },
    },
  })
  const parked = ({ redis: store, prefix }: Stage) => store.zrange(`${prefix}:parked`, 0, '-1')
  for (const secret of [null, 'somebody else’s']) {
    t.match(await strict.mail(record(strict, 'm-1'), secret), { status: 401 })
  }
  t.same(await parked(strict), [])
  t.match(await strict.mail(record(strict, 'm-2', { store: '{another}' })), { status: 200 })
  t.match(await strict.mail(record(strict, 'm-3', { dialed_at_ms: Date.now() - 31 * 86_400_000 })), { status: 200 })
  t.match(await open.mail(record(open, 'm-4'), null), { status: 200 })
  t.same([await parked(strict), await parked(open)], [['m-2', 'm-3'], ['m-4']])
  t.match(await strict.mail(record(strict, 'm-5')), { status: 200, body: { request_id: 'req_1' } })
  await strict.until('req_1', done)
  t.same([strict.written('M1'), open.written('M1')], [['B'], []])
})

t.test(
  'Bland refuses the account: every instance stops, leads wait, resume dials them',
  { buffered: true },
  async (t) => {
    const refusals = { no_balance: 'balance', flagged: 'account_flagged' } as const
    for (const [kind, reason] of Object.entries(refusals)) {
      await t.test(kind, async (t) => {
        const here = await stage(t, { redisUrl: redis.url })
        const second = await here.another()
        here.bland.faults({ refusals: { '*': kind as keyof typeof refusals } })
        const first = await here.post(lead(301, 'A1'))
        await pausedBy(here, reason)
        const there = await second.inject({
          method: 'POST',
          url: '/webhooks/awhealth-outbound',
          payload: lead(302, 'A2'),
        })
        t.equal(there.statusCode, 202)
        const ids = [first.body.request_id, there.json<{ request_id: string }>().request_id]
        for (const id of ids) t.match(await here.until(id, ({ state }) => state === 'queued'), {})
        t.equal(here.bland.ledger().placed, 0)
        here.bland.faults({ refusals: {} })
        await here.operator('POST', '/control/resume', {})
        for (const id of ids) await here.until(id, done)
        t.equal(here.bland.ledger().placed, 2)
      })
    }
    await t.test('a wrong key', async (t) => {
      const here = await stage(t, { redisUrl: redis.url, env: { BLAND_API_KEY: 'wrong' } })
      const { body } = await here.post(lead(303, 'A3'))
      await pausedBy(here, 'unauthorized')
      const mended = await here.another({ BLAND_API_KEY: 'simulated-key' })
      t.match(await mended.calls.views.pause(), { reason: 'unauthorized' }, 'a start lifts nothing')
      here.app.calls.runner.works('dial', (claim) => here.app.calls.work.undial(claim, 'old', 0).then(() => {}))
      await here.operator('POST', '/control/resume', {})
      await here.until(body.request_id, done)
      t.equal(here.bland.ledger().placed, 1)
    })
  },
)
