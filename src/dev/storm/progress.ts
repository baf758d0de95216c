import type { BlandLedger } from '../bland-simulator/entries.ts'
import type { BlandSimulator } from '../bland-simulator/simulator.ts'
import type { ConvosoLedger } from '../convoso-simulator/entries.ts'
import type { ConvosoSimulator } from '../convoso-simulator/simulator.ts'

/** How far a storm has come, by what both ledgers say. */
export interface Progress {
  accepted: number
  placed: number
  written: number
  /** When anything last moved, epoch ms. */
  movedMs: number
}

/** Reads on in both ledgers with every call. */
export function createProgress(bland: BlandSimulator, convoso: ConvosoSimulator): () => Progress {
  const accepted = new Set<string>()
  const written = new Set<string>()
  let placed = 0
  let movedMs = 0
  const next = { bland: 0, convoso: 0 }

  function seeBland(entry: BlandLedger['entries'][number]): void {
    next.bland = entry.n + 1
    if (entry.what === 'placed') placed += 1
    movedMs = Math.max(movedMs, entry.at_ms)
  }
  function seeConvoso(entry: ConvosoLedger['entries'][number]): void {
    next.convoso = entry.n + 1
    movedMs = Math.max(movedMs, entry.at_ms)
    if (entry.what === 'write' && entry.lead_id !== null) written.add(entry.lead_id)
    if (entry.what === 'sent' && entry.status === 202) accepted.add(String(entry.lead.lead_id))
  }

  return () => {
    bland.ledger(next.bland).entries.forEach(seeBland)
    convoso.ledger(next.convoso).entries.forEach(seeConvoso)
    return { accepted: accepted.size, placed, written: written.size, movedMs }
  }
}
