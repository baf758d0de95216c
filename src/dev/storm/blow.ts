import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { audit } from './audit.ts'
import type { StormOptions } from './options.ts'
import { planOf } from './plan.ts'
import { createProgress, type Progress } from './progress.ts'
import { rulesOf } from './rules.ts'
import { sendLead } from './sending.ts'
import type { Stage } from './stage.ts'
import { strike } from './strikes.ts'
import type { Struck, Witness } from './witness.ts'

const LOOK_MS = 500
/** Once all leads were posted, the rest lasts at most so long. */
const REST_MS = 330_000

/**
 * Posts the leads and kills as planned, then waits until nothing is open any more and nothing has moved for longer than
 * a lease: what an instance left behind would have been taken up by then. Gives up on what stays open when nothing moves
 * for longer than a call without a completion may wait. Rejects with the signal's reason when that is aborted.
 */
export async function blow(
  options: StormOptions,
  { stage, signal, onLook }: { stage: Stage; signal: AbortSignal; onLook: (now: Progress & { kills: number }) => void },
): Promise<Witness> {
  const { bland, convoso, url, leadSecret, fleet } = stage
  const { sendings, blows } = planOf(options)
  const kills: Struck[] = []
  for (const { lead, forgotten } of sendings) {
    convoso.leads([lead])
    if (forgotten) bland.script({ lead_id: lead.lead_id, faults: { never: 1, forgotten: 1 } })
  }
  const startedMs = Date.now()
  const atMostMs = (options.leads / options.rate) * 1000 + REST_MS
  const over = AbortSignal.any([signal, AbortSignal.timeout(atMostMs)])
  setMaxListeners(0, over)
  const sender = { convoso, url: `${url}/webhooks/awhealth-outbound`, secret: leadSecret, seed: options.seed }
  let underWay = true
  const all = Promise.allSettled([
    ...sendings.map((sending) => sendLead(sending, { ...sender, signal: over })),
    ...blows.map((each) => strike(each, { stage, signal: over, onKill: (kill) => kills.push(kill) })),
  ]).finally(() => {
    underWay = false
  })

  const look = createProgress(bland, convoso)
  const seen = () => ({ bland: bland.ledger(), convoso: convoso.ledger(), kills, fallen: [] })
  const quietMs = options.lease * 1500
  const patienceMs = (options.deadline + 10 * options.lease) * 1000
  for (;;) {
    signal.throwIfAborted()
    const now = look()
    onLook({ ...now, kills: kills.length })
    const stillMs = Date.now() - now.movedMs
    if (over.aborted || (!underWay && stillMs > patienceMs)) break
    if (!underWay && stillMs > quietMs && audit(seen(), rulesOf(options)).open === 0) break
    await delay(LOOK_MS)
  }
  const tookMs = Date.now() - startedMs
  const fallen = await fleet.fallen()
  const failed = (await all).flatMap((each) => (each.status === 'rejected' ? [(each.reason as Error).message] : []))
  fallen.push(...(over.aborted ? [`not over after ${Math.round(atMostMs / 1000)} s`] : new Set(failed)))
  return { ...seen(), fallen, startedMs, tookMs }
}
