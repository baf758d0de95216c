import { type Args, concluding, dialing, identity, taking } from './arguments.ts'
import type { Lead } from './call.ts'
import type { Admission, Budget, Claim, Conclusion, Limits, Taking } from './claim.ts'
import type { Clock } from './clock.ts'
import { keysOf } from './keys.ts'
import { fieldsOf, recordOf } from './record.ts'
import type { Connection } from './redis.ts'
import type { ScriptName } from './scripts.ts'
import type { Times } from './times.ts'

type Answer = Record<string, string | number | undefined>

const MOST_PARKED = 1000

/**
 * The only caller of the scripts. Every method is one atomic step in Redis; it rejects when Redis cannot be asked, and
 * may be repeated then. Steps that decide take a claim and answer false when its fence is no longer the current one.
 */
export function createStore(options: {
  redis: Connection
  prefix: string
  times: Times
  limits: Limits
  clock: Clock
  /** Identity of the store as it was at boot; empty when nobody may be dialed. */
  epoch: () => string
}) {
  const { redis, prefix, times, limits, clock, epoch } = options
  const keys = keysOf(prefix)

  const dialArgs = () => dialing(times, limits, epoch())
  const takeArgs = taking(times)
  const shared = { lease_ms: times.lease, horizon_ms: times.horizon, crm_per_second: limits.crmPerSecond }

  async function run(script: ScriptName, args: Args): Promise<{ answer: Answer; reply: string[] | string[][] }> {
    const flat: (string | number)[] = []
    for (const [name, value] of Object.entries({ op: clock.id(), ...shared, ...args })) {
      // Redis takes whole numbers only, and a script that fails half-way is not rolled back.
      if (value !== undefined) flat.push(name, typeof value === 'number' ? Math.round(value) : value)
    }
    const [json, reply] = await redis[script](prefix, ...flat)
    return { answer: JSON.parse(json) as Answer, reply }
  }

  /** The claim an answer carries, when it carries one. */
  function claimOf(budget: Budget, answer: Answer, reply: string[] | string[][], askedAt: number): Claim | null {
    if (answer.fence === undefined) return null
    return {
      budget,
      call: recordOf(fieldsOf(reply as string[])),
      fence: String(answer.fence),
      startInMs: Number(answer.start_in_ms ?? 0),
      gapMs: Number(answer.gap_ms ?? 0),
      at: Number(answer.now_ms),
      askedAt,
      bytes: null,
    }
  }

  const decided = async (script: ScriptName, claim: Claim, said: string, args: Args) => {
    const { answer } = await run(script, { request_id: claim.call.requestId, fence: claim.fence, ...args })
    return answer[said] === 'yes'
  }

  return {
    /** Takes a lead in. With `permit`, the caller promises to dial at once when the answer carries a claim. */
    async admit(requestId: string, lead: Lead, writes: number, permit: boolean): Promise<Admission> {
      const askedAt = clock.monotonic()
      const fields = Object.fromEntries(Object.entries(lead.fields).map(([name, value]) => [`lead.${name}`, value]))
      const { answer, reply } = await run('admit', {
        ...fields,
        op: requestId,
        request_id: requestId,
        ...identity(lead, writes),
        permit: permit ? 1 : 0,
        ...dialArgs(),
      })
      const id = String(answer.request_id)
      if (answer.admitted === 'duplicate') return { kind: 'duplicate', requestId: id }
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
      })
      const { claims, vanished, poisoned } = answer as unknown as Record<string, unknown>
      // Lua's JSON knows no empty list: it arrives as {}.
      const list = <T>(value: unknown) => (Array.isArray(value) ? (value as T[]) : [])
      return {
        claims: list<Answer>(claims).map(
          (each, i) => claimOf(each.budget as Budget, each, reply[i] as string[], askedAt) as Claim,
        ),
        nextMs: Number(answer.next_ms),
        vanished: list<string>(vanished),
        poisoned: list<string>(poisoned),
      }
    },

    /** For what provably rang nobody: the call waits `waitMs`; with `restMs` nobody is dialed for so long. */
    undial: (claim: Claim, reason: string, waitMs: number, restMs = 0) =>
      decided('undial', claim, 'undialed', { reason, wait_ms: waitMs, rest_ms: restMs }),

    /** The vendor has the call. Needs no claim: what a vendor said is always taken. */
    async confirmDial(requestId: string, lead: Lead, writes: number, callId: string) {
      const askedAt = clock.monotonic()
      const { answer, reply } = await run('confirmDial', {
        request_id: requestId,
        call_id: callId,
        ...identity(lead, writes),
        deadline_ms: times.deadline,
        line_ms: times.line,
        ...takeArgs,
      })
      const kind = answer.confirmed as 'pending' | 'later' | 'again' | 'joined' | 'second_call'
      return { kind, claim: claimOf('deliver', answer, reply, askedAt) }
    },

    /**
     * Takes a completion: when this resolves, its bytes are stored. `bytes` are as they should be kept (gzipped or not).
     * `requestId` is ours, as the completion or its URL names it.
     */
    async takeCompletion(
      callId: string,
      requestId: string | null,
      bytes: Buffer,
    ): Promise<Taking & { waiting: number }> {
      const askedAt = clock.monotonic()
      // Two commands, one round trip: Redis runs them in the order they were written.
      const [, { answer, reply }] = await Promise.all([
        redis.set(keys.completion(callId), bytes, 'PX', times.parked, 'NX'),
        run('takeCompletion', {
          call_id: callId,
          request_id: requestId ?? undefined,
          parked_ms: times.parked,
          most_parked: MOST_PARKED,
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

    /** The CRM has the outcome. */
    settle: (claim: Claim, conclusion: Conclusion) =>
      decided('settle', claim, 'settled', { ...concluding(conclusion), completed_ms: times.completedTtl }),

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
    resume: () => run('resume', { new_epoch: clock.id() }),

    /** Brings a dead letter back, or a delivering call forward, with a retry curve that starts anew. */
    async replay(requestId: string) {
      const { answer } = await run('replay', { request_id: requestId })
      return answer.replayed as 'yes' | 'no' | 'unknown'
    },
  }
}

export type Store = ReturnType<typeof createStore>
