import t, { type Test } from 'tap'
import type { E164, Lead } from '../../src/calls/call.ts'
import type { Claim, Conclusion } from '../../src/calls/claim.ts'
import { type Clock, systemClock } from '../../src/calls/clock.ts'
import { keysOf } from '../../src/calls/keys.ts'
import { connect } from '../../src/calls/redis.ts'
import { createStore } from '../../src/calls/store.ts'
import { type Times, timesOf } from '../../src/calls/times.ts'
import { createViews } from '../../src/calls/views.ts'
import type { Config } from '../../src/config.ts'
import { redisFor } from '../stage.ts'

/* The transitions, one by one, on a real Redis: what each changes, refuses, and leaves alone when it runs twice. */

const server = await redisFor(t)
let prefixes = 0

const defaults = { LEASE: 15, BLAND_MAX_DURATION: 30, LINE_HOLD: 120, LINE_HOLD_TRANSFERRED: 4800 }
const more = { COMPLETED_TTL: 1000, FAILED_TTL: 2000, RETRY_INITIAL_DELAY: 1000, RETRY_MAX_DELAY: 900_000 }
const NOT_INTERESTED: Conclusion = {
  outcome: 'NOT_INTERESTED',
  rule: 'some_rule',
  evidence: 'transcript line 1',
  doNotCall: false,
  holdMs: 120_000,
}

/** A store of its own; `op` makes the next script run under that op id, as ioredis does when it sends a command again. */
async function storeFor(t: Test, limits = {}, times: Partial<Times> = {}) {
  const prefix = `{store-${process.pid}-${++prefixes}}`
  const redis = connect(server.url, 'patient', () => {})
  t.teardown(() => redis.disconnect())
  const keys = keysOf(prefix)
  await redis.set(keys.epoch, 'e1')
  let forced: string | undefined
  const clock: Clock = { ...systemClock, id: () => forced ?? systemClock.id() }
  const all = { ...timesOf({ ...defaults, ...more } as Config), ...times }
  const store = createStore({
    redis,
    prefix,
    times: all,
    limits: { maxConcurrent: 10, dialsPerSecond: 1_000_000, crmPerSecond: 1_000_000, ...limits },
    clock,
    epoch: () => 'e1',
  })
  const lead = (n: number, phone = 2_125_550_100 + n): Lead => ({
    leadId: `lead-${n}`,
    listId: '1',
    phone: `+1${phone}` as E164,
    callLogId: null,
    fields: { first_name: 'Ana' },
  })
  const admitted = async (n: number, phone?: number) => {
    const admission = await store.admit(`req-${n}`, lead(n, phone), 1, true)
    if (admission.kind !== 'new' || !admission.claim) throw new Error(`not dialing: ${JSON.stringify(admission)}`)
    return admission.claim
  }
  return {
    store,
    redis,
    keys,
    times: all,
    lead,
    /** A call in dialing, with the claim to dial it. */
    admitted,
    /** A call in delivering, with the claim to deliver it. */
    delivering: async (n: number) => {
      await admitted(n)
      const taken = await store.takeCompletion(`call-${n}`, `req-${n}`, Buffer.from('{}'))
      if (taken.kind !== 'new' || !taken.claim) throw new Error('not delivering')
      return taken.claim
    },
    state: async (id: string) => (await createViews(redis, prefix).find(id))?.call.state,
    steps: async (id: string) => (await createViews(redis, prefix).find(id))?.call.steps.map(({ what }) => what),
    /** Everything the store holds, to see that a repeated script changed nothing. */
    snapshot: async () => {
      const names = (await redis.keys(`${prefix}:*`)).sort()
      return Promise.all(names.map(async (name) => [name, (await redis.dumpBuffer(name))?.toString('hex')]))
    },
    async twice<T>(step: () => Promise<T>): Promise<[T, T]> {
      forced = systemClock.id()
      const first = await step()
      const before = await this.snapshot()
      const second = await step()
      t.same(await this.snapshot(), before, 'the second run changed nothing')
      forced = undefined
      return [first, second]
    },
  }
}

