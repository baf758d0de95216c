import { EVENTS, FROM, MOVES, type Move } from '../../calls/moves.ts'
import { code, table } from './table.ts'

const shown = (move: Move): string => ({ stays: '=', refused: '·' })[move as string] ?? move

/** Every event and where it takes a call from every state, as Markdown. */
export const movesTable = (): string =>
  table(
    ['', ...FROM.map(code)],
    EVENTS.map((event) => [code(event), ...FROM.map((from) => shown(MOVES[event][from]))]),
  )
