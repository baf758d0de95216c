import { concluding, identity } from './arguments.ts'
import type { E164, Lead } from './call.ts'
import type { Admission, Budget, Claim, Conclusion, Origin, Taking } from './claim.ts'
import { keysOf } from './keys.ts'
import { fieldsOf } from './record.ts'
import { type Answer, createSteps, type StoreOptions } from './steps.ts'

const MOST_PARKED = 1000

/**
 * The only caller of the scripts. Every method is one atomic step in Redis; it rejects when Redis cannot be asked, and
 * may be repeated then. Steps that decide take a claim and answer false when its fence is no longer the current one.
 */
export function createStore(options: StoreOptions) {
  const { redis, prefix, times, clock } = options
  const keys = keysOf(prefix)
  const { run, claimOf, standingIn, remember, decided, dialArgs, takeArgs } = createSteps(options)

  return {
    /** Takes a lead in. With `permit`, the caller promises to dial at once when the answer carries a claim. */
    async admit(
      requestId: string,
      lead: Lead,
      writes: number,
      { permit, siblings }: { permit: boolean; siblings: boolean },
    ): Promise<Admission> {
      const askedAt = clock.monotonic()
      const fields = Object.fromEntries(Object.entries(lead.fields).map(([name, value]) => [`lead.${name}`, value]))
      const { answer, reply } = await run('admit', {
        ...fields,
        op: requestId,
        request_id: requestId,
        ...identity(lead, writes),
        permit: permit ? 1 : 0,
        siblings: siblings ? 1 : 0,
        ...dialArgs(),
      })
      const id = String(answer.request_id)
      if (answer.admitted === 'duplicate') return { kind: 'duplicate', requestId: id }
      if (answer.admitted === 'sibling') return { kind: 'sibling', requestId: id, siblingOf: String(answer.sibling_of) }
      if (answer.admitted === 'refused') return { kind: 'refused', requestId: id, rule: String(answer.rule) }
      const waitsFor = answer.waits_for === undefined ? null : String(answer.waits_for)
      return { kind: 'new', requestId: id, claim: claimOf('dial', answer, reply, askedAt), waitsFor }
    },

    /** The claim of an admission whose answer was lost on its way; null when it gave none, or was never carried out. */
    async lostAdmission(requestId: string): Promise<Claim | null> {
      const flat = Object.entries(await redis.hgetall(keys.call(requestId))).flat()
      const { op, op_answer: said } = fieldsOf(flat)
      return op === requestId && said ? claimOf('dial', JSON.parse(said) as Answer, flat, -Infinity) : null
    },

    /** Claims what is due, at most as much as there is room for. `nextMs`: when asking again is worth it. */
    async claimDue(op: string, instance: string, room: Record<Budget, number>) {
      const askedAt = clock.monotonic()
      const { answer, reply } = await run('claimDue', {
        op,
        instance,
        ...room,
        ...dialArgs(),
        failed_ms: times.failedTtl,
        parked_ms: times.parked,
      })
      const standing = standingIn(answer)
      const { claims, vanished, poisoned } = answer as unknown as Record<string, unknown>
      // Lua's JSON knows no empty list: it arrives as {}.
      const list = <T>(value: unknown) => (Array.isArray(value) ? (value as T[]) : [])
      return {
        claims: list<Answer>(claims).map((each, i) => ({
          ...(claimOf(each.budget as Budget, each, reply[i] as string[], askedAt) as Claim),
          standing,
        })),
        nextMs: Number(answer.next_ms),
        vanished: list<string>(vanished),
        poisoned: list<string>(poisoned),
      }
    },

    /** To be told before a phone may ring because of a claim: a store that has forgotten that dial is not believed. */
    remember: ({ standing }: Claim) => standing && remember(standing),

    /**
     * For what provably rang nobody: the call waits `waitMs`. With `restMs` nobody is dialed for so long, with `pause`
     * until somebody resumes; `refused` counts as a refusal of the vendor's.
     */
    undial: (claim: Claim, reason: string, waitMs: number, { restMs = 0, refused = false, pause = false } = {}) =>
      decided('undial', claim, 'undialed', {
        reason,
        wait_ms: waitMs,
        rest_ms: restMs,
        refused: refused ? 1 : 0,
        pause: pause ? 1 : 0,
      }),

    /**
     * The vendor has the call. Needs no claim: what a vendor said is always taken. With `permit`, the caller promises to
     * deliver at once when the answer carries a claim.
     */
    async confirmDial(requestId: string, lead: Lead, writes: number, callId: string, permit = true) {
      const askedAt = clock.monotonic()
      const { answer, reply } = await run('confirmDial', {
        request_id: requestId,
        call_id: callId,
        ...identity(lead, writes),
        deadline_ms: times.firstReport,
        permit: permit ? 1 : 0,
        ...takeArgs,
      })
      const kind = answer.confirmed as 'pending' | 'later' | 'again' | 'joined' | 'second_call'
      return { kind, claim: claimOf('deliver', answer, reply, askedAt) }
    },

    /**
     * Takes a completion: when this resolves, its bytes are stored. `bytes` are as they should be kept (gzipped or not).
     * `requestId` is ours, as the completion or its URL names it. `origin` is what a signed completion says of the lead it
     * belongs to: when it is a recent dial of this store's, and the store has forgotten it, the call is made anew.
     * With `permit`, the caller promises to deliver at once when the answer carries a claim.
     */
    async takeCompletion(
      callId: string,
      requestId: string | null,
      bytes: Buffer,
      rebuild: { origin: Origin; writes: number } | null = null,
      permit = true,
    ): Promise<Taking & { waiting: number }> {
      const askedAt = clock.monotonic()
      // Two commands, one round trip: Redis runs them in the order they were written.
      const [, { answer, reply }] = await Promise.all([
        redis.set(keys.completion(callId), bytes, 'PX', times.parked, 'NX'),
        run('takeCompletion', {
          call_id: callId,
          ...(rebuild?.origin.store === prefix && {
            ...identity(rebuild.origin.lead, rebuild.writes),
            rebuild: 1,
            dialed_at_ms: rebuild.origin.dialedAt,
          }),
          request_id: requestId ?? undefined,
          parked_ms: times.parked,
          most_parked: MOST_PARKED,
          permit: permit ? 1 : 0,
          ...takeArgs,
        }),
      ])
      const waiting = Number(answer.waiting ?? 0)
      const id = String(answer.request_id)
      if (answer.taken === 'new') {
        return { kind: 'new', requestId: id, claim: claimOf('deliver', answer, reply, askedAt), waiting }
      }
      if (answer.taken === 'unknown') return { kind: 'unknown', waiting }
      return { kind: answer.taken as 'duplicate' | 'second_call', requestId: id, waiting }
    },

    /** What a claim's dial told the vendor about itself. */
    originOf: ({ call, at }: Claim): Origin => ({
      requestId: call.requestId,
      lead: call.lead,
      dialedAt: call.dialedAt ?? at,
      store: prefix,
    }),

    /** Nobody dials this number again. */
    doNotCall: (phone: E164) => redis.sadd(keys.dnc, phone),

    /** The bytes of a taken completion; null when they are gone. */
    completionBytes: (callId: string): Promise<Buffer | null> => redis.getBuffer(keys.completion(callId)),

    /** Ends a call that has no completion. `rang` false: provably nobody's phone rang. */
    conclude: (claim: Claim, conclusion: Conclusion, rang: boolean) =>
      decided('conclude', claim, 'concluded', { ...concluding(conclusion), rang: rang ? 1 : 0 }),

    /** Looks again after `waitMs`. `step` is what the story calls it; `live`: the call goes on, so its line does too. */
    lookLater: (
      claim: Claim,
      later: { step: string; reason: string; waitMs: number; live?: boolean; missed?: boolean },
    ) =>
      decided('defer', claim, 'deferred', {
        step: later.step,
        reason: later.reason,
        wait_ms: later.waitMs,
        live: later.live ? 1 : 0,
        missed: later.missed ? 1 : 0,
        line_ms: times.line,
      }),

    /** Writes again after `waitMs`. */
    writeLater: (
      claim: Claim,
      conclusion: Conclusion | null,
      later: { reason: string; waitMs: number; done: string[]; writesLeft: number; throttled: boolean },
    ) =>
      decided('defer', claim, 'deferred', {
        ...concluding(conclusion),
        step: 'write_failed',
        reason: later.reason,
        wait_ms: later.waitMs,
        done: later.done.join(' ') || undefined,
        writes_left: later.writesLeft,
        throttled: later.throttled ? 1 : 0,
      }),

    /** The CRM has the outcome; `dispositionKept`: all of it but the disposition, which is somebody else's. */
    settle: (claim: Claim, conclusion: Conclusion, dispositionKept = false) =>
      decided('settle', claim, 'settled', {
        ...concluding(conclusion),
        completed_ms: times.completedTtl,
        disposition: dispositionKept ? 'kept' : undefined,
      }),

    /** A dead letter: kept until somebody replays it. */
    fail: (claim: Claim, conclusion: Conclusion | null, reason: string, done: string[], writesLeft: number) =>
      decided('fail', claim, 'failed', {
        ...concluding(conclusion),
        reason,
        failed_ms: times.failedTtl,
        done: done.join(' ') || undefined,
        writes_left: writesLeft,
      }),

    /** Nobody is dialed from now on, by any instance; what is under way goes on. `reason` is shown to people. */
    pause: (reason: string) => run('pause', { reason }),

    /** Dialing goes on. Vouches for the do-not-call list of a store that is new or was emptied. */
    resume: () => run('resume', { new_epoch: clock.id(), ...dialArgs() }),

    /** The same for a store without an epoch alone: what the configuration may say, and an accident must not undo. */
    vouch: () => run('resume', { new_epoch: clock.id(), ...dialArgs(), if_new: 1 }),

    /** Brings a dead letter back, or a delivering call forward, with a retry curve that starts anew. */
    async replay(requestId: string) {
      const { answer } = await run('replay', { request_id: requestId })
      return answer.replayed as 'yes' | 'no' | 'unknown'
    },
  }
}

export type Store = ReturnType<typeof createStore>
