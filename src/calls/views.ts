import { STATES, type State } from './call.ts'
import { keysOf } from './keys.ts'
import { type CallRecord, fieldsOf, recordOf } from './record.ts'
import type { Connection } from './redis.ts'

/** A call with the ms (epoch) of its next attention; null when nothing is due any more. */
export interface CallView {
  call: CallRecord
  dueAt: number | null
}

/** Dialing and pending calls share one list: so many of it are looked through. */
const MOST_SLOTS = 2000

/** What people ask of the store. Reads only; never scans. */
export function createViews(redis: Connection, prefix: string) {
  const keys = keysOf(prefix)
  const dueIn = (state: State): string | undefined =>
    ({
      queued: keys.due_dial,
      dialing: keys.due_look,
      pending: keys.due_look,
      delivering: keys.due_deliver,
      completed: undefined,
      failed: undefined,
    })[state]

  async function view(requestId: string): Promise<CallView | null> {
    const fields = fieldsOf(Object.entries(await redis.hgetall(keys.call(requestId))).flat())
    if (!fields.request_id) return null
    const call = recordOf(fields)
    const list = dueIn(call.state)
    const score = list ? await redis.zscore(list, requestId) : null
    return { call, dueAt: score === null ? null : Number(score) }
  }

  const statesOf = async (requestIds: string[]) =>
    Promise.all(requestIds.map((requestId) => redis.hget(keys.call(requestId), 'state')))

  return {
    /** One call, by our request_id or the vendor's call_id. */
    async find(id: string): Promise<CallView | null> {
      const requestId = (await redis.get(keys.call_id(id)))?.split(' ')[0] ?? id
      return view(requestId)
    },

    /** Calls in a state, soonest due first (completed and failed: latest first); without a state, all that are not completed. */
    async list(state: State | undefined, limit: number): Promise<CallView[]> {
      if (!state) {
        const each = await Promise.all(
          STATES.filter((name) => name !== 'completed').map((name) => this.list(name, limit)),
        )
        return each.flat().slice(0, limit)
      }
      const ids =
        state === 'completed' || state === 'failed'
          ? await redis.zrange(keys[state], 0, String(limit - 1), 'REV')
          : state === 'dialing' || state === 'pending'
            ? await redis.zrange(keys.pending, 0, String(MOST_SLOTS - 1))
            : await redis.zrange(dueIn(state) as string, 0, String(limit - 1))
      const found = await Promise.all(ids.map(view))
      return found.filter((each): each is CallView => each?.call.state === state).slice(0, limit)
    },

    /** Whether, since when and why nobody is dialed by order. */
    async pause(): Promise<{ since: number; reason: string } | null> {
      const [since, reason] = await redis.hmget(keys.control, 'paused_at_ms', 'paused_why')
      return since ? { since: Number(since), reason: reason ?? '' } : null
    },

    /** How many calls are where now, and what became of the day's so far. */
    async counts(now: number) {
      const today = new Date(now).toISOString().slice(0, 10)
      const [queued, holding, delivering, failed, stats] = await Promise.all([
        redis.zcard(keys.due_dial),
        redis.zrange(keys.pending, 0, '-1').then(statesOf),
        redis.zcard(keys.due_deliver),
        redis.zcard(keys.failed),
        redis.hgetall(keys.stats(today)),
      ])
      const dialing = holding.filter((state) => state === 'dialing').length
      const pending = holding.filter((state) => state === 'pending').length
      const soFar = (name: string) => Number(stats[name] ?? 0)
      return {
        queued,
        dialing,
        pending,
        delivering,
        failed,
        completed: soFar('completed'),
        refused: soFar('refused'),
        duplicate: soFar('duplicate'),
        sibling: soFar('sibling'),
        unconfirmed: soFar('outcome.DIAL_UNCONFIRMED'),
        looked_up: soFar('looked_up'),
        unmatched: soFar('unmatched'),
        total: queued + dialing + pending + delivering + failed + soFar('completed'),
      }
    },
  }
}

export type Views = ReturnType<typeof createViews>
