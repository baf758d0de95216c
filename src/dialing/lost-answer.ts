import type { Claim } from '../calls/claim.ts'
import type { Log, Runner } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'
import type { Times } from '../calls/times.ts'
import { createConfirm } from './confirm.ts'
import type { Voice } from './voice.ts'

/** The vendor's list lags behind, and its filters are not trusted: one look that finds nothing proves nothing. */
const LOOKS_AT_LEAST = 3

/**
 * A call whose dial was not answered: looked for, never dialed again. It keeps its line and its slot until the longest
 * call that could be running has ended; only then it ends as DIAL_UNCONFIRMED. Its completion may come at any moment
 * meanwhile, and is simply taken.
 */
export function createSearch(options: { store: Store; voice: Voice; runner: Runner; times: Times; log: Log }) {
  const { store, voice, runner, times, log } = options
  const confirm = createConfirm(options)

  return async function search(claim: Claim): Promise<void> {
    const { requestId, lead, dialedAt, looks } = claim.call
    const since = dialedAt ?? claim.at
    const about = { stage: 'BLAND_CALL', request_id: requestId, lead_id: lead.leadId }

    const sighting = await voice.find({ requestId, phone: lead.phone, sinceMs: since }, AbortSignal.timeout(times.post))
    if (sighting.kind === 'found') return confirm(claim, sighting.callId, 'lost call found')
    if (sighting.kind === 'unavailable' && claim.at - since < times.endless) {
      // Whoever could not ask has not looked.
      const { reason } = sighting
      return void (await store.lookLater(claim, { step: 'look_failed', reason, waitMs: times.nextLook }))
    }
    const left = since + times.deadline - claim.at
    if (left > 0 || looks + 1 < LOOKS_AT_LEAST) {
      const waitMs = Math.min(left > 0 ? left : Infinity, times.nextLook * Math.max(1, looks))
      return void (await store.lookLater(claim, { step: 'looked', reason: 'not_seen_yet', waitMs }))
    }
    log.error(about, 'dial unconfirmed: no call was found, and the longest one would have ended')
    await store.conclude(
      claim,
      {
        outcome: 'DIAL_UNCONFIRMED',
        rule: 'never_seen',
        evidence: `looks=${looks + 1}`,
        doNotCall: false,
        // It may have rung, and an agent may be talking.
        holdMs: times.holdTransferred,
      },
      true,
    )
    runner.wake()
  }
}
