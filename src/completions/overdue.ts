import type { Verdict } from '../calls/call.ts'
import type { Claim } from '../calls/claim.ts'
import type { Log, Runner } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'
import type { Times } from '../calls/times.ts'
import type { Voice } from '../dialing/voice.ts'
import { pack } from './bytes.ts'

/** So many looks in a row that found nothing before a call counts as gone. */
const UNKNOWN_AT_MOST = 3

const FORGOTTEN: Verdict = { outcome: 'NO_COMPLETION', rule: 'vendor_knows_nothing', evidence: 'report=unknown' }
const ENDLESS: Verdict = { outcome: 'NO_COMPLETION', rule: 'never_ended', evidence: 'longer than any call' }

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
    const later = { step: 'looked', waitMs: times.nextLook }
    const endless = claim.at - (dialedAt ?? claim.at) > times.endless
    if (!endless && report.kind === 'live') {
      return void (await store.lookLater(claim, { ...later, reason: 'still_live', waitMs: times.lookLive, live: true }))
    }
    if (!endless && report.kind === 'unavailable') {
      return void (await store.lookLater(claim, { ...later, reason: report.reason }))
    }
    if (!endless && missed + 1 < UNKNOWN_AT_MOST) {
      return void (await store.lookLater(claim, { ...later, reason: 'vendor_knows_nothing', missed: true }))
    }
    const verdict = report.kind === 'unknown' ? FORGOTTEN : ENDLESS
    log.error({ ...about, rule: verdict.rule }, 'no completion came, and the vendor has none')
    // An agent may be talking.
    await store.conclude(claim, { ...verdict, doNotCall: false, holdMs: times.holdTransferred }, true)
    runner.wake()
  }
}
