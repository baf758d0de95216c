import type { WriteAnswer } from '../delivery/crm.ts'

/** The two endpoints an outcome is written to, and the one that is asked what a lead looks like before. */
export type Endpoint = 'leads/update' | 'log/update' | 'leads/search'

/** An answer that is not a yes. */
export type Failure = Exclude<WriteAnswer, { kind: 'done' }>

/** A lead as `leads/search` shows it: values mostly text, its id twice, custom fields as `field_<n>`. */
export type LeadEntry = Readonly<Record<string, unknown>>

/** What came back over HTTP. Header names are lower-case. */
export interface Answer {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: string
}

/** Longest Retry-After that is believed: a slip of an intermediary must not hold an outcome back for a day. */
const LONGEST_RETRY_AFTER_MS = 3_600_000

const NO_SUCH_LEAD = 'no_such_lead'

/*
 * The codes that stay what they are however often the same request is sent. The numbers mean different things on
 * different endpoints. `log/update` 6033 (no such call log) is left out: the log's row may lag behind its webhook.
 * https://help.convoso.com/hc/en-us/articles/37895418438683, https://help.convoso.com/hc/en-us/articles/37842243696283,
 * https://help.convoso.com/hc/en-us/articles/46774312268059
 */
const EVERYWHERE: Record<number, string> = { 403: 'forbidden', 5001: 'bad_auth_token' }
const PERMANENT: Record<Endpoint, Record<number, string>> = {
  'leads/update': {
    6001: NO_SUCH_LEAD,
    6002: 'no_such_list',
    6006: 'no_such_user',
    6008: 'phone_invalid',
    6079: 'email_invalid',
  },
  'log/update': { 6032: 'call_log_id_missing', 6035: 'extra_field_missing' },
  'leads/search': { 6000: 'lists_missing', 6001: NO_SUCH_LEAD, 7230: 'bad_limit', 7231: 'bad_offset' },
}

/**
 * What Convoso's answer means for the write. Done only when a 2xx body says `success: true`; never only for codes known
 * to be permanent and for a refused token; everything else, HTML and cut-off JSON included, may pass with time.
 * Reasons are made of our own words and numbers: Convoso's text could name a person. `nowMs` (epoch ms) is for a
 * Retry-After that is a date. Never throws.
 */
export function read(endpoint: Endpoint, { status, headers, body }: Answer, nowMs: number): WriteAnswer {
  const reason = (code: number, words: string) => `${endpoint} ${code} ${words}`
  if (status === 401) return { kind: 'never', reason: reason(401, 'unauthorized') }
  if (status === 403) return { kind: 'never', reason: reason(403, 'forbidden') }
  if (status === 429)
    return {
      kind: 'later',
      reason: reason(429, 'too_many_requests'),
      retryAfterMs: retryAfter(headers['retry-after'], nowMs),
      throttled: true,
    }
  if (status >= 500) return later(reason(status, 'server_error'), retryAfter(headers['retry-after'], nowMs))

  const said = parsed(body)
  if (typeof said === 'string') return later(reason(status, said))
  if (said.success === true) return status < 300 ? { kind: 'done' } : later(reason(status, 'not_ok'))
  if (said.success !== false) return later(reason(status, 'no_success'))
  const code = codeOf(said, endpoint)
  if (code === null) return later(reason(status, 'no_code'))
  const permanent = EVERYWHERE[code] ?? PERMANENT[endpoint][code]
  if (permanent !== undefined) return { kind: 'never', reason: reason(code, permanent) }
  return later(reason(code, endpoint === 'log/update' && code === 6033 ? 'no_such_call_log' : 'unknown_code'))
}

/**
 * The leads that `leads/search` found; none where it says that there is no such lead. A yes without a list of entries may
 * pass with time. Never throws.
 */
export function readLeads(answer: Answer, nowMs: number): { kind: 'leads'; leads: LeadEntry[] } | Failure {
  const said = read('leads/search', answer, nowMs)
  if (said.kind === 'never' && said.reason.endsWith(NO_SUCH_LEAD)) return { kind: 'leads', leads: [] }
  if (said.kind !== 'done') return said
  const { data } = parsed(answer.body) as { data?: { entries?: unknown } | null }
  const leads = data?.entries
  return Array.isArray(leads) ? { kind: 'leads', leads: leads.filter(isEntry) } : later('leads/search 200 no_entries')
}

const isEntry = (value: unknown): value is LeadEntry => typeof value === 'object' && value !== null

/** What a request without a whole answer means: try again. Whether it took effect is unknown, and does not matter. */
export function unanswered(endpoint: Endpoint, error: unknown): Failure {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null
  const named = typeof code === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(code)
  return later(`${endpoint} no_answer ${named ? code : 'unexplained'}`)
}

/** An answer of our own, for a request that was not or not wholly made. */
export function later(reason: string, retryAfterMs: number | null = null): Failure {
  return { kind: 'later', reason, retryAfterMs, throttled: false }
}

function parsed(body: string): { success?: unknown; code?: unknown; text?: unknown } | 'empty' | 'html' | 'not_json' {
  const text = body.trim()
  if (text === '') return 'empty'
  if (text.startsWith('<')) return 'html'
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : 'not_json'
  } catch {
    return 'not_json'
  }
}

/** The code, which may be a string of digits. Where a missing lead comes without one, its text stands for it. */
function codeOf({ code, text }: { code?: unknown; text?: unknown }, endpoint: Endpoint): number | null {
  if (typeof code === 'number' && Number.isSafeInteger(code)) return code
  if (typeof code === 'string' && /^\d{1,6}$/.test(code)) return Number(code)
  const missing = typeof text === 'string' && /^no such lead\.?$/i.test(text.trim())
  return missing && endpoint !== 'log/update' ? 6001 : null
}

function retryAfter(header: string | string[] | undefined, nowMs: number): number | null {
  const text = (Array.isArray(header) ? header[0] : header)?.trim() ?? ''
  const waitMs = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : /[a-z]/i.test(text) ? Date.parse(text) - nowMs : NaN
  return Number.isNaN(waitMs) ? null : Math.round(Math.min(Math.max(waitMs, 0), LONGEST_RETRY_AFTER_MS))
}
