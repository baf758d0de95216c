import t, { type Test } from 'tap'
import { redisFor, type Stage, stage } from '../stage.ts'

/* What happens once in ten thousand calls: leads that share a number, two calls for one request, callers who want no calls, Bland without webhooks, looks that kill. */

// Most of a story's time is waiting: side by side they take as long as the longest.
t.jobs = 6
const redis = await redisFor(t)
const done = (call: { state: string }) => call.state === 'completed'
const lead = (n: number, lead_id: string) => ({ phone_number: String(2_125_550_100 + n), lead_id, list_id: 1 })
const has = (name: string) => (call: { steps: { step: string }[] }) => call.steps.some(({ step }) => step === name)

/** Posts one lead, waits for a state of its call, then posts another lead with its number. */
async function pair(t: Test, { post, until }: Stage, n: number, name: string, state: string) {
  const first = (await post(lead(n, `${name}-1`))).body
  await until(first.request_id, (call) => call.state === state)
  const second = (await post(lead(n, `${name}-2`))).body
  t.match(second, { success: true, sibling_of: first.request_id }, name)
  return [first.request_id, second.request_id] as const
}

t.test('leads that share a number get one call, and its outcome', { buffered: true }, async (t) => {
  const here = await stage(t, { redisUrl: redis.url })
  const { app, bland, convoso, post, until, written } = here
  bland.script({ lead_id: 'dialing-1', faults: { answer_late_ms: 400, call_ms: [600, 600] } })
  bland.script({ lead_id: 'pending-1', faults: { call_ms: [400, 400] } })
  convoso.script({ lead_id: 'delivering-1', faults: { 'leads/update': { slow: { first: 1, ms: 400 } } } })
  await app.calls.store.pause('until both are here')
  const queued = await pair(t, here, 1, 'queued', 'queued')
  t.match((await post(lead(1, 'queued-2'))).body, { duplicate: true, request_id: queued[1] }, 'a repeat of the sibling')
  await app.calls.store.resume()
  const pairs = {
    queued,
    dialing: await pair(t, here, 2, 'dialing', 'dialing'),
    pending: await pair(t, here, 3, 'pending', 'pending'),
    delivering: await pair(t, here, 4, 'delivering', 'delivering'),
  }
  for (const [name, ids] of Object.entries(pairs)) {
    const [one, two] = await Promise.all(ids.map((id) => until(id, done)))
    t.same([two?.outcome, two?.rule, two?.call_id], [one?.outcome, one?.rule, one?.call_id], name)
    t.ok(
      one?.steps.some(({ detail }) => detail === `request_id=${ids[1]}`),
      'the one story tells of the other',
    )
    t.ok(
      two?.steps.some(({ detail }) => detail === `of=${ids[0]}`),
      'and the other of the one',
    )
    const [mine, theirs] = [`${name}-1`, `${name}-2`].map((id) => convoso.lead(id))
    t.same([theirs?.status, theirs?.call_transcript], [mine?.status, mine?.call_transcript], 'the same status and note')
    t.same([written(`${name}-1`).length, written(`${name}-2`).length], [1, 1])
  }
  t.equal(bland.ledger().placed, 4)
})

t.test('what was never confirmed is told to both, and what comes late as well', { buffered: true }, async (t) => {
  const here = await stage(t, {
    redisUrl: redis.url,
    env: { LEASE: '1', CALL_DEADLINE_SECONDS: '1', LINE_HOLD: '1', LINE_HOLD_TRANSFERRED: '1' },
  })
  here.bland.faults({ drop_before: 1 })
  const ids = await pair(t, here, 5, 'lost', 'dialing')
  for (const id of ids) t.match(await here.until(id, done), { outcome: 'DIAL_UNCONFIRMED' })
  await here.mail({ call_id: 'late-1', status: 'busy', metadata: { request_id: ids[0] } })
  for (const id of ids) t.match(await here.until(id, (call) => call.outcome === 'BUSY' && done(call)), {})
  t.same([here.written('lost-1'), here.written('lost-2')], Array(2).fill(['N', 'B']))
})

