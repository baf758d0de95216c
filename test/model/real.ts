import { randomBytes } from 'node:crypto'
import type { Seen } from '../../src/calls/arguments.ts'
import type { E164, Lead, Outcome, State } from '../../src/calls/call.ts'
import { systemClock } from '../../src/calls/clock.ts'
import { keysOf } from '../../src/calls/keys.ts'
import { type Fields, fieldsOf } from '../../src/calls/record.ts'
import type { Connection } from '../../src/calls/redis.ts'
import { createStore } from '../../src/calls/store.ts'
import { type Times, timesOf } from '../../src/calls/times.ts'
import type { Config } from '../../src/config.ts'
import type { Budget, Call, Hold, Store } from './store.ts'

/* The scripts on a real Redis, read back in the model's words. */

const settings = {
  ...{ BLAND_WEBHOOK_URL: 'https://calls.example.com/', LEASE: 600, BLAND_MAX_DURATION: 30, LINE_HOLD: 120 },
  ...{ LINE_HOLD_TRANSFERRED: 4800, COMPLETED_TTL: 1000, FAILED_TTL: 2000 },
  ...{ RETRY_INITIAL_DELAY: 1000, RETRY_MAX_DELAY: 900_000 },
}
/** Long ones, so that nothing comes due by itself however slow the machine is. */
export const TIMES: Times = timesOf(settings as Config)
export const MOST_SLOTS = 2

/** Two leads and a repeated one share a number, another has its own. */
export const LEADS = [
  ['r0', 'lead-A', '+12125550101'],
  ['r1', 'lead-B', '+12125550101'],
  ['r2', 'lead-A', '+12125550101'],
  ['r3', 'lead-C', '+12125550102'],
].map(([id, lead, phone]) => ({ id, lead, phone }) as { id: string; lead: string; phone: string })
const IDS = LEADS.map(({ id }) => id)
const PHONES = [...new Set(LEADS.map(({ phone }) => phone))]
const NAMES = [...new Set(LEADS.map(({ lead }) => lead))]
export const CALL_IDS = LEADS.flatMap(({ id }) => [`${id}.a`, `${id}.b`])
const LISTS: Record<Budget, 'due_dial' | 'due_look' | 'due_deliver'> = {
  ...{ dial: 'due_dial', look: 'due_look', deliver: 'due_deliver' },
}
export const COUNTED = [
  ...['admitted', 'duplicate', 'sibling', 'refused', 'rebuilt', 'second_call', 'parked', 'completed', 'failed'],
]

export const leadOf = ({ lead, phone }: { lead: string; phone: string }): Lead => ({
  ...{ leadId: lead, listId: '1', phone: phone as E164, callLogId: null, fields: {} },
})

/** What is compared: the model's store, with how often things were counted. */
export type Seeming = Omit<Store, 'epoch'> & { emptied: boolean; counts: Record<string, number> }

