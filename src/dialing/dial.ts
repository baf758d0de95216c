import type { Claim, Conclusion } from '../calls/claim.ts'
import type { Clock } from '../calls/clock.ts'
import type { Witness } from '../calls/replicas.ts'
import type { Log, Runner } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'
import type { Times } from '../calls/times.ts'
import { createConfirm } from './confirm.ts'
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
  const confirm = createConfirm(options)

  /** Whether the vendor knows nothing of a call to this number: asked when the store has forgotten some of its dials. */
  async function unknownToVendor(claim: Claim, about: object): Promise<boolean> {
    const { requestId, lead } = claim.call
    const wanted = { requestId, phone: lead.phone, sinceMs: claim.at - times.line }
    const sighting = await voice.find(wanted, AbortSignal.timeout(times.permit))
    if (sighting.kind === 'unseen') return true
    log.warn({ ...about, sighting: sighting.kind }, 'nobody was rung: the store forgot dials, the vendor has not')
    if (sighting.kind === 'found') await confirm(claim, sighting.callId, 'call found that the store had forgotten')
    else await store.undial(claim, sighting.kind === 'unavailable' ? sighting.reason : 'number_engaged', times.nextLook)
    return false
  }

  return async function dial(claim: Claim): Promise<void> {
    const { requestId, lead, dialedAt } = claim.call
    const about = { stage: 'BLAND_CALL', request_id: requestId, lead_id: lead.leadId }
    if (claim.standing?.wary && !(await unknownToVendor(claim, about))) return

    // A step that only the primary knows of is gone with it, and the call would be dialed again.
    if (!(await witness(claim))) {
      const given = await store.undial(claim, 'not_replicated', times.idle, { restMs: times.idle })
      return log.warn({ ...about, given_back: given }, 'too few replicas know of the dial: nobody was rung')
    }
    // Redis can fence Redis, not a telephone: a permission that lay about while this process stalled is given back.
    if (clock.monotonic() - claim.askedAt > times.permit) {
      const given = await store.undial(claim, 'permit_too_old', 0)
      return log.warn({ ...about, given_back: given }, 'the permission to dial was too old: nobody was rung')
    }

    store.remember(claim)
    const startedAt = clock.monotonic()
    const order = { requestId, lead, dialedAt: dialedAt ?? claim.at }
    const answer = await voice.dial(order, AbortSignal.timeout(times.post))
    const took = { ...about, ms: Math.round(clock.monotonic() - startedAt) }

    switch (answer.kind) {
      case 'placed':
        log.info({ ...took, call_id: answer.callId }, 'call placed')
        return confirm(claim, answer.callId, 'call registered')
      case 'later': {
        log.warn({ ...took, reason: answer.reason, wait_ms: answer.waitMs }, 'nobody was rung: dialing again later')
        const restMs = answer.scope === 'account' ? answer.waitMs : 0
        await store.undial(claim, answer.reason, answer.waitMs, { restMs })
        return
      }
      case 'stopped': {
        const pause = answer.scope === 'account'
        log.error(
          { ...took, reason: answer.reason, pause },
          'nobody was rung: the vendor refuses our account or settings',
        )
        // Of two leads that were refused, the other one is tried first: it may be this lead that the vendor minds.
        const waitMs = pause ? 0 : times.rest * 2 ** Math.min(claim.call.refusals + 1, 6)
        await store.undial(claim, answer.reason, waitMs, pause ? { pause } : { restMs: times.rest, refused: true })
        return
      }
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
