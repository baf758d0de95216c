import type { IncomingHttpHeaders } from 'node:http'

const LONGEST_MS = 3_600_000

/**
 * Retry-After in ms, at least a second and at most an hour; null without one. A date counts from the answer's own
 * `date`, so that nobody's clock is compared with ours.
 */
export function retryAfterMs(headers: IncomingHttpHeaders): number | null {
  const value = headers['retry-after']?.trim()
  if (!value) return null
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.parse(headers.date ?? '')
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 1000), LONGEST_MS)
}
