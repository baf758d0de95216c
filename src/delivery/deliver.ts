import type { Outcome } from '../calls/call.ts'
import type { Claim, Conclusion } from '../calls/claim.ts'
import type { Clock } from '../calls/clock.ts'
import type { Log } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'
import type { Times } from '../calls/times.ts'
import type { CompletionReader } from '../completions/completion.ts'
import { backoff, exhausted } from './backoff.ts'
import type { Crm, OutcomeReport, Standing, Write, WriteAnswer } from './crm.ts'
import { createJudge, type Judgement } from './judge.ts'

/**
 * delivering → completed, later, or failed: reads what the call came to, and tells the CRM. A completion nobody can read
 * becomes a dead letter with its bytes kept. At least once: a write whose answer was lost is sent again, with the same
 * absolute values.
 */
export function createDelivery(options: {
  store: Store
  reader: CompletionReader
  crm: Crm
  times: Times
  clock: Clock
  log: Log
}) {
  const { store, crm, times, clock, log } = options
  const judge = createJudge(options)

  // Where nobody knows how the call went, an agent may be talking.
  const { holdTransferred: longest } = times
  const holds: Partial<Record<Outcome, number>> = {
    TRANSFERRED: longest,
    DIAL_UNCONFIRMED: longest,
    NO_COMPLETION: longest,
    REFUSED: 0,
  }
  const conclusionOf = ({ verdict, doNotCall }: Judgement): Conclusion => ({
    ...verdict,
    doNotCall,
    holdMs: holds[verdict.outcome] ?? times.hold,
  })

  /** What speaks against writing. Asked of a call that the store had forgotten: nobody here knows what was written before. */
  async function standing(claim: Claim, report: OutcomeReport): Promise<Standing> {
    const { rebuiltFrom, dialedAt, done } = claim.call
    if (rebuiltFrom === null || done.length > 0) return { kind: 'open' }
    const found = await crm.standing(report, dialedAt ?? claim.at, AbortSignal.timeout(times.write))
    await clock.delay(claim.gapMs)
    return found
  }

  /** Sends the writes that are left, in their order; says what keeps the rest from being sent, if anything does. */
  async function send(claim: Claim, writes: Write[], done: string[], about: object): Promise<WriteAnswer> {
    for (const [i, write] of writes.filter(({ name }) => !done.includes(name)).entries()) {
      if (i > 0) await clock.delay(claim.gapMs)
      // A writer that stalled, or has used up its lease on earlier writes, must not write beside its successor.
      if (clock.monotonic() - claim.askedAt > times.lease - times.write) {
        return { kind: 'later', reason: 'lease_used_up', retryAfterMs: 0, throttled: false }
      }
      const startedAt = clock.monotonic()
      const answer = await write.send(AbortSignal.timeout(times.write))
      if (answer.kind !== 'done') {
        const ms = Math.round(clock.monotonic() - startedAt)
        log.warn({ ...about, write: write.name, ms, reason: answer.reason }, 'the CRM did not take a write')
        return answer
      }
      done.push(write.name)
    }
    return { kind: 'done' }
  }

  return async function deliver(claim: Claim): Promise<void> {
    const { call } = claim
    const about = { stage: 'COMPLETE', request_id: call.requestId, lead_id: call.lead.leadId, call_id: call.callId }

    const judged = await judge(claim)
    if (!judged) {
      // Not so when the claim has lapsed: then somebody else has delivered it, and let its bytes go.
      const failed = await store.fail(claim, null, 'completion_unreadable', call.done, call.writes)
      if (failed) log.error(about, 'dead letter: the completion cannot be read')
      return
    }

    const { verdict, completion, callId } = judged
    const conclusion = conclusionOf(judged)
    const report = { requestId: call.requestId, ...call.lead, callId, verdict, completion }
    const found: Standing = judged.delivered ? { kind: 'open' } : await standing(claim, report)
    const keepDisposition = found.kind === 'theirs'
    const writes = judged.delivered ? [] : crm.writes(report, { keepDisposition })
    const done = [...call.done, ...(found.kind === 'ours' ? found.done : [])]
    const unread = found.kind === 'later' || found.kind === 'never'
    const answer = unread ? found : await send(claim, writes, done, about)
    if (answer.kind === 'done') {
      const settled = await store.settle(claim, conclusion, keepDisposition)
      const { outcome, rule } = verdict
      const ms = Math.round(claim.at - (call.endedAt ?? claim.at) + clock.monotonic() - claim.askedAt)
      const text = judged.delivered ? 'a second call came to less: nothing to write' : 'outcome delivered'
      return log.info({ ...about, outcome, rule, settled, ms }, text)
    }

    const writesLeft = writes.length - done.length
    const gaveUp = call.firstFailedAt !== null && exhausted(call.firstFailedAt, claim.at, times.retryWindow)
    if (answer.kind === 'never' || gaveUp) {
      log.error({ ...about, reason: answer.reason }, 'dead letter: the CRM will not take this outcome')
      await store.fail(claim, conclusion, answer.reason, done, writesLeft)
      return
    }
    const curve = { initialMs: times.retryFirst, longestMs: times.retryLongest }
    const waitMs = answer.retryAfterMs ?? backoff(call.attempts + 1, clock.random, curve)
    const { reason, throttled } = answer
    await store.writeLater(claim, conclusion, { reason, waitMs, done, writesLeft, throttled })
  }
}
