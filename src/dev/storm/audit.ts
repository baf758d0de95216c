import type { Book } from './book.ts'
import { doublesIn } from './doubles.ts'
import { type Extra, extraIn } from './extra.ts'
import { brokenPromises, lostIn, type Unconfirmed, unconfirmedIn, wrongIn } from './outcomes.ts'
import { bookOf } from './reading.ts'
import type { Fault, Rules } from './rules.ts'
import { percentile, type TakeOver, takeOverIn } from './take-over.ts'
import type { Witness } from './witness.ts'

export interface Audit {
  book: Book
  counts: { posted: number; accepted: number; own: number; dials: number; placed: number; writes: number }
  doubled: Fault[]
  lost: Fault[]
  broken: Fault[]
  wrong: Fault[]
  unconfirmed: Unconfirmed
  noCompletion: number
  extra: Extra
  takeOver: TakeOver
  /** Most calls live at once. */
  live: number
  /** What a storm must not bring with it and no single lead is at fault for: one line each. */
  others: string[]
  /** Leads at fault, each with one line for each fault. */
  faults: Fault[]
  /** Faults that time may yet mend. */
  open: number
}

/** Pure: reads both ledgers and when there were kills; nothing is asked of the service. */
export function audit({ bland, convoso, kills, fallen }: Omit<Witness, 'startedMs' | 'tookMs'>, rules: Rules): Audit {
  const book = bookOf(bland, convoso)
  const { leads } = book
  const instanceKills = kills.filter(({ hosts }) => hosts.length > 0).length
  const unconfirmed = unconfirmedIn(book, rules)
  const takeOver = takeOverIn(book, kills)
  const p99 = percentile(takenOver(takeOver), 0.99)
  const found = {
    doubled: doublesIn(book, rules),
    lost: lostIn(book),
    broken: brokenPromises(book),
    wrong: [...wrongIn(book), ...unconfirmed.early],
  }
  const others = [
    ...fallen,
    ...said(bland.max_live > rules.concurrent, `${bland.max_live} calls were live at once`),
    ...said(convoso.violations > 0, `${convoso.violations} requests Convoso would mind`),
    ...said(
      unconfirmed.killed.length > instanceKills * rules.permits,
      `${unconfirmed.killed.length} dials unconfirmed by ${instanceKills} kills`,
    ),
    ...said(p99 > rules.takeOverMs, `the take-over took ${Math.round(p99)} ms (p99)`),
  ]
  return {
    book,
    counts: {
      posted: leads.length,
      accepted: leads.filter(({ postings }) => postings.length > 0).length,
      own: leads.filter(({ calls }) => calls.length > 0).length,
      dials: leads.flatMap(({ calls }) => calls.flatMap(({ dials }) => dials)).length,
      placed: book.placed.length,
      writes: leads.flatMap(({ writes }) => writes.filter(({ applied }) => applied)).length,
    },
    ...found,
    unconfirmed,
    noCompletion: leads.filter(({ writes }) => writes.findLast(({ applied }) => applied)?.outcome === 'NO_COMPLETION')
      .length,
    extra: extraIn(book, kills, rules),
    takeOver,
    live: bland.max_live,
    others,
    faults: Object.values(found).flat(),
    open: found.lost.length + found.broken.length,
  }
}

/** Calls the victims had in hand for certain. */
export const takenOver = ({ writes, dials }: TakeOver): number[] => [...writes, ...dials].sort((a, b) => a - b)

const said = (is: boolean, text: string): string[] => (is ? [text] : [])
