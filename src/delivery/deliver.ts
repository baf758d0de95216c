import type { Outcome, Verdict } from '../calls/call.ts'
import type { Claim, Conclusion } from '../calls/claim.ts'
import type { Clock } from '../calls/clock.ts'
import type { Log } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'
import type { Times } from '../calls/times.ts'
import { unpack } from '../completions/bytes.ts'
import type { Completion, CompletionReader } from '../completions/completion.ts'
import { listen, optOutAt } from '../completions/heard.ts'
import { outcomeOf } from '../completions/outcome.ts'
import { backoff, exhausted } from './backoff.ts'
import type { Crm, Write, WriteAnswer } from './crm.ts'

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
  const { store, reader, crm, times, clock, log } = options

  // Where nobody knows how the call went, an agent may be talking.
  const { holdTransferred: longest } = times
  const holds: Partial<Record<Outcome, number>> = {
    TRANSFERRED: longest,
    DIAL_UNCONFIRMED: longest,
    NO_COMPLETION: longest,
    REFUSED: 0,
  }
  const conclusionOf = (verdict: Verdict, completion: Completion | null): Conclusion => ({
    ...verdict,
    // A customer who was transferred may have asked as well: the outcome is the sale's, the wish is the customer's.
    doNotCall:
      verdict.outcome === 'DO_NOT_CALL' ||
      verdict.rule === 'do_not_call' ||
      (completion !== null && optOutAt(listen(completion)) !== null),
    holdMs: holds[verdict.outcome] ?? times.hold,
  })

  async function readCompletion(claim: Claim): Promise<Completion | null> {
    const { completion } = claim.call
    if (!completion) return null
    const kept = claim.bytes ?? (await store.completionBytes(completion))
    return kept && reader.decode(claim.bytes ?? (await unpack(kept)))
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

    const completion = await readCompletion(claim)
    const verdict = completion ? outcomeOf(completion) : call.verdict
    if (!verdict || (call.completion && !completion)) {
      // Not so when the claim has lapsed: then somebody else has delivered it, and let its bytes go.
      const failed = await store.fail(claim, null, 'completion_unreadable', call.done, call.writes)
      if (failed) log.error(about, 'dead letter: the completion cannot be read')
      return
    }

    const conclusion = conclusionOf(verdict, completion)
    const writes = crm.writes({ requestId: call.requestId, callId: call.callId, ...call.lead, verdict, completion })
    const done = [...call.done]
    const answer = await send(claim, writes, done, about)
    if (answer.kind === 'done') {
      const settled = await store.settle(claim, conclusion)
      const { outcome, rule } = verdict
      const ms = Math.round(claim.at - (call.endedAt ?? claim.at) + clock.monotonic() - claim.askedAt)
      return log.info({ ...about, outcome, rule, settled, ms }, 'outcome delivered')
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