const room = (dial = 0, look = 0, deliver = 0) => ({ dial, look, deliver })

t.test('admit', async (t) => {
  t.test('takes lead, number, line, slot and attempt in one step', async (t) => {
    const { store, redis, keys, lead } = await storeFor(t)
    const admission = await store.admit('req-1', lead(1), 1, true)
    t.match(admission, { kind: 'new', claim: { fence: /\d/, call: { state: 'dialing', lead: lead(1) } } })
    for (const key of [keys.lead('lead-1'), keys.phone('+12125550101'), keys.line('+12125550101')]) {
      t.equal(await redis.get(key), 'req-1')
    }
    t.same(await redis.zrange(keys.pending, 0, '-1'), ['req-1'])
    t.same(await redis.zrange(keys.attempts('+12125550101'), 0, '-1'), ['req-1'])
    for (const name of await redis.keys(`${keys.epoch.slice(0, -6)}*:req-1`))
      t.ok((await redis.pttl(name)) > 86_000_000)
  })

  t.test('run twice, it is not its own duplicate', async (t) => {
    const stand = await storeFor(t)
    const [first, second] = await stand.twice(() => stand.store.admit('req-1', stand.lead(1), 1, true))
    t.match(first, { kind: 'new', requestId: 'req-1' })
    t.match(second, { kind: 'new', requestId: 'req-1', claim: { call: { state: 'dialing' } } })
  })

  t.test('waits in order of arrival for slot, pace, permit and epoch', async (t) => {
    for (const [waitsFor, limits, permit, epoch] of [
      ['slot', { maxConcurrent: 1 }, true, 'e1'],
      ['pace', { dialsPerSecond: 1 }, true, 'e1'],
      ['turn', {}, false, 'e1'],
      ['epoch', {}, true, 'e2'],
    ] as const) {
      const { store, redis, keys, lead } = await storeFor(t, limits)
      if (waitsFor !== 'epoch') await store.admit('req-0', lead(0), 1, true)
      await redis.set(keys.epoch, epoch)
      t.match(await store.admit('req-1', lead(1), 1, permit), { kind: 'new', claim: null, waitsFor })
      await store.admit('req-2', lead(2), 1, true)
      t.same(await redis.zrange(keys.due_dial, 0, '-1'), ['req-1', 'req-2'], `${waitsFor}: nobody overtakes`)
    }
  })

  t.test('a pointer to a call that is gone does not block a lead for ever', async (t) => {
    const { store, redis, keys, lead } = await storeFor(t)
    await redis.set(keys.lead('lead-1'), 'req-gone')
    t.match(await store.admit('req-1', lead(1), 1, true), { kind: 'new', requestId: 'req-1' })
  })
})

t.test('undial gives everything back, and only its own', async (t) => {
  const stand = await storeFor(t)
  const claim = await stand.admitted(1)
  await stand.redis.set(stand.keys.line('+12125550101'), 'req-other')
  const [first, second] = await stand.twice(() => stand.store.undial(claim, 'rate_limited', 60_000))
  t.same([first, second], [true, true])
  t.equal(await stand.state('req-1'), 'queued')
  t.equal(await stand.redis.zcard(stand.keys.pending), 0)
  t.equal(await stand.redis.exists(stand.keys.attempts('+12125550101')), 0)
  t.equal(await stand.redis.get(stand.keys.line('+12125550101')), 'req-other', "another call's line is not touched")
  t.same((await stand.store.claimDue('op', 'i', room(5))).claims, [], 'not before its time')
})

t.test('a decision needs the current fence', async (t) => {
  const { store, admitted, delivering, state } = await storeFor(t)
  const old = (claim: Claim) => ({ ...claim, fence: '0' })
  const dialing = await admitted(1)
  t.equal(await store.undial(old(dialing), 'x', 0), false)
  t.equal(await store.conclude(old(dialing), NOT_INTERESTED, true), false)
  t.equal(await store.lookLater(old(dialing), { step: 'looked', reason: 'x', waitMs: 0 }), false)
  const claim = await delivering(2)
  const later = { reason: 'x', waitMs: 0, done: [], writesLeft: 1, throttled: false }
  t.equal(await store.settle(old(claim), NOT_INTERESTED), false)
  t.equal(await store.fail(old(claim), NOT_INTERESTED, 'x', [], 1), false)
  t.equal(await store.writeLater(old(claim), NOT_INTERESTED, later), false)
  t.same([await state('req-1'), await state('req-2')], ['dialing', 'delivering'])
})