t.test('a sibling whose call vanished is dialed itself', { buffered: true }, async (t) => {
  const here = await stage(t, {
    redisUrl: redis.url,
    env: { CALL_DEADLINE_SECONDS: '1', LINE_HOLD: '0', LINE_HOLD_TRANSFERRED: '0' },
  })
  here.bland.script({ lead_id: 'gone-1', faults: { never: 1 } })
  const [gone, left] = await pair(t, here, 6, 'gone', 'pending')
  await here.redis.del(`${here.prefix}:call:${gone}`)
  t.ok(has('alone')(await here.until(left, done)))
  t.match(here.bland.ledger(), { numbers: { '+12125550106': { placed: 2, overlaps: 0 } } })
  t.equal(here.written('gone-2').length, 1)
})

t.test('SIBLINGS=ignore leaves the other lead alone', { buffered: true }, async (t) => {
  const { post, until, written } = await stage(t, { redisUrl: redis.url, env: { SIBLINGS: 'ignore' } })
  const first = (await post(lead(7, 'I1'))).body
  t.match((await post(lead(7, 'I2'))).body, { duplicate: true, request_id: first.request_id })
  await until(first.request_id, done)
  t.same(written('I2'), [])
})

t.test('of two calls for one request the better one is told', { buffered: true }, async (t) => {
  const here = await stage(t, { redisUrl: redis.url })
  const { bland, convoso, post, until, mail, written } = here
  const better = { warm_transfer_call: { state: 'MERGED' } }
  const less = { status: 'busy', answered_by: 'busy' }
  const moments = {
    before: (call: { state: string }) => call.state === 'pending',
    during: (call: { state: string }) => call.state === 'delivering',
    after: done,
  }
  const cases = Object.entries(moments).flatMap(([when, ready], i) => [
    { name: `${when}-better`, n: 10 + i, ready, record: better, status: 'ACA' },
    { name: `${when}-less`, n: 13 + i, ready, record: less, status: 'NI' },
  ])
  const play = async ({ name, n, ready, record, status }: (typeof cases)[number]) => {
    bland.script({ lead_id: name, outcome: 'NOT_INTERESTED', faults: { call_ms: [300, 300] } })
    if (name.startsWith('during')) {
      convoso.script({ lead_id: name, faults: { 'leads/update': { slow: { first: 1, ms: 300 } } } })
    }
    const { request_id } = (await post(lead(n, name))).body
    await until(request_id, ready)
    const before = written(name)
    const second = { call_id: `second-${name}`, completed: true, ...record, metadata: { request_id } }
    t.match(await mail(second), { status: 200, body: { request_id } }, name)
    const settled = await until(request_id, (call) => done(call) && has('second_call')(call))
    t.equal(convoso.lead(name)?.status, status, name)
    const writes = written(name)
    if (name === 'after-less') t.same(writes, before, 'nothing more is written')
    if (name === 'before-better') t.same(writes, ['ACA'])
    if (status === 'NI') t.ok(writes.every((each) => each === 'NI'))
    t.match((await mail(second)).body, { message: /taken before/ }, 'a copy')
    t.match(await here.call(request_id), { state: 'completed', steps: { length: settled.steps.length } })
    t.same(written(name), writes, 'and copies change nothing')
  }
  await Promise.all(cases.map(play))
  t.equal(await here.redis.hget(`${here.prefix}:stats:${new Date().toISOString().slice(0, 10)}`, 'second_call'), '6')
  t.same(await here.redis.keys(`${here.prefix}:completion:*`), [], 'and no bytes are left')
})

t.test('a lesser call in which somebody asked for no more calls is heeded', { buffered: true }, async (t) => {
  const { post, until, mail, bland, redis: store, prefix } = await stage(t, { redisUrl: redis.url })
  bland.script({ lead_id: 'wish', outcome: 'TRANSFERRED' })
  const { request_id } = (await post(lead(16, 'wish'))).body
  await until(request_id, done)
  const metadata = { request_id }
  await mail({
    call_id: 'second-wish',
    completed: true,
    status: 'completed',
    disposition_tag: 'DO_NOT_CONTACT',
    metadata,
  })
  t.match(await until(request_id, (call) => done(call) && has('second_call')(call)), { outcome: 'TRANSFERRED' })
  t.equal(await store.sismember(`${prefix}:dnc`, '+12125550116'), 1)
})

