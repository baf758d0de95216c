import type { Order } from './order.ts'
import type { Payload } from './payloads.ts'
import type { Plan } from './plan.ts'

/** A call that was placed. `payload` is there once it ended. */
export interface Call {
  callId: string
  order: Order
  plan: Plan
  overrides: Payload
  createdAtMs: number
  endedAtMs: number | null
  payload: Payload | null
  /** What was posted as its completion, and how that was received; `null` until it was. */
  sent: { url: string; atMs: number; tries: { sent_at: string; response_code: number; response_time: string }[] } | null
}

/** What the ledger tells of one phone number. `overlaps` counts calls placed while another was live: it must stay 0. */
export interface NumberTally {
  placed: number
  overlaps: number
  last_placed_ms: number
}

export interface Exchange {
  place(call: Call): void
  end(call: Call, payload: Payload, atMs: number): void
  call(callId: string): Call | undefined
  /** Oldest first. */
  calls(): Call[]
  lastPlacedMs(phone: string): number
  live(): number
  tally(): { live: number; max_live: number; placed: number; numbers: Record<string, NumberTally> }
  /** Starts the tally anew; calls are kept. */
  forget(): void
}

/** Which calls there are and which are on a line. */
export function createExchange(): Exchange {
  const calls = new Map<string, Call>()
  const onLine = new Map<string, number>()
  const lastPlaced = new Map<string, number>()
  let numbers = new Map<string, NumberTally>()
  let [live, maxLive, placed] = [0, 0, 0]

  return {
    place(call) {
      const { phone } = call.order
      const already = onLine.get(phone) ?? 0
      const tally = numbers.get(phone) ?? { placed: 0, overlaps: 0, last_placed_ms: 0 }
      calls.set(call.callId, call)
      onLine.set(phone, already + 1)
      lastPlaced.set(phone, call.createdAtMs)
      numbers.set(phone, {
        placed: tally.placed + 1,
        overlaps: tally.overlaps + (already > 0 ? 1 : 0),
        last_placed_ms: call.createdAtMs,
      })
      placed += 1
      live += 1
      maxLive = Math.max(maxLive, live)
    },
    end(call, payload, atMs) {
      onLine.set(call.order.phone, (onLine.get(call.order.phone) ?? 1) - 1)
      live -= 1
      call.endedAtMs = atMs
      call.payload = payload
    },
    call: (callId) => calls.get(callId),
    calls: () => [...calls.values()],
    lastPlacedMs: (phone) => lastPlaced.get(phone) ?? Number.NEGATIVE_INFINITY,
    live: () => live,
    tally: () => ({ live, max_live: maxLive, placed, numbers: Object.fromEntries(numbers) }),
    forget() {
      numbers = new Map()
      ;[maxLive, placed] = [live, 0]
    },
  }
}