t.test('confirmDial', async (t) => {
  t.test('makes the call pending, and is safe to run twice', async (t) => {
    const stand = await storeFor(t)
    await stand.admitted(1)
    const [first] = await stand.twice(() => stand.store.confirmDial('req-1', stand.lead(1), 1, 'call-1'))
    t.match(first, { kind: 'pending', claim: null })
    t.equal(await stand.redis.get(stand.keys.call_id('call-1')), 'req-1')
    const due = Number(await stand.redis.zscore(stand.keys.due_look, 'req-1'))
    t.ok(due - Date.now() > stand.times.deadline - 5000, 'due at its deadline')
  })

  t.test('never moves a call backwards', async (t) => {
    const { store, lead, delivering, state } = await storeFor(t)
    await delivering(1)
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1'), { kind: 'again' })
    t.equal(await state('req-1'), 'delivering')
  })

  t.test('a second call_id is a second call', async (t) => {
    const { store, lead, admitted, steps } = await storeFor(t)
    await admitted(1)
    await store.confirmDial('req-1', lead(1), 1, 'call-1')
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1-again'), { kind: 'second_call' })
    t.match(await steps('req-1'), ['admitted', 'dialing', 'pending', 'second_call'])
  })

  t.test('makes a call anew whose store was emptied', async (t) => {
    const { store, redis, keys, lead, admitted, state } = await storeFor(t)
    await admitted(1)
    await redis.del(keys.call('req-1'), keys.pending, keys.due_look)
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1'), { kind: 'pending' })
    t.equal(await state('req-1'), 'pending')
    t.match(await store.takeCompletion('call-1', null, Buffer.from('{}')), { kind: 'new', requestId: 'req-1' })
  })

  t.test('is joined by a completion that came before anybody knew whose it was', async (t) => {
    const { store, redis, keys, lead, admitted } = await storeFor(t)
    await admitted(1)
    t.match(await store.takeCompletion('call-1', null, Buffer.from('{"a":1}')), { kind: 'unknown' })
    t.match(await store.confirmDial('req-1', lead(1), 1, 'call-1'), {
      kind: 'joined',
      claim: { budget: 'deliver', call: { state: 'delivering', completion: 'call-1' } },
    })
    t.equal((await store.completionBytes('call-1'))?.toString(), '{"a":1}')
    t.equal(await redis.zcard(keys.parked), 0)
  })
})

