import type { Redis } from 'ioredis'
import { keysOf } from '../../src/calls/keys.ts'

/** A call and what it holds, at one moment. */
export interface Glimpse {
  call: Record<string, string>
  slot: boolean
  line: string | null
  /** Epoch ms at which its line is free. */
  lineEnds: number
}

/** What can be seen of one lead in a store of its own, past all that the service says of itself. */
export function createWitness(redis: Redis, prefix: string, leadId: string, phone: string) {
  const keys = keysOf(prefix)
  let requestId: string | undefined

  return {
    /** The lead's call; null before it has one. */
    async glimpse(): Promise<Glimpse | null> {
      requestId ??= (await redis.get(keys.lead(leadId))) ?? undefined
      if (!requestId) return null
      const line = keys.line(phone)
      const answers = await redis
        .multi()
        .hgetall(keys.call(requestId))
        .zscore(keys.pending, requestId)
        .get(line)
        .pexpiretime(line)
        .exec()
      const [call, slot, holder, lineEnds] = (answers ?? []).map(([, answer]) => answer)
      return {
        call: call as Record<string, string>,
        slot: slot !== null,
        line: holder as string | null,
        lineEnds: lineEnds as number,
      }
    },

    /** Whether a claim would bring something. */
    async isDue(): Promise<boolean> {
      const lists = [keys.due_dial, keys.due_look, keys.due_deliver]
      const due = await Promise.all(lists.map((list) => redis.zcount(list, '-inf', Date.now())))
      return due.some((count) => count > 0)
    },

    refuse: () => redis.sadd(keys.dnc, phone),

    /** The day's counters. */
    counted: () => redis.hgetall(keys.stats(new Date().toISOString().slice(0, 10))),

    /** Names of all keys, without the prefix. */
    left: async () => (await redis.keys(`${prefix}:*`)).map((key) => key.slice(prefix.length + 1)),
  }
}
