import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { createFaults, type Fault, type Point } from './faults.ts'
import { createMortal, type Mortal } from './instance.ts'
import type { Story } from './stories.ts'
import { post, type Theatre } from './theatre.ts'
import { createWitness, type Glimpse } from './witness.ts'

/** Who goes on when an instance dies: one that is started then, or one that was there all along. */
export type Company = 'successor' | 'neighbour'

/** What a play came to, from the store and from the memories of the vendors. */
export interface Ending extends Glimpse {
  /** The effects in the order in which they began. */
  points: Point[]
  /** What each fault found, but for those that struck before there was a call. */
  strikes: Glimpse[]
  unstruck: number
  /** For want of time a vendor was given up on, or not asked at all. */
  starved: boolean
  /** Dial requests, and calls placed. */
  dials: number
  placed: number
  /** Requests by endpoint. */
  writes: Record<string, number>
  status: string | undefined
  counted: Record<string, string>
  left: string[]
}

/** A play that has not ended by then never will. */
const LONGEST_MS = 60_000
/** What an instance says of itself when it had no time for its work. */
const TOO_LATE = / reason=(permit_too_old|lease_used_up)$/
/** Whoever has not asked what is due by then stalls. */
const STALLED_MS = 250
let plays = 0

/** Plays a story to its end, whatever strikes meanwhile. Rejects when there is no end. */
export async function play(
  theatre: Theatre,
  story: Story,
  faults: readonly Fault[],
  company: Company,
): Promise<Ending> {
  const id = `play-${process.pid}-${++plays}`
  const phone = `+1212555${1000 + plays}`
  const witness = createWitness(theatre.redis, `{${id}}`, id, phone)
  const vendors = await theatre.vendors(story)
  const { bland, convoso } = vendors
  bland.script({
    lead_id: id,
    ...(story.scene && { outcome: story.scene }),
    ...(story.bland && { faults: story.bland }),
    ...(story.faultyDials && { faulty_attempts: story.faultyDials }),
  })
  // Where only the call log is named, it stands for its lead.
  for (const lead_id of [id, `log-${id}`]) convoso.script({ lead_id, faults: story.convoso ?? {} })
  if (story.doNotCall) await witness.refuse()

  const over = new AbortController()
  const curtain = new AbortController()
  let fell = (_error: unknown) => {}
  const ended = new Promise<void>((resolve, reject) => {
    fell = reject
    curtain.signal.addEventListener('abort', () => resolve())
  })

  const placed = () => bland.ledger().numbers[phone]?.placed ?? 0
  /** Over is a call in its last state, with nothing under way, and with the completion of what was placed, if one will come. */
  async function isOver(): Promise<boolean> {
    const call = (await witness.glimpse())?.call
    if (call?.state !== 'completed' && call?.state !== 'failed') return false
    const gaveUp = call.outcome === 'DIAL_UNCONFIRMED' && story.bland?.never !== undefined
    const whole = call.completion !== undefined || placed() === 0 || gaveUp || call.outcome === 'NO_COMPLETION'
    if (whole && !over.signal.aborted) {
      over.abort()
      void alive()?.ask()
    }
    return whole && director.quiet()
  }

  const strikes: Glimpse[] = []
  const director = createFaults(faults, {
    isDue: witness.isDue,
    async onStrike() {
      const found = await witness.glimpse()
      if (found) strikes.push(found)
    },
    // Whoever lives asks for work meanwhile, unless it stalls: none may find this call, which is under a lease.
    onVendor: () => Promise.race([Promise.all(instances.map((each) => each.ask())), delay(STALLED_MS)]),
    onEffect: () => void isOver().catch(fell),
    seemsOver: () => over.signal.aborted,
    over: once(over.signal, 'abort'),
    onIdle: () => void isOver().then((really) => really && curtain.abort(), fell),
  })

  const cast: Promise<Mortal>[] = []
  const instances: Mortal[] = []
  const alive = () => instances.find((each) => !each.dead())
  async function start(): Promise<void> {
    if (curtain.signal.aborted) return
    const starting = createMortal(theatre.envOf(id, story, vendors), director.around)
    cast.push(starting)
    const mortal = await starting
    instances.push(mortal)
    if (company === 'successor') mortal.death.then(start).catch(fell)
  }
  async function sendLead() {
    const log = story.callLog && { call_log_id: `log-${id}` }
    const payload = JSON.stringify({ phone_number: phone, lead_id: id, list_id: 1, ...log })
    const headers = { 'content-type': 'application/json' }
    const stored = async () => (await post(alive(), '/webhooks/awhealth-outbound', payload, headers)) === 202
    // Nobody answers between a death and the start of a successor.
    while (!curtain.signal.aborted && !(await stored())) await delay(5)
  }
  function writes(): Ending['writes'] {
    const counts: Ending['writes'] = {}
    for (const entry of convoso.ledger().entries) {
      if (entry.what !== 'write' && entry.what !== 'refused') continue
      if (entry.lead_id !== id && entry.call_log_id !== `log-${id}`) continue
      counts[entry.endpoint] = (counts[entry.endpoint] ?? 0) + 1
    }
    return counts
  }

  theatre.onStage.set(id, alive)
  const late = async () => fell(new Error(`no end: ${JSON.stringify(await witness.glimpse())}`))
  const bound = setTimeout(() => void late(), LONGEST_MS)
  try {
    await start()
    if (company === 'neighbour') await start()
    sendLead().catch(fell)
    await ended
    const found = (await witness.glimpse()) as Glimpse
    return {
      ...found,
      points: director.points,
      strikes,
      unstruck: director.unstruck(),
      starved: director.starved() || Object.values(found.call).some((said) => TOO_LATE.test(said)),
      dials: bland.ledger().entries.filter((entry) => entry.what === 'dial' && entry.phone_number === phone).length,
      placed: placed(),
      writes: writes(),
      status: convoso.lead(id)?.status,
      counted: await witness.counted(),
      left: await witness.left(),
    }
  } finally {
    clearTimeout(bound)
    over.abort()
    curtain.abort()
    theatre.onStage.delete(id)
    await Promise.all(cast.map(async (each) => (await each).close()))
  }
}
