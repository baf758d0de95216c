import type { Book, Dial, LeadBook } from './book.ts'
import type { Struck } from './witness.ts'

/** From the kill of an instance to the next step of calls, in ms, smallest first. */
export interface TakeOver {
  /** Writes of the victim that Convoso had not answered, until somebody writes to that lead again. */
  writes: number[]
  /** Dials of the victim that Bland had not answered, until Bland or Convoso next hear of that call. */
  dials: number[]
  /** Completions acknowledged by any instance, whose outcome nobody had begun to write yet: until somebody does. */
  completions: number[]
}

/** Pure. What nobody ever went on with is lost, and found as such elsewhere. */
export function takeOverIn(book: Book, kills: Struck[]): TakeOver {
  const found: TakeOver = { writes: [], dials: [], completions: [] }
  for (const { atMs: killMs, hosts } of kills) {
    if (hosts.length === 0) continue
    const from = (times: number[]): number[] => {
      const nextMs = Math.min(...times.filter((ms) => ms > killMs))
      return Number.isFinite(nextMs) ? [nextMs - killMs] : []
    }
    const wasUnderWay = (at: { host: string }, cameMs: number, endMs: number) =>
      hosts.includes(at.host) && cameMs <= killMs && endMs > killMs

    for (const lead of book.leads) {
      const { writes } = lead
      if (writes.some((write) => wasUnderWay(write, write.cameMs, write.atMs))) {
        found.writes.push(...from(writes.map(({ cameMs }) => cameMs)))
      }
      const dials = lead.calls.flatMap((each) => each.dials)
      const cut = dials.find((dial) => wasUnderWay(dial, dial.atMs, dial.answeredMs))
      if (cut) found.dials.push(...from(stepsAfter(cut, lead, book)))
      const waiting = dials.some(({ placed }) => placed && placed.takenMs <= killMs)
      if (waiting && !writes.some(({ cameMs }) => cameMs <= killMs)) {
        found.completions.push(...from(writes.map(({ cameMs }) => cameMs)))
      }
    }
  }
  for (const times of Object.values(found) as number[][]) times.sort((a, b) => a - b)
  return found
}

/** Whenever anybody heard of this call again: a look for its number, its completion taken, its outcome written. */
const stepsAfter = ({ placed }: Dial, { phone, writes }: LeadBook, { looks }: Book): number[] => [
  ...(looks.get(phone) ?? []),
  ...(placed ? [placed.takenMs] : []),
  ...writes.map(({ cameMs }) => cameMs),
]

/** The value that `share` of the times do not exceed; NaN when there are none. */
export const percentile = (times: readonly number[], share: number): number =>
  times[Math.max(0, Math.ceil(times.length * share) - 1)] ?? Number.NaN
