import type { Claim } from '../calls/claim.ts'
import type { Log, Runner } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'
import type { Times } from '../calls/times.ts'
import type { Voice } from '../dialing/voice.ts'
import { pack } from './bytes.ts'

/** So many looks that found nothing before a call counts as gone. */
const UNKNOWN_AT_MOST = 3

/**
 * A pending call whose completion is overdue: the vendor is asked once. What it has goes the same road as a webhook; a
 * call that goes on gets more time, and its line with it; a call the vendor does not know ends as NO_COMPLETION.
 */
export function createOverdue(options: { store: Store; voice: Voice; runner: Runner; times: Times; log: Log }) {
  const { store, voice, runner, times, log } = options

  return async function askFor(claim: Claim): Promise<void> {
    const { requestId, lead, callId, missed, dialedAt } = claim.call
    const about = { stage: 'WEBHOOK_REGISTERED', request_id: requestId, lead_id: lead.leadId, call_id: callId }
    const report = callId ? await voice.report(callId, AbortSignal.timeout(times.post)) : ({ kind: 'unknown' } as const)

    if (report.kind === 'finished') {
      const taken = await store.takeCompletion(callId as string, requestId, await pack(report.bytes))
      log.warn({ ...about, taken: taken.kind }, 'completion was overdue: taken from the vendor’s records')
      if (taken.kind === 'new' && taken.claim) runner.startNow({ ...taken.claim, bytes: report.bytes })
      else runner.wake()
      return
    }
    const endless = claim.at - (dialedAt ?? claim.at) > times.endless
    if (report.kind === 'live' && !endless) {
      await store.lookLater(claim, { step: 'looked', reason: 'still_live', waitMs: times.lookLive, live: true })
      return
    }
    if (!endless && (report.kind === 'unavailable' || missed + 1 < UNKNOWN_AT_MOST)) {
      const reason = report.kind === 'unavailable' ? report.reason : 'vendor_knows_nothing'
      await store.lookLater(claim, {
        step: 'looked',
        reason,
        waitMs: times.nextLook,
        missed: report.kind === 'unknown',
      })
      return
    }
    const rule = report.kind === 'unknown' ? 'vendor_knows_nothing' : 'never_ended'
    log.error({ ...about, rule }, 'no completion came, and the vendor has none')
    await store.conclude(
      claim,
      {
        outcome: 'NO_COMPLETION',
        rule,
        evidence: `report=${report.kind}`,
        doNotCall: false,
        holdMs: times.holdTransferred,
      },
      true,
    )
    runner.wake()
  }
}