t.test('takeCompletion', async (t) => {
  t.test('frees the slot, keeps the line, and is safe to run twice', async (t) => {
    const stand = await storeFor(t)
    await stand.admitted(1)
    const [first, second] = await stand.twice(() => stand.store.takeCompletion('call-1', 'req-1', Buffer.from('{}')))
    t.match([first, second], [{ kind: 'new' }, { kind: 'new' }])
    t.equal(await stand.redis.zcard(stand.keys.pending), 0)
    t.ok((await stand.redis.pttl(stand.keys.line('+12125550101'))) > 4_700_000, 'it may have been a transfer')
  })

  t.test('is taken from every state, once', async (t) => {
    for (const from of ['queued', 'dialing', 'pending', 'concluded', 'completed'] as const) {
      const { store, lead, admitted, state } = await storeFor(t)
      const claim = await admitted(1)
      if (from === 'queued') await store.undial(claim, 'x', 60_000)
      if (from === 'pending') await store.confirmDial('req-1', lead(1), 1, 'call-1')
      if (from === 'concluded' || from === 'completed') await store.conclude(claim, NOT_INTERESTED, true)
      if (from === 'completed') {
        const [due] = (await store.claimDue('op', 'i', room(0, 0, 1))).claims
        await store.settle(due as Claim, NOT_INTERESTED)
      }
      t.match(await store.takeCompletion('call-1', 'req-1', Buffer.from('{}')), { kind: 'new' }, from)
      t.equal(await state('req-1'), 'delivering')
      t.match(await store.takeCompletion('call-1', 'req-1', Buffer.from('{}')), { kind: 'duplicate' })
      t.match(await store.takeCompletion('call-2', 'req-1', Buffer.from('{}')), { kind: 'second_call' })
    }
  })

  t.test('a copy after the call has been forgotten is still a copy', async (t) => {
    const { store, redis, keys, delivering } = await storeFor(t)
    await store.settle(await delivering(1), NOT_INTERESTED)
    await redis.del(keys.call('req-1'))
    t.match(await store.takeCompletion('call-1', null, Buffer.from('{}')), { kind: 'duplicate' })
    t.equal(await redis.exists(keys.completion('call-1')), 0)
  })

  t.test('says yes only when the bytes are stored', async (t) => {
    const { store, redis, keys, admitted, state } = await storeFor(t)
    await admitted(1)
    const set = redis.set
    redis.set = (() => Promise.resolve('OK')) as typeof set
    await t.rejects(store.takeCompletion('call-1', 'req-1', Buffer.from('{}')), /NOBYTES/)
    redis.set = set
    t.equal(await state('req-1'), 'dialing')
    t.equal(await redis.exists(keys.completion('call-1')), 0)
  })
})

t.test('settle ends a call: line for the rest, everything else let go', async (t) => {
  const stand = await storeFor(t)
  const claim = await stand.delivering(1)
  const [first, second] = await stand.twice(() => stand.store.settle(claim, { ...NOT_INTERESTED, doNotCall: true }))
  t.same([first, second], [true, true])
  t.equal(await stand.state('req-1'), 'completed')
  const { redis, keys } = stand
  t.equal(await redis.exists(keys.lead('lead-1'), keys.phone('+12125550101'), keys.completion('call-1')), 0)
  t.equal(await redis.zcard(keys.due_deliver), 0)
  const rest = await redis.pttl(keys.line('+12125550101'))
  t.ok(rest > 115_000 && rest <= 120_000, `the number rests ${rest} ms`)
  t.equal(await redis.sismember(keys.dnc, '+12125550101'), 1)
  t.ok((await redis.pttl(keys.call('req-1'))) <= 1_000_000)
  const stats = await redis.hgetall(keys.stats(new Date().toISOString().slice(0, 10)))
  t.match(stats, { admitted: '1', completed: '1', 'outcome.NOT_INTERESTED': '1' }, 'counted under the date of today')
})

t.test('writeLater keeps what is done and when it began to fail; fail and replay', async (t) => {
  const stand = await storeFor(t)
  const { store, redis, keys } = stand
  const claim = await stand.delivering(1)
  const later = { reason: 'busy', waitMs: 0, done: ['a/write'], writesLeft: 1, throttled: true }
  await stand.twice(() => store.writeLater(claim, NOT_INTERESTED, later))
  t.equal(await redis.hget(keys.control, 'crm_per_second'), '500000', 'throttled: half of the rate')
  const [again] = (await store.claimDue('op-1', 'i', room(0, 0, 5))).claims
  t.match(again, { call: { attempts: 1, done: ['a/write'], firstFailedAt: Number, lastError: 'busy' } })
  await stand.twice(() => store.fail(again as Claim, NOT_INTERESTED, 'no_such_lead', ['a/write'], 1))
  t.equal(await stand.state('req-1'), 'failed')
  t.equal((await store.completionBytes('call-1'))?.toString(), '{}', 'its bytes are kept')
  t.equal(await redis.exists(keys.lead('lead-1')), 0, 'the lead may come again')
  const [replayed] = await stand.twice(() => store.replay('req-1'))
  t.equal(replayed, 'yes')
  const [third] = (await store.claimDue('op-2', 'i', room(0, 0, 5))).claims
  t.match(third, { call: { attempts: 0, firstFailedAt: null, done: ['a/write'] } })
  t.equal(await store.replay('req-1'), 'yes', 'while somebody writes it: only the curve starts anew')
  t.equal(await store.settle(third as Claim, NOT_INTERESTED), true, 'and the writer keeps its claim')
  t.equal(await store.replay('req-1'), 'no')
  t.equal(await store.replay('req-none'), 'unknown')
})

