import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { keysOf } from '../../src/calls/keys.ts'
import { createFaults, type Fault, type Point } from './faults.ts'
import { createMortal, type Mortal } from './instance.ts'
import type { Story } from './stories.ts'
import { post, type Theatre } from './theatre.ts'

/** Who goes on when an instance dies: one that is started then, or one that was there all along. */
export type Company = 'successor' | 'neighbour'

/** A call and what it holds, at one moment. */
export interface Glimpse {
  call: Record<string, string>
  slot: boolean
  line: string | null
  /** Epoch ms at which its line is free. */
  lineEnds: number
}

/** What a play came to, from the store and from the memories of the vendors. */
export interface Ending extends Glimpse {
  /** The effects in the order in which they began. */
  points: Point[]
  /** What each fault found, but for those that struck before there was a call. */
  strikes: Glimpse[]
  unstruck: number
  /** A vendor was given up on for want of time. */
  starved: boolean
  /** Dial requests, and calls placed. */
  dials: number
  placed: number
  /** Requests by endpoint. */
  writes: Record<string, number>
  status: string | undefined
  /** The day's counters. */
  counted: Record<string, string>
  /** Names of all that is left in the store, without the prefix. */
  left: string[]
}

/** A play that has not ended by then never will. */
const LONGEST_MS = 30_000
let plays = 0

/** Plays a story to its end, whatever strikes meanwhile; `onPoint` hears of every effect as it begins. Rejects when there is no end. */
export async function play(
  theatre: Theatre,
  story: Story,
  faults: readonly Fault[],
  company: Company,
  onPoint: (point: Point) => void = () => {},
): Promise<Ending> {
  const { redis, onStage } = theatre
  const id = `play-${process.pid}-${++plays}`
  const phone = `+1212555${1000 + plays}`
  const keys = keysOf(`{${id}}`)
  const vendors = await theatre.vendors(story)
  const { bland, convoso } = vendors
  bland.script({
    lead_id: id,
    ...(story.scene && { outcome: story.scene }),
    ...(story.bland && { faults: story.bland }),
    ...(story.faultyDials && { faulty_attempts: story.faultyDials }),
  })
  // A call log stands for its lead where only the log is named.
  for (const lead_id of [id, `log-${id}`]) convoso.script({ lead_id, faults: story.convoso ?? {} })
  if (story.doNotCall) await redis.sadd(keys.dnc, phone)

  let requestId: string | undefined
  const over = new AbortController()
  const seemsOver = () => over.signal.aborted
  const placed = () => bland.ledger().numbers[phone]?.placed ?? 0
  const curtain = new AbortController()
  const ended = new Promise<void>((resolve, reject) => {
    curtain.signal.addEventListener('abort', () =>
      curtain.signal.reason instanceof Error && curtain.signal.reason.name !== 'AbortError'
        ? reject(curtain.signal.reason)
        : resolve(),
    )
  })
  ended.catch(() => {})
  const fell = (error: unknown) => curtain.abort(error)

  async function glimpse(): Promise<Glimpse | null> {
    requestId ??= (await redis.get(keys.lead(id))) ?? undefined
    if (!requestId) return null
    const line = keys.line(phone)
    const answers = await redis
      .multi()
      .hgetall(keys.call(requestId))
      .zscore(keys.pending, requestId)
      .get(line)
      .pexpiretime(line)
      .exec()
    const [call, slot, holder, lineEnds] = (answers ?? []).map(([, answer]) => answer)
    return {
      call: call as Record<string, string>,
      slot: slot !== null,
      line: holder as string | null,
      lineEnds: lineEnds as number,
    }
  }

  /** Over is a call in its last state, with nothing under way, and with the completion of what was placed for it, if any will come. */
  async function look(): Promise<boolean> {
    const call = (await glimpse())?.call
    if (call?.state !== 'completed' && call?.state !== 'failed') return false
    const none =
      call.outcome === 'NO_COMPLETION' || (call.outcome === 'DIAL_UNCONFIRMED' && Boolean(story.bland?.never))
    const complete = call.completion !== undefined || placed() === 0 || none
    if (complete && !seemsOver()) {
      over.abort()
      void alive()?.ask()
    }
    return complete && director.quiet()
  }

  const strikes: Glimpse[] = []
  const director = createFaults(faults, {
    async isDue() {
      const lists = [keys.due_dial, keys.due_look, keys.due_deliver]
      const due = await Promise.all(lists.map((list) => redis.zcount(list, '-inf', Date.now())))
      return due.some((count) => count > 0)
    },
    async onStrike() {
      const found = await glimpse()
      if (found) strikes.push(found)
    },
    onPoint,
    // Whoever lives asks for work meanwhile: none may find this call, which is under a lease.
    onVendor: () => Promise.all(instances.map((each) => each.ask())),
    onEffect: () => void look().catch(fell),
    seemsOver,
    over: once(over.signal, 'abort'),
    onIdle: () => void look().then((over) => over && curtain.abort(), fell),
  })

  const cast: Promise<Mortal>[] = []
  const instances: Mortal[] = []
  const alive = () => instances.find((each) => !each.dead())
  async function next() {
    if (!curtain.signal.aborted) await start()
  }
  function start(): Promise<Mortal> {
    const starting = createMortal(theatre.envOf(id, story, vendors), director.around)
    cast.push(starting)
    return starting.then((mortal) => {
      instances.push(mortal)
      if (company === 'successor') mortal.death.then(next).catch(fell)
      return mortal
    })
  }
  async function lead() {
    const payload = JSON.stringify({
      phone_number: phone,
      lead_id: id,
      list_id: 1,
      ...(story.callLog && { call_log_id: `log-${id}` }),
    })
    const headers = { 'content-type': 'application/json' }
    const stored = async () => (await post(alive(), '/webhooks/awhealth-outbound', payload, headers)) === 202
    // Nobody answers between a death and the start of a successor.
    while (!curtain.signal.aborted && !(await stored())) await delay(5)
  }

  onStage.set(id, alive)
  const late = async () => fell(new Error(`no end: ${JSON.stringify(await glimpse())}`))
  const bound = setTimeout(() => void late(), LONGEST_MS)
  try {
    await start()
    if (company === 'neighbour') await start()
    lead().catch(fell)
    await ended
    const { entries } = bland.ledger()
    const writes: Record<string, number> = {}
    for (const entry of convoso.ledger().entries) {
      if (entry.what !== 'write' && entry.what !== 'refused') continue
      if (entry.lead_id === id || entry.call_log_id === `log-${id}`) {
        writes[entry.endpoint] = (writes[entry.endpoint] ?? 0) + 1
      }
    }
    const prefix = keys.epoch.slice(0, -'epoch'.length)
    return {
      ...((await glimpse()) as Glimpse),
      points: director.points,
      strikes,
      unstruck: director.unstruck(),
      starved: director.starved(),
      dials: entries.filter((entry) => entry.what === 'dial' && entry.phone_number === phone).length,
      placed: placed(),
      writes,
      status: convoso.lead(id)?.status,
      counted: await redis.hgetall(keys.stats(new Date().toISOString().slice(0, 10))),
      left: (await redis.keys(`${prefix}*`)).map((key) => key.slice(prefix.length)),
    }
  } finally {
    clearTimeout(bound)
    over.abort()
    curtain.abort()
    onStage.delete(id)
    await Promise.all(cast.map(async (each) => (await each).close()))
  }
}
