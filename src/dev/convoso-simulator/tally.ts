import type { ConvosoEntry, ConvosoLedger, WriteTally } from './entries.ts'

/** The sums of the ledger's entries. Pure. */
export function sums(entries: ConvosoEntry[]): Pick<ConvosoLedger, 'violations' | 'leads' | 'call_logs'> {
  const [leads, callLogs] = [new Map<string, WriteTally>(), new Map<string, WriteTally>()]
  let violations = 0
  for (const entry of entries) {
    if (entry.what === 'violation') violations += 1
    if (entry.what !== 'write' && entry.what !== 'refused') continue
    if (entry.endpoint === 'leads/update') add(leads, entry.lead_id, entry)
    if (entry.endpoint === 'log/update') add(callLogs, entry.call_log_id, entry)
  }
  return { violations, leads: Object.fromEntries(leads), call_logs: Object.fromEntries(callLogs) }
}

function add(tallies: Map<string, WriteTally>, id: string | null, entry: ConvosoEntry): void {
  if (id === null) return
  const tally = tallies.get(id) ?? { applied: 0, confirmed: 0, refused: 0 }
  if (entry.what === 'refused') tally.refused += 1
  if (entry.what === 'write') tally.applied += 1
  if (entry.what === 'write' && entry.fault === null) tally.confirmed += 1
  tallies.set(id, tally)
}

export interface Meter {
  /** Counts a request; false when it is one too many for `rps` (0: no cap; a second's worth may come at once). */
  admit(rps: number): boolean
  readings(): { requests: number; peak_rps: number }
  reset(): void
}

/** How many requests come, and a token bucket over them. */
export function createMeter(now: () => number): Meter {
  let arrivals: number[] = []
  let [requests, peak] = [0, 0]
  let bucket: { tokens: number; atMs: number } | null = null

  return {
    admit(rps) {
      const atMs = now()
      arrivals = arrivals.filter((arrivedMs) => arrivedMs > atMs - 1000)
      arrivals.push(atMs)
      requests += 1
      peak = Math.max(peak, arrivals.length)
      if (rps === 0) return true
      const refilled = bucket ? bucket.tokens + ((atMs - bucket.atMs) * rps) / 1000 : rps
      const tokens = Math.min(rps, refilled)
      bucket = { tokens: tokens >= 1 ? tokens - 1 : tokens, atMs }
      return tokens >= 1
    },
    readings: () => ({ requests, peak_rps: peak }),
    reset() {
      arrivals = []
      ;[requests, peak] = [0, 0]
    },
  }
}