t.test('the rate is halved once a second at most, never below one, and grows back', async (t) => {
  const { store, redis, keys, delivering } = await storeFor(t, { crmPerSecond: 8 })
  const later = { reason: 'busy', waitMs: 0, done: [], writesLeft: 1, throttled: true }
  const rate = async () => Number(await redis.hget(keys.control, 'crm_per_second'))
  const throttle = async (n: number) => {
    // Nobody waits, and the next turn is at once.
    await redis.del(keys.due_deliver)
    await redis.hdel(keys.control, 'crm_next_us')
    await store.writeLater(await delivering(n), NOT_INTERESTED, later)
  }
  // The control hash is where all instances read the rate, so that is where the test turns its clock back.
  const slowed = (perSecond: number, secondsAgo: number) =>
    redis.hset(keys.control, 'crm_per_second', perSecond, 'crm_slowed_at_ms', Date.now() - secondsAgo * 1000)
  await throttle(1)
  await throttle(2)
  t.equal(await rate(), 4, 'two at once halve it once')
  await slowed(1, 2)
  await throttle(3)
  t.equal(await rate(), 1)
  await slowed(1, 30)
  await throttle(4)
  t.ok((await rate()) > 2.4 && (await rate()) < 2.6, 'half a minute gave back half of eight; one more halves it')
})

