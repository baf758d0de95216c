import t from 'tap'
import { ADMIN, redisFor, stage } from '../stage.ts'

/* The stop button, and who may press it. */

const redis = await redisFor(t)
const headers = { authorization: `Bearer ${ADMIN}` }
const done = (call: { state: string }) => call.state === 'completed'
const lead = (n: number) => ({ phone_number: String(2_125_550_100 + n), lead_id: `C${n}`, list_id: 1 })

t.test('a pause is obeyed by every instance, until somebody resumes', async (t) => {
  const { app, post, call, until, bland, another } = await stage(t, { redisUrl: redis.url })
  const second = await another()
  const press = (url: string, payload: object = {}) => app.inject({ method: 'POST', url, headers, payload })

  t.same((await app.inject({ url: '/control', headers })).json(), { paused: null })
  t.match((await press('/control/pause', { reason: 'lunch' })).json(), { success: true, reason: 'lunch' })
  const pausedAt = bland.ledger().entries.length
  const ids = []
  for (const n of [1, 2, 3]) ids.push((await post(lead(n))).body.request_id)
  const there = await second.inject({ method: 'POST', url: '/webhooks/awhealth-outbound', payload: lead(4) })
  ids.push(there.json().request_id)
  t.match((await app.inject({ url: '/control', headers })).json(), { paused: { since: /Z$/, reason: 'lunch' } })
  t.match(await call(ids[0] as string), { state: 'queued', waits_for: 'pause' })
  for (const { calls } of [app, second]) {
    const due = await calls.work.claimDue(`op-${calls.clock.id()}`, 'test', { dial: 5, look: 0, deliver: 0 })
    t.same(due.claims, [], 'no instance may dial')
  }
  t.equal(bland.ledger().entries.length, pausedAt, 'and none has')

  const resumedAt = performance.now()
  t.equal((await press('/control/resume')).statusCode, 200)
  await bland.seen(({ what }) => what === 'placed', 4)
  t.ok(performance.now() - resumedAt < 2000, 'and dialing goes on at once')
  await Promise.all(ids.map((id) => until(id, done)))
})

t.test('what is under way goes on while dialing is paused', async (t) => {
  const { app, post, until, bland } = await stage(t, { redisUrl: redis.url })
  bland.faults({ call_ms: [300, 300] })
  const { body } = await post(lead(5))
  await bland.seen(({ what }) => what === 'placed')
  await app.inject({ method: 'POST', url: '/control/pause', headers, payload: {} })
  t.equal((await until(body.request_id, done)).state, 'completed')
})

t.test('resume vouches for a store that was emptied, or is new', async (t) => {
  const {
    app,
    post,
    until,
    bland,
    another,
    redis: store,
    prefix,
  } = await stage(t, {
    redisUrl: redis.url,
    env: { DNC_SOURCE: '' },
  })
  await another({ DNC_SOURCE: '' })
  const resume = () => app.inject({ method: 'POST', url: '/control/resume', headers, payload: {} })
  const first = await post(lead(6))
  t.equal(bland.ledger().placed, 0)
  await resume()
  await until(first.body.request_id, done)

  const keys = await store.keys(`${prefix}:*`)
  await store.del(...keys)
  const after = await post(lead(7))
  t.match(await until(after.body.request_id, () => true), { state: 'queued', waits_for: 'pause' })
  await resume()
  await until(after.body.request_id, done)
  t.equal(bland.ledger().placed, 2)
})

t.test('nobody has to send a body to press a button', async (t) => {
  const { app } = await stage(t, { redisUrl: redis.url })
  for (const url of ['/control/pause', '/control/resume']) {
    t.equal((await app.inject({ method: 'POST', url, headers })).statusCode, 200, url)
  }
})

t.test('only for those who may', async (t) => {
  const { app } = await stage(t, { redisUrl: redis.url })
  for (const url of ['/control/pause', '/control/resume']) {
    t.equal((await app.inject({ method: 'POST', url, payload: {} })).statusCode, 401)
    t.equal((await app.inject({ method: 'POST', url, headers, payload: { reason: 5 } })).statusCode, 400)
  }
  t.equal((await app.inject('/control')).statusCode, 401)
})