/** Two instances over one prefix. An op id may be given, so that a step can run twice under it. */
export async function createReal(redis: Connection, prefix: string) {
  const keys = keysOf(prefix)
  let op: string | null = null
  const clock = { ...systemClock, id: () => op ?? randomBytes(6).toString('hex') }
  const instance = () =>
    createStore({
      ...{ redis, prefix, times: TIMES, clock },
      limits: { maxConcurrent: MOST_SLOTS, dialsPerSecond: 1_000_000, crmPerSecond: 1_000_000 },
      seen: { epoch: 'e1', dials: 0, resumed: 0 } satisfies Seen,
    })
  await redis.set(keys.epoch, 'e1')
  const today = new Date().toISOString().slice(0, 10)

  const all = [
    ...LEADS.flatMap(({ id }) => [keys.call(id), keys.siblings(id)]),
    ...NAMES.map(keys.lead),
    ...PHONES.flatMap((phone) => [keys.phone(phone), keys.line(phone), keys.attempts(phone)]),
    ...CALL_IDS.flatMap((callId) => [keys.call_id(callId), keys.completion(callId)]),
    ...[keys.due_dial, keys.due_look, keys.due_deliver, keys.pending, keys.completed, keys.failed, keys.parked],
    ...[keys.dnc, keys.control, keys.epoch, keys.stats(today), keys.claim('i0'), keys.claim('i1')],
  ]

  /** Every key as it lies there: a step that runs twice leaves it so. */
  async function raw(): Promise<Map<string, Raw>> {
    const found = (await redis.eval(READ_ALL, all.length, ...all)) as Raw[]
    return new Map(all.map((name, i) => [name, found[i] ?? null]))
  }

  async function seeming(): Promise<Seeming> {
    const found = await raw()
    const ids = (name: string) => [...(found.get(name) ?? [])].sort()
    const fields = (name: string) => fieldsOf(found.get(name) ?? [])
    const members = (name: string) => Object.keys(fields(name)).sort()
    const text = (name: string) => found.get(name)?.[0]
    const due = new Map<string, { list: Budget; due: boolean }>()
    for (const list of Object.keys(LISTS) as Budget[]) {
      for (const [id, score] of Object.entries(fields(keys[LISTS[list]]))) {
        due.set(id, { list, due: Number(score) < Date.now() + 5000 })
      }
    }
    const control = fields(keys.control)
    const stats = fields(keys.stats(today))
    return {
      calls: record(IDS, (id) => callOf(fields(keys.call(id)), due)),
      leads: record(NAMES, (name) => text(keys.lead(name))),
      phones: record(PHONES, (phone) => text(keys.phone(phone))),
      lines: record(PHONES, (phone) => lineOf(found.get(keys.line(phone)))),
      attempts: record(PHONES, (phone) => unlessEmpty(members(keys.attempts(phone)))),
      siblings: record(IDS, (id) => unlessEmpty(ids(keys.siblings(id)))),
      marks: record(CALL_IDS, (callId) => text(keys.call_id(callId))?.split(' ')[0]),
      taken: CALL_IDS.filter((callId) => text(keys.call_id(callId))?.endsWith(' taken')),
      bytes: CALL_IDS.filter((callId) => found.get(keys.completion(callId))),
      slots: members(keys.pending),
      parked: members(keys.parked),
      dnc: ids(keys.dnc),
      paused: control.paused_at_ms !== undefined,
      wary: control.wary_until_ms !== undefined,
      emptied: !found.get(keys.epoch),
      counts: Object.fromEntries(COUNTED.map((name) => [name, Number(stats[name] ?? 0)])),
    }
  }

  return {
    instances: [instance(), instance()] as const,
    ...{ prefix, raw, seeming },
    /** Every step until the next call of this runs under one op id. */
    under(id: string | null) {
      op = id
    },
    dueNow: (budget: Budget) => redis.zrange(keys[LISTS[budget]], '-inf', String(Date.now() + 5000), 'BYSCORE'),
    isDue: (budget: Budget, id: string) =>
      Promise.all([redis.zadd(keys[LISTS[budget]], 'XX', 1, id), redis.hdel(keys.call(id), 'held_until_ms')]),
    lineExpires: (phone: string) => redis.del(keys.line(phone)),
    wearOut: (id: string) => redis.hset(keys.call(id), 'claims', 5),
    outlast: (id: string) => redis.hset(keys.call(id), 'dialed_at_ms', 1),
    optOut: (phone: string) => redis.sadd(keys.dnc, phone),
    empty: () => redis.unlink(...all),
  }
}

export type Real = Awaited<ReturnType<typeof createReal>>
/** A key's value, flat; of a string the text, and whether it lasts for a while, a transfer, or a call. */
type Raw = string[] | null

/** Reads all keys at once, whatever they are. TTLs pass, so a string's is told as what it is good for. */
const READ_ALL = `
local found = {}
for i, name in ipairs(KEYS) do
  local type = redis.call('TYPE', name).ok
  if type == 'hash' then found[i] = redis.call('HGETALL', name)
  elseif type == 'zset' then found[i] = redis.call('ZRANGE', name, 0, -1, 'WITHSCORES')
  elseif type == 'set' then found[i] = redis.call('SMEMBERS', name)
  elseif type == 'string' then
    local ms = redis.call('PTTL', name)
    local hold = ms > ${TIMES.holdTransferred + 60_000} and 'call' or ms > ${TIMES.hold + 60_000} and 'talk' or 'rest'
    found[i] = { redis.call('GET', name), hold }
  else found[i] = false end
end
return found`

const lineOf = (line: Raw | undefined) => line && { by: line[0] as string, hold: line[1] as Hold }
const unlessEmpty = (ids: string[]) => (ids.length ? ids : null)
const record = <T>(names: string[], of: (name: string) => T | null | undefined): Record<string, T> =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = of(name)
      return value ? [[name, value]] : []
    }),
  )

/** Fences are compared with each other, by nobody else: the numbers may differ. */
export const fencesOf = (fence: unknown, dialFence: unknown) => ({ fence: 0, dialFence: fence === dialFence ? 0 : -1 })

function callOf(fields: Fields, due: Map<string, { list: Budget; due: boolean }>): Call | null {
  const id = fields.request_id
  if (!id) return null
  return {
    id,
    lead: fields.lead_id ?? '',
    phone: fields.phone ?? '',
    state: fields.state as State,
    ...fencesOf(fields.fence, fields.dial_fence),
    claims: Number(fields.claims),
    held: false,
    ended: fields.completed_at_ms !== undefined,
    ...(due.get(id) ?? { list: null, due: false }),
    callId: fields.call_id ?? null,
    secondCallId: fields.second_call_id ?? null,
    completion: fields.completion ?? null,
    others: fields.others?.split(' ') ?? [],
    outcome: (fields.outcome as Outcome | undefined) ?? null,
    delivered: (fields.delivered as Outcome | undefined) ?? null,
    siblingOf: fields.sibling_of ?? null,
  }
}
