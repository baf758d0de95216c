import { type Args, dialing, type Seen, taking } from './arguments.ts'
import type { Budget, Claim, Limits, Standing } from './claim.ts'
import type { Clock } from './clock.ts'
import { fieldsOf, recordOf } from './record.ts'
import type { Connection } from './redis.ts'
import type { ScriptName } from './scripts.ts'
import type { Times } from './times.ts'

export type Answer = Record<string, string | number | undefined>

export interface StoreOptions {
  redis: Connection
  prefix: string
  times: Times
  limits: Limits
  clock: Clock
  /** Kept up to date by the store itself; shared by all stores of an instance. */
  seen: Seen
}

/** Runs the scripts, and reads what they answer: what all methods of the store stand on. */
export function createSteps({ redis, prefix, times, limits, clock, seen }: StoreOptions) {
  const dialArgs = () => dialing(times, limits, seen)
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
      standing: standingIn(answer),
      bytes: null,
    }
  }

  /** What an answer says of the store; null when the store is not believed. */
  function standingIn(answer: Answer): Standing | null {
    const standing = answer.store as unknown as (Standing & { epoch: string }) | undefined
    // Answers overtake each other.
    if (standing && standing.resumed >= seen.resumed) {
      if (standing.resumed > seen.resumed) seen.dials = 0
      Object.assign(seen, { epoch: standing.epoch, resumed: standing.resumed })
    }
    return standing ?? null
  }

  /** A phone may ring from now on because of what this standing allowed. */
  function remember(standing: Standing): void {
    if (standing.resumed === seen.resumed) seen.dials = Math.max(seen.dials, standing.dials)
  }

  const decided = async (script: ScriptName, claim: Claim, said: string, args: Args) => {
    const { answer } = await run(script, { request_id: claim.call.requestId, fence: claim.fence, ...args })
    return answer[said] === 'yes'
  }

  return { run, claimOf, standingIn, remember, decided, dialArgs, takeArgs }
}
