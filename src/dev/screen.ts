/** Where a run shows itself: process.stdout fits. */
export interface Out {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
  rows?: number
}

export type Style = 'dim' | 'bold' | 'green' | 'red' | 'yellow' | 'cyan'
/** Text with a width of its own; without one it takes what is left of the line. */
export interface Cell {
  text: string
  width?: number
  right?: boolean
  style?: Style | undefined
}
export type Line = Cell[]

const CODES: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

/** A line of at most `columns` characters, styles not counted. Pure. */
export function drawn(line: Line, columns: number, colours: boolean): string {
  let left = columns
  const parts: string[] = []
  for (const { text, width, right = false, style } of line) {
    const room = Math.min(width ?? left, left)
    if (room <= 0) break
    const cut = text.length > room ? `${text.slice(0, room - 1)}…` : text
    const padded = width === undefined ? cut : right ? cut.padStart(room) : cut.padEnd(room)
    parts.push(style && colours && cut ? `\x1b[${CODES[style]}m${padded}\x1b[0m` : padded)
    left -= room + 1
  }
  return parts.join(' ').trimEnd()
}

export interface Screen {
  /** Whether lines can be drawn again. */
  live: boolean
  /** Lines that stay, in place of those drawn before. Not cut: they may be copied. */
  say(...lines: Line[]): void
  /** Lines in place of those drawn before; nothing where lines cannot be drawn again. */
  draw(lines: Line[]): void
  /** Gives the cursor back; what was drawn last stays. */
  end(): void
}

/** Draws on a terminal; elsewhere only says, without one control code. */
export function createScreen(out: Out, env: Record<string, string | undefined>): Screen {
  const live = out.isTTY === true && env.TERM !== 'dumb'
  const colours = live && !env.NO_COLOR
  let height = 0
  let before = ''
  const toTop = () => (height > 0 ? `\x1b[${height}A\r` : '')

  return {
    live,
    say(...lines) {
      if (height > 0) out.write(`${toTop()}\x1b[J`)
      height = 0
      for (const line of lines) out.write(`${drawn(line, Number.POSITIVE_INFINITY, colours)}\n`)
    },
    draw(lines) {
      if (!live) return
      // Not the last column: what stands there makes some terminals wrap.
      const columns = (out.columns ?? 80) - 1
      const most = (out.rows ?? 24) - 1
      const shown = lines.length <= most ? lines : [...lines.slice(0, most - 1), [{ text: '…', style: 'dim' } as Cell]]
      // Each line is cleared to its end after it was written, so that nothing is ever blank in between.
      const text = shown.map((line) => `${drawn(line, columns, colours)}\x1b[K\n`).join('')
      if (height > 0 && text === before) return
      out.write(`\x1b[?25l${toTop()}${text}\x1b[J`)
      height = shown.length
      before = text
    },
    end() {
      if (live) out.write('\x1b[?25h')
      height = 0
    },
  }
}
