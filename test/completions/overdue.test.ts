import t from 'tap'
import { systemClock } from '../../src/calls/clock.ts'
import { createRunner } from '../../src/calls/runner.ts'
import { createOverdue } from '../../src/completions/overdue.ts'
import type { Report, Voice } from '../../src/dialing/voice.ts'
import { room, storeFor } from '../calls/store-stand.ts'
import { redisFor } from '../stage.ts'

/* What is made of the vendor's word on a call that nobody heard of, at any age of the call: on a real Redis, with a vendor who says what it is told to. */

const server = await redisFor(t)
const MINUTE = 60_000
const polling = { polls: 10, lookLive: 5000, lookLiveShare: 1 / 20, deadline: 35 * MINUTE }
const FINISHED: Report = { kind: 'finished', bytes: Buffer.from('{}') }

/** A pending call, and how to look after it at an age. */
async function pending(t: Parameters<typeof storeFor>[0], overrides: Parameters<typeof storeFor>[3] = polling) {
  const stand = await storeFor(t, server.url, {}, overrides)
  const { store, times } = stand
  await stand.admitted(1)
  await store.confirmDial('req-1', stand.lead(1), 1, 'call-1')
  const log = { info() {}, warn() {}, error() {} }
  const runner = createRunner({ store, room: room(), instance: 'i', times, clock: systemClock, log })
  let said: Report = { kind: 'live' }
  const voice = { report: async () => said } as unknown as Voice
  const askFor = createOverdue({ store, voice, runner, times, log })
  const look = async (ageMs: number, report: Report = { kind: 'live' }, meanwhile = async () => {}) => {
    const claim = await stand.hand('look', 'req-1')
    await meanwhile()
    said = report
    await askFor({ ...claim, at: (claim.call.dialedAt ?? 0) + ageMs })
    const due = await stand.redis.zscore(stand.keys.due_look, 'req-1')
    return { ...(await stand.hash('req-1')), waitMs: Number(due) - Date.now() }
  }
  return { ...stand, look }
}
const near = (ms: number, wanted: number) => Math.abs(ms - wanted) < 2000

t.test('a live call is polled ever more rarely', async (t) => {
  const { look } = await pending(t)
  for (const [age, wait] of [
    [5000, 5000],
    [MINUTE, 5000],
    [2 * MINUTE, 6000],
    [10 * MINUTE, 30_000],
  ] as const) {
    const { waitMs } = await look(age)
    t.ok(near(waitMs, wait), `${age} ms: ${waitMs}`)
  }
})

t.test('the last poll comes at the deadline, and not before', async (t) => {
  const { look } = await pending(t, { ...polling, polls: 3 })
  await look(5000)
  const { waitMs } = await look(10_000)
  t.ok(near(waitMs, 35 * MINUTE - 10_000), `${waitMs}`)
  t.match(await look(20 * MINUTE), { state: 'pending' }, 'whatever was counted: it goes on')
  t.match(await look(35 * MINUTE), { state: 'delivering', outcome: 'NO_COMPLETION', rule: 'polls_used_up' })
})

t.test('without an answer nothing is concluded, and misses count in a row', async (t) => {
  const { look } = await pending(t, { ...polling, polls: 2 })
  for (let n = 0; n < 4; n++) {
    const call = await look(36 * MINUTE, { kind: 'unavailable', reason: 'http_500' })
    t.match(call, { state: 'pending', last_error: 'http_500' })
  }
  for (let n = 0; n < 4; n++) t.match(await look(MINUTE, { kind: 'unknown' }), { state: 'pending' }, 'a young call')
  t.match(await look(36 * MINUTE, { kind: 'unknown' }), { state: 'delivering', rule: 'vendor_knows_nothing' })
})

t.test('a store that is emptied while the vendor is asked gets the call back', async (t) => {
  const { look, redis, prefix } = await pending(t)
  const empty = async () => void (await redis.unlink(await redis.keys(`${prefix}:*`)))
  t.match(await look(MINUTE, FINISHED, empty), {
    state: 'delivering',
    completion: 'call-1',
    rebuilt_from: 'completion',
  })
})

t.test('a completion that Redis has no room for is asked for again', async (t) => {
  const { look, redis } = await pending(t, {})
  const { set } = redis
  redis.set = (() => Promise.reject(new Error('OOM'))) as typeof set
  for (let n = 0; n < 6; n++) {
    t.match(await look(36 * MINUTE, FINISHED), { state: 'pending', claims: '0', last_error: 'not_stored' })
  }
  redis.set = set
  t.match(await look(36 * MINUTE, FINISHED), { state: 'delivering', completion: 'call-1' })
})
