import type { Verdict } from '../calls/call.ts'
import type { Claim } from '../calls/claim.ts'
import type { Log, Runner } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'
import type { Times } from '../calls/times.ts'
import type { Voice } from '../dialing/voice.ts'
import { inHand, pack } from './bytes.ts'

/** So many looks in a row that found nothing before a call counts as gone. */
const UNKNOWN_AT_MOST = 3

const FORGOTTEN: Verdict = { outcome: 'NO_COMPLETION', rule: 'vendor_knows_nothing', evidence: 'report=unknown' }
const POLLED: Verdict = { outcome: 'NO_COMPLETION', rule: 'polls_used_up', evidence: 'report=live' }
const ENDLESS: Verdict = { outcome: 'NO_COMPLETION', rule: 'never_ended', evidence: 'longer than any call' }

/**
 * A pending call that nobody heard of: the vendor is asked once. What it has goes the same road as a webhook; a call that
 * goes on gets more time, and its line with it; a call the vendor does not know ends as NO_COMPLETION. Without webhooks
 * all calls are asked after like this, often and from the start on.
 */
export function createOverdue(options: { store: Store; voice: Voice; runner: Runner; times: Times; log: Log }) {
  const { store, voice, runner, times, log } = options

  return async function askFor(claim: Claim): Promise<void> {
    const { requestId, lead, callId, missed, looks, dialedAt } = claim.call
    const about = { stage: 'WEBHOOK_REGISTERED', request_id: requestId, lead_id: lead.leadId, call_id: callId }
    const age = claim.at - (dialedAt ?? claim.at)
    const report = callId ? await voice.report(callId, AbortSignal.timeout(times.post)) : ({ kind: 'unknown' } as const)

    if (report.kind === 'finished') {
      const kept = await pack(report.bytes)
      // Should the store have been emptied since it was claimed.
      const rebuild = { origin: store.originOf(claim), writes: claim.call.writes }
      const take = async (permit: boolean) =>
        inHand(await store.takeCompletion(callId as string, requestId, kept, rebuild, permit), report.bytes)
      const taken = await runner.withRoom('deliver', take).catch((error: unknown) => {
        log.error({ ...about, err: error }, 'an overdue completion cannot be stored: asking for it again later')
      })
      // The vendor keeps it: no reason to give the call up after so many looks that broke off.
      if (!taken)
        return void (await store.lookLater(claim, { step: 'looked', reason: 'not_stored', waitMs: times.nextLook }))
      log.warn({ ...about, taken: taken.kind }, 'completion was overdue: taken from the vendor’s records')
      return runner.wake()
    }
    const later = { step: 'looked', waitMs: times.nextLook }
    const endless = age > times.endless
    const lastPoll = looks + 1 >= times.polls && age >= times.deadline
    if (!endless && !lastPoll && report.kind === 'live') {
      const gap = Math.max(times.lookLive, age * times.lookLiveShare)
      const waitMs = looks + 2 >= times.polls ? Math.max(gap, times.deadline - age) : gap
      return void (await store.lookLater(claim, { ...later, reason: 'still_live', waitMs, live: true }))
    }
    if (!endless && report.kind === 'unavailable') {
      return void (await store.lookLater(claim, { ...later, reason: report.reason }))
    }
    if (!endless && report.kind === 'unknown' && (missed + 1 < UNKNOWN_AT_MOST || age < times.deadline)) {
      return void (await store.lookLater(claim, { ...later, reason: 'vendor_knows_nothing', missed: true }))
    }
    const verdict = report.kind === 'unknown' ? FORGOTTEN : endless ? ENDLESS : POLLED
    log.error({ ...about, rule: verdict.rule }, 'no completion came, and the vendor has none')
    // An agent may be talking.
    await store.conclude(claim, { ...verdict, doNotCall: false, holdMs: times.holdTransferred }, true)
    runner.wake()
  }
}
