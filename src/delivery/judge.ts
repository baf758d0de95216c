import type { Verdict } from '../calls/call.ts'
import type { Claim } from '../calls/claim.ts'
import type { Store } from '../calls/store.ts'
import { unpack } from '../completions/bytes.ts'
import type { Completion, CompletionReader } from '../completions/completion.ts'
import { listen, optOutAt } from '../completions/heard.ts'
import { outcomeOf } from '../completions/outcome.ts'
import { outranks } from '../completions/rank.ts'

/** What a call came to, all that was heard of it taken together. */
export interface Judgement {
  verdict: Verdict
  /** The completion the verdict is of, and its call_id; both null for a call that has none. */
  completion: Completion | null
  callId: string | null
  /** Somebody asked not to be called again, or must not be. */
  doNotCall: boolean
  /** The CRM has this outcome already: another call for the same request came to less. */
  delivered: boolean
}

/**
 * Judges a call: by its completion; where more than one call was placed for it, by the one that came to most; without
 * any, by what it was concluded to be. Resolves with null when it has completions and none can be read.
 */
export function createJudge({ store, reader }: { store: Store; reader: CompletionReader }) {
  async function read(claim: Claim, callId: string) {
    const own = callId === claim.call.completion ? claim.bytes : null
    const kept = own ? null : await store.completionBytes(callId)
    const bytes = own ?? (kept && (await unpack(kept)))
    const completion = bytes && reader.decode(bytes)
    return completion ? [{ callId, completion, verdict: outcomeOf(completion) }] : []
  }

  return async function judge(claim: Claim): Promise<Judgement | null> {
    const { call } = claim
    const ids = [call.completion ?? [], call.others].flat()
    const heard = (await Promise.all(ids.map((callId) => read(claim, callId)))).flat()
    const best = heard.reduce<(typeof heard)[number] | undefined>(
      (top, each) => (top && !outranks(each.verdict.outcome, top.verdict.outcome) ? top : each),
      undefined,
    )
    const optOut = heard.some(
      ({ completion, verdict }) => verdict.outcome === 'DO_NOT_CALL' || optOutAt(listen(completion)) !== null,
    )
    const judged = (verdict: Verdict, of: Partial<Judgement>): Judgement => ({
      verdict,
      completion: null,
      callId: call.callId,
      // A customer who was transferred may have asked as well: the outcome is the sale's, the wish is the customer's.
      doNotCall: optOut || verdict.outcome === 'DO_NOT_CALL' || verdict.rule === 'do_not_call',
      delivered: false,
      ...of,
    })

    const stands = call.delivered !== null && !(best && outranks(best.verdict.outcome, call.delivered))
    if (stands && call.verdict) return judged(call.verdict, { delivered: true })
    if (best) return judged(best.verdict, { completion: best.completion, callId: best.callId })
    return call.verdict && !call.completion ? judged(call.verdict, {}) : null
  }
}
