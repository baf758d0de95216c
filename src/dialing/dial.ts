import type { Claim, Conclusion } from '../calls/claim.ts'
import type { Clock } from '../calls/clock.ts'
import type { Witness } from '../calls/replicas.ts'
import type { Log, Runner } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'
import type { Times } from '../calls/times.ts'
import type { Voice } from './voice.ts'

/**
 * dialing → pending, or back, or on: the only code that asks the vendor to call somebody, once per call.
 * An answer that leaves it open whether a phone rings ends as a look for the call, never as a second request.
 */
export function createDialer(options: {
  store: Store
  voice: Voice
  witness: Witness
  runner: Runner
  times: Times
  clock: Clock
  log: Log
}) {
  const { store, voice, witness, runner, times, clock, log } = options

  return async function dial(claim: Claim): Promise<void> {
    const { requestId, lead, writes } = claim.call
    const about = { stage: 'BLAND_CALL', request_id: requestId, lead_id: lead.leadId }

    // A step that only the primary knows of is gone with it, and the call would be dialed again.
    if (!(await witness(claim))) {
      const given = await store.undial(claim, 'not_replicated', times.idle, times.idle)
      return log.warn({ ...about, given_back: given }, 'too few replicas know of the dial: nobody was rung')
    }
    // Redis can fence Redis, not a telephone: a permission that lay about while this process stalled is given back.
    if (clock.monotonic() - claim.askedAt > times.permit) {
      const given = await store.undial(claim, 'permit_too_old', 0)
      return log.warn({ ...about, given_back: given }, 'the permission to dial was too old: nobody was rung')
    }

    const startedAt = clock.monotonic()
    const answer = await voice.dial({ requestId, lead }, AbortSignal.timeout(times.post))
    const took = { ...about, ms: Math.round(clock.monotonic() - startedAt) }

    switch (answer.kind) {
      case 'placed': {
        log.info({ ...took, call_id: answer.callId }, 'call placed')
        const confirmed = await store.confirmDial(requestId, lead, writes, answer.callId)
        log.info(
          { ...about, stage: 'WEBHOOK_REGISTERED', call_id: answer.callId, confirmed: confirmed.kind },
          'call registered',
        )
        return goOn(confirmed, { runner, log, about: { ...about, call_id: answer.callId } })
      }
      case 'later':
        log.warn({ ...took, reason: answer.reason, wait_ms: answer.waitMs }, 'nobody was rung: dialing again later')
        await store.undial(claim, answer.reason, answer.waitMs, answer.scope === 'account' ? answer.waitMs : 0)
        return
      case 'stopped':
        log.error({ ...took, reason: answer.reason }, 'nobody was rung: the vendor refuses our account or settings')
        // Of two leads that were refused, the other one is tried first: it may be this lead that the vendor minds.
        await store.undial(claim, answer.reason, times.rest * 2 ** Math.min(claim.call.undials + 1, 6), times.rest)
        return
      case 'never':
        log.info({ ...took, reason: answer.reason }, 'nobody was rung: the vendor will not call this number')
        await store.conclude(claim, refusal(answer), false)
        return runner.wake()
      case 'lost':
        log.error({ ...took, reason: answer.reason }, 'no answer to a dial: looking for the call, never dialing again')
        await store.lookLater(claim, {
          step: 'answer_lost',
          reason: answer.reason,
          waitMs: times.firstLook - times.post,
        })
    }
  }
}

/** After a dial was confirmed: two calls for one request are told, and a completion that was parked for it is delivered. */
export function goOn(
  confirmed: { kind: string; claim: Claim | null },
  { runner, log, about }: { runner: Runner; log: Log; about: object },
) {
  if (confirmed.kind === 'second_call') log.error(about, 'two calls for one request')
  if (confirmed.claim) runner.startNow(confirmed.claim)
  else if (confirmed.kind === 'joined') runner.wake()
}

/** The outcome of a call the vendor refused: the number may rest from now on, and be called by nobody if it must not. */
function refusal(answer: { reason: string; doNotCall: boolean }): Conclusion {
  return {
    outcome: 'REFUSED',
    rule: answer.doNotCall ? 'do_not_call' : 'number_refused',
    evidence: `dial_answer=${answer.reason}`,
    doNotCall: answer.doNotCall,
    holdMs: 0,
  }
}