t.test('who calls us and wants no calls is not called', { buffered: true }, async (t) => {
  const { post, mail, bland, until, written } = await stage(t, { redisUrl: redis.url })
  const inbound = (n: number, text: string) =>
    mail({
      ...{ call_id: `in-${n}`, completed: true, status: 'completed', inbound: true, from: `+12125550${n}` },
      transcripts: [{ user: 'user', text }],
    })
  t.match(await inbound(117, 'Please take me off your list.'), { status: 200 })
  t.match(await inbound(118, 'What are your opening hours?'), { status: 200 })
  const { body } = await post(lead(17, 'O17'))
  t.match(body, { state: 'refused', rule: 'do_not_call' })
  t.match(await until(body.request_id, done), { outcome: 'REFUSED' })
  t.same(written('O17'), ['DNC'])
  await until((await post(lead(18, 'O18'))).body.request_id, done)
  t.equal(bland.ledger().placed, 1)
})

t.test('without webhooks Bland is asked, and not for ever', { buffered: true }, async (t) => {
  const { post, bland, until, written } = await stage(t, {
    redisUrl: redis.url,
    env: {
      ...{ BLAND_WEBHOOK_URL: '', BLAND_POLL_INTERVAL: '100', BLAND_POLL_MAX_ATTEMPTS: '4' },
      ...{ CALL_DEADLINE_SECONDS: '3', LINE_HOLD: '0' },
    },
  })
  bland.script({ lead_id: 'P1', outcome: 'VOICEMAIL', faults: { call_ms: [100, 100] } })
  bland.script({ lead_id: 'P2', faults: { call_ms: [60_000, 60_000] } })
  const [short, endless] = await Promise.all([19, 20].map(async (n, i) => (await post(lead(n, `P${i + 1}`))).body))
  t.match(await until(short?.request_id ?? '', done), { outcome: 'VOICEMAIL' }, 'not what it seemed to be at first')
  t.equal(written('P1').length, 1)
  const call = await until(endless?.request_id ?? '', done)
  t.match(call, { outcome: 'NO_COMPLETION', rule: 'polls_used_up' })
  const [dialedAt = 0, endedAt = 0] = ['dialing', 'concluded'].map((name) =>
    Date.parse(call.steps.find(({ step }) => step === name)?.at ?? ''),
  )
  t.ok(endedAt - dialedAt >= 3000, 'not before its deadline')
  const asked = bland
    .ledger()
    .entries.filter((entry) => entry.what === 'asked' && entry.url === `/v1/calls/${call.call_id}`)
  t.equal(asked.length, 4)
})

t.test(
  'a call whose lookers die holds its line to the end, and is a dead letter then',
  { buffered: true },
  async (t) => {
    const here = await stage(t, {
      redisUrl: redis.url,
      env: { LEASE: '1', CALL_DEADLINE_SECONDS: '1', LINE_HOLD: '0', LINE_HOLD_TRANSFERRED: '7' },
    })
    here.app.calls.runner.works('look', () => Promise.reject(new Error('it dies')))
    here.bland.faults({ never: 1 })
    const { request_id } = (await here.post(lead(21, 'poison'))).body
    const key = (name: string) => `${here.prefix}:${name}`
    while ((await here.redis.hget(key(`call:${request_id}`), 'claims')) !== '5') await here.call(request_id)
    const held = await here.until(request_id, ({ due_at }) => Date.parse(due_at ?? '') - Date.now() > 1000)
    t.equal(held.state, 'pending')
    t.same(await here.redis.zrange(key('pending'), 0, '-1'), [request_id])
    t.equal(await here.redis.get(key('line:+12125550121')), request_id)
    const dead = await here.until(request_id, ({ state }) => state === 'failed')
    t.match(dead, { outcome: 'NO_COMPLETION', rule: 'poison', last_error: 'poison' })
    while (!/five claims that led nowhere/.test(here.logged())) await here.call(request_id)
    t.match(await here.operator('POST', `/calls/${request_id}/replay`), { success: true })
    await here.until(request_id, done)
    t.same(here.written('poison'), ['INCOMP'])
  },
)