t.test('claimDue', async (t) => {
  t.test('asked again with the same op, it answers the same and claims nothing more', async (t) => {
    const stand = await storeFor(t)
    for (const n of [1, 2, 3]) await stand.store.admit(`req-${n}`, stand.lead(n), 1, false)
    const [first, second] = await stand.twice(() => stand.store.claimDue('op-1', 'i', room(2)))
    const ids = (due: { claims: Claim[] }) => due.claims.map(({ call }) => call.requestId)
    t.same(ids(first), ['req-1', 'req-2'])
    t.same(ids(second), ['req-1', 'req-2'])
    t.same(ids(await stand.store.claimDue('op-2', 'i', room(2))), ['req-3'])
  })

  t.test('a busy line keeps nobody else waiting, and its call is due when the line is free', async (t) => {
    const { store, redis, keys, lead } = await storeFor(t)
    await redis.set(keys.line('+12125550101'), 'req-earlier', 'PX', 60_000)
    for (const n of [1, 2]) await store.admit(`req-${n}`, lead(n), 1, false)
    const due = await store.claimDue('op', 'i', room(5))
    t.same(
      due.claims.map(({ call }) => call.requestId),
      ['req-2'],
    )
    t.ok(Number(await redis.zscore(keys.due_dial, 'req-1')) - Date.now() > 55_000)
    t.equal(await redis.hget(keys.call('req-1'), 'waits_for'), 'line')
  })

  t.test('paces dials, and says when asking again is worth it', async (t) => {
    const { store, lead } = await storeFor(t, { dialsPerSecond: 10 })
    for (let n = 0; n < 10; n++) await store.admit(`req-${n}`, lead(n), 1, false)
    const due = await store.claimDue('op', 'i', room(10))
    const waits = due.claims.map(({ startInMs }) => startInMs)
    t.equal(due.claims.length, 3, 'as many turns as there are within a quarter of a second')
    t.ok(
      waits.every((wait, i) => wait <= i * 100 && wait > i * 100 - 30),
      waits.join(' '),
    )
    t.ok(due.nextMs > 200 && due.nextMs <= 300)
  })

  t.test('a number that came onto the do-not-call list while its lead waited is refused', async (t) => {
    const { store, redis, keys, lead, state } = await storeFor(t)
    await store.admit('req-1', lead(1), 1, false)
    await redis.sadd(keys.dnc, '+12125550101')
    t.same((await store.claimDue('op', 'i', room(5))).claims, [])
    t.equal(await state('req-1'), 'delivering')
  })

  t.test('an emptied store dials nobody, and still delivers', async (t) => {
    const { store, redis, keys, lead, delivering } = await storeFor(t)
    const claim = await delivering(1)
    await store.writeLater(claim, null, { reason: 'x', waitMs: 0, done: [], writesLeft: 1, throttled: false })
    await store.admit('req-2', lead(2), 1, false)
    await redis.del(keys.epoch)
    const due = await store.claimDue('op', 'i', room(5, 5, 5))
    t.same(
      due.claims.map(({ budget }) => budget),
      ['deliver'],
    )
  })

  t.test('takes over when a lease has run out, not before', async (t) => {
    const { store, redis, keys, delivering } = await storeFor(t)
    const claim = await delivering(1)
    t.same((await store.claimDue('op-1', 'i', room(0, 0, 5))).claims, [])
    await redis.zadd(keys.due_deliver, 1, 'req-1')
    const [taken] = (await store.claimDue('op-2', 'i', room(0, 0, 5))).claims
    t.ok(taken)
    t.equal(await store.settle(claim, NOT_INTERESTED), false, 'the first holder may no longer decide')
    t.equal(await store.settle(taken as Claim, NOT_INTERESTED), true)
  })

  t.test('five claims that led nowhere are enough', async (t) => {
    const { store, redis, keys, delivering, state } = await storeFor(t)
    await delivering(1)
    for (let i = 0; i < 4; i++) {
      await redis.zadd(keys.due_deliver, 1, 'req-1')
      t.equal((await store.claimDue(`op-${i}`, 'i', room(0, 0, 5))).claims.length, 1)
    }
    await redis.zadd(keys.due_deliver, 1, 'req-1')
    t.same((await store.claimDue('op-5', 'i', room(0, 0, 5))).poisoned, ['req-1'])
    t.equal(await state('req-1'), 'failed')
    t.equal((await store.completionBytes('call-1'))?.toString(), '{}')
  })

  t.test('an id whose hash is gone is told, once', async (t) => {
    const { store, redis, keys, admitted } = await storeFor(t)
    await admitted(1)
    await redis.del(keys.call('req-1'))
    await redis.zadd(keys.due_look, 1, 'req-1')
    t.same((await store.claimDue('op-1', 'i', room(0, 5))).vanished, ['req-1'])
    t.same((await store.claimDue('op-2', 'i', room(0, 5))).vanished, [])
    t.equal(await redis.zcard(keys.pending), 0, 'its slot is free')
  })
})

t.test('conclude: provably nobody was rung, or somebody may have been', async (t) => {
  const stand = await storeFor(t)
  const { store, redis, keys } = stand
  const rang = await stand.admitted(1)
  const silent = await stand.admitted(2)
  await stand.twice(() => store.conclude(rang, { ...NOT_INTERESTED, outcome: 'DIAL_UNCONFIRMED' }, true))
  await store.conclude(silent, { ...NOT_INTERESTED, outcome: 'REFUSED', doNotCall: true, holdMs: 0 }, false)
  t.same(await redis.mget(keys.line('+12125550101'), keys.line('+12125550102')), ['req-1', null])
  t.same([await redis.zcard(keys.attempts('+12125550101')), await redis.zcard(keys.attempts('+12125550102'))], [1, 0])
  t.equal(await redis.sismember(keys.dnc, '+12125550102'), 1)
  t.equal(await redis.zcard(keys.pending), 0)
})

t.test('a lead with thousands of fields is stored whole', async (t) => {
  const { store, redis, keys, lead } = await storeFor(t)
  const fields = Object.fromEntries(Array.from({ length: 9000 }, (_, i) => [`field_${i}`, String(i)]))
  t.match(await store.admit('req-1', { ...lead(1), fields }, 1, true), { kind: 'new' })
  t.equal(await redis.hget(keys.call('req-1'), 'lead.field_8999'), '8999')
})
