/** Reads a time as Convoso shows it, as epoch ms; null for what is no time. */
export type AccountTime = (shown: unknown) => number | null

const SHOWN = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.\d+)?(?:(Z)|([+-])(\d\d):?(\d\d))?$/i
const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Times of a Convoso account: `YYYY-MM-DD HH:MM:SS` on the clocks of `timeZone`, the account's setting; some fields name
 * their offset (`-0800`, `-08:00`, `Z`), and then it counts. Of the hour that clocks go through twice, the second time is
 * meant; a time that clocks skip is read as if they had not been put forward yet.
 */
export function accountTime(timeZone: string): AccountTime {
  const clock = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' },
  })
  /** How far the account's clocks are ahead of UTC at an instant, in ms. */
  function ahead(atMs: number): number {
    const part = Object.fromEntries(clock.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]))
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(atMs / 1000) * 1000
  }

  return (shown) => {
    const [, date, time, utc, sign, hours, minutes] = SHOWN.exec(typeof shown === 'string' ? shown.trim() : '') ?? []
    if (date === undefined) return null
    const wallMs = Date.parse(`${date}T${time}Z`)
    // Date.parse rolls 30 February over to March.
    if (Number.isNaN(wallMs) || !new Date(wallMs).toISOString().startsWith(date)) return null
    if (utc) return wallMs
    if (sign) return wallMs - Number(`${sign}1`) * (Number(hours) * 60 + Number(minutes)) * 60_000
    const readings = [ahead(wallMs - DAY_MS), ahead(wallMs + DAY_MS)].map((aheadMs) => wallMs - aheadMs)
    const real = readings.filter((atMs) => atMs + ahead(atMs) === wallMs)
    return Math.max(...(real.length > 0 ? real : readings))
  }
}
