import type { Book, Write } from './book.ts'
import type { Rules } from './rules.ts'
import type { Struck } from './witness.ts'

/** Outcomes that were written more often than once for each call, by why. Writes are absolute: none does harm. */
export interface Extra {
  /** A kill came between the write and its being settled. */
  killed: number
  /** Convoso's answer to the write before was lost or cut off. */
  unheard: number
  /** What was concluded had to be corrected: the completion came after all. */
  corrected: number
  unexplained: { leadId: string; atMs: number }[]
}

/** Pure. */
export function extraIn({ leads }: Book, kills: Struck[], { underWayMs }: Rules): Extra {
  const extra: Extra = { killed: 0, unheard: 0, corrected: 0, unexplained: [] }
  for (const { leadId, calls, writes } of leads) {
    const heard = writes.filter(({ applied }) => applied)
    let left = calls.length
    heard.slice(1).forEach((write, i) => {
      const before = heard[i] as Write
      const another = write.callId !== before.callId || write.outcome !== before.outcome
      if (another && --left > 0) return
      if (before.fault !== null) extra.unheard += 1
      else if (kills.some(({ atMs }) => atMs >= before.cameMs - underWayMs && atMs <= write.atMs)) extra.killed += 1
      else if (another) extra.corrected += 1
      else extra.unexplained.push({ leadId, atMs: write.atMs })
    })
  }
  return extra
}
