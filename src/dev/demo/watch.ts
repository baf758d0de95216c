import { setTimeout as delay } from 'node:timers/promises'
import Type, { type Static } from 'typebox'
import { Value } from 'typebox/value'
import { Agent, request } from 'undici'
import { STATES } from '../../calls/call.ts'

const Text = Type.Union([Type.String(), Type.Null()])
const Shown = Type.Object({
  lead_id: Type.String(),
  request_id: Type.String(),
  state: Type.Enum([...STATES]),
  due_at: Text,
  waits_for: Text,
  outcome: Text,
  last_error: Text,
  steps: Type.Array(Type.Object({ at: Text, step: Type.String(), detail: Type.String() })),
})
const Listed = Type.Object({ calls: Type.Array(Shown) })

/** A call as the service shows it under `GET /calls`. */
export type Shown = Static<typeof Shown>

export interface Watch {
  /** What is known of the call of a lead by now. */
  of(leadId: string): Shown | undefined
  /** Resolves when the call of each of these leads has ended, or when the watch is closed. */
  ended(leadIds: string[]): Promise<void>
  close(): Promise<void>
}

interface Options {
  url: string
  adminToken: string
  everyMs: number
  /** Called after every look. */
  onLook: () => void
}

const isOver = (call: Shown | undefined) => call?.state === 'completed' || call?.state === 'failed'

/** Looks at all calls through the service's own API. A look that fails is left out: the next one comes soon. */
export function createWatch({ url, adminToken, everyMs, onLook }: Options): Watch {
  const agent = new Agent()
  const closing = new AbortController()
  const known = new Map<string, Shown>()
  const waiting = new Set<{ leadIds: string[]; resolve: () => void }>()

  async function list(query: string): Promise<Shown[]> {
    const headers = { authorization: `Bearer ${adminToken}` }
    const answer = await request(`${url}/calls?limit=1000${query}`, { headers, dispatcher: agent })
    const body: unknown = await answer.body.json()
    return Value.Check(Listed, body) ? body.calls : []
  }

  async function look() {
    // Completed calls last: a call that moves on between the two is seen twice then, and not missed.
    for (const query of ['', '&state=completed']) {
      for (const call of await list(query)) known.set(call.lead_id, call)
    }
  }

  async function loop() {
    while (!closing.signal.aborted) {
      await look().catch(() => {})
      // What was closed meanwhile is not shown any more.
      if (closing.signal.aborted) break
      onLook()
      for (const each of waiting) {
        if (!each.leadIds.every((leadId) => isOver(known.get(leadId)))) continue
        waiting.delete(each)
        each.resolve()
      }
      await delay(everyMs, undefined, { signal: closing.signal }).catch(() => {})
    }
    for (const { resolve } of waiting) resolve()
  }
  const looping = loop()

  return {
    of: (leadId) => known.get(leadId),
    ended: (leadIds) =>
      closing.signal.aborted ? Promise.resolve() : new Promise((resolve) => waiting.add({ leadIds, resolve })),
    async close() {
      closing.abort()
      await agent.destroy()
      await looping
    },
  }
}
