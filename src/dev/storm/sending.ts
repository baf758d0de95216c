import { setTimeout as delay } from 'node:timers/promises'
import type { ConvosoSimulator } from '../convoso-simulator/simulator.ts'
import { seeded } from '../seeded.ts'
import type { Sending } from './plan.ts'

/** Soon enough that a call whose 202 was lost is still under way when its lead comes again. */
const AGAIN_MS = [150, 400] as const

interface Options {
  convoso: ConvosoSimulator
  url: string
  secret: string
  seed: number
  signal: AbortSignal
}

/** Posts one lead until it hears 202, then once more where that is planned. Rejects when the signal does. */
export async function sendLead(sending: Sending, { convoso, url, secret, seed, signal }: Options): Promise<void> {
  const { lead, encoding, atMs, againMs } = sending
  const chance = seeded(seed, `sender of ${lead.lead_id}`)
  const post = async () => {
    while ((await convoso.send({ url, lead, encoding, secret })).status !== 202) {
      await delay(chance.between(AGAIN_MS), undefined, { signal })
    }
  }
  await delay(atMs, undefined, { signal })
  await post()
  if (againMs === null) return
  await delay(againMs, undefined, { signal })
  await post()
}
