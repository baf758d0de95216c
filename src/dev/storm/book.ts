import type { BlandLedger } from '../bland-simulator/entries.ts'
import { type Fields, phoneOf } from '../bland-simulator/order.ts'
import type { SceneName } from '../bland-simulator/scenes.ts'
import type { ConvosoLedger } from '../convoso-simulator/entries.ts'

/*
 * Both ledgers, read by lead. Nothing is asked of the service: a request_id is known from what a sender was answered and
 * from what Bland was asked for. Times in epoch ms.
 */

/** A lead was posted and answered 202. */
export interface Posting {
  sentMs: number
  atMs: number
  requestId: string
  /** `duplicate`: another call is under way, this is no lead of its own. */
  as: 'new' | 'duplicate' | 'refused'
}

export interface Dial {
  atMs: number
  host: string
  answeredMs: number
  /** As sent, or not: `dropped`, `hung`. */
  answer: number | 'dropped' | 'hung' | null
  placed: Placed | null
}

/** A telephone that rang. */
export interface Placed {
  callId: string
  phone: string
  leadId: string
  scene: SceneName
  forgotten: boolean
  atMs: number
  endedMs: number
  /** When its completion was first answered 2xx; infinite: never. */
  takenMs: number
}

/** A request to `leads/update` or `log/update`. */
export interface Write {
  n: number
  atMs: number
  cameMs: number
  host: string
  applied: boolean
  /** What happened to the answer of one that was applied. */
  fault: string | null
  outcome: string
  status: string
  callId: string | null
}

/** What one request_id came to. */
export interface Asked {
  requestId: string
  /** The posting that was first promised it; null: that 202 was lost. */
  posting: Posting | null
  dials: Dial[]
}

export interface LeadBook {
  leadId: string
  phone: string
  callLogId: string | null
  /** When it was posted, whatever came of that. */
  triesMs: number[]
  postings: Posting[]
  /** One each request_id of its own. */
  asked: Asked[]
  /** Requests to `leads/update`, in the order they came to an end. */
  writes: Write[]
  /** Those to `log/update`. */
  logs: Write[]
}

export interface Book {
  leads: LeadBook[]
  placed: Placed[]
  /** Looks for a number, by E.164, and at a call, by call_id: when and with which status. */
  looks: Map<string, { atMs: number; status: number }[]>
}

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})

export function pushTo<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

/** Pure. */
export function bookOf(bland: BlandLedger, convoso: ConvosoLedger): Book {
  const leads = new Map<string, LeadBook>()
  const byLog = new Map<string, LeadBook>()
  const placed = new Map<string, Placed>()
  const dials = new Map<string, Dial>()
  const looks: Book['looks'] = new Map()

  function lead(leadId: string, phone: string): LeadBook {
    const known = leads.get(leadId)
    if (known) return known
    const fresh: LeadBook = {
      ...{ leadId, phone, callLogId: null },
      ...{ triesMs: [], postings: [], asked: [], writes: [], logs: [] },
    }
    leads.set(leadId, fresh)
    return fresh
  }
  function asked(of: LeadBook, requestId: string): Asked {
    const known = of.asked.find((each) => each.requestId === requestId)
    if (known) return known
    const fresh: Asked = { requestId, posting: null, dials: [] }
    of.asked.push(fresh)
    return fresh
  }

  for (const entry of convoso.entries) {
    if (entry.what === 'sent') {
      const of = lead(String(entry.lead.lead_id), phoneOf(entry.lead.phone_number) ?? '')
      if (typeof entry.lead.call_log_id === 'string') {
        of.callLogId = entry.lead.call_log_id
        byLog.set(of.callLogId, of)
      }
      of.triesMs.push(entry.at_ms - entry.took_ms)
      if (entry.status !== 202) continue
      const { request_id, duplicate, state } = fieldsOf(entry.body)
      const as = duplicate === true ? 'duplicate' : state === 'refused' ? 'refused' : 'new'
      const sentMs = entry.at_ms - entry.took_ms
      const posting: Posting = { sentMs, atMs: entry.at_ms, requestId: String(request_id), as }
      of.postings.push(posting)
      if (as !== 'duplicate') asked(of, posting.requestId).posting ??= posting
    } else if (entry.what === 'write' || entry.what === 'refused') {
      const { params, n, host } = entry
      const isLog = entry.endpoint === 'log/update'
      const of = isLog ? byLog.get(entry.call_log_id ?? '') : lead(entry.lead_id ?? '', '')
      const write: Write = {
        ...{ n, host, atMs: entry.at_ms, cameMs: entry.came_ms },
        applied: entry.what === 'write',
        fault: entry.what === 'write' ? entry.fault : entry.reason,
        outcome: /^Call Outcome: (\w+)/.exec(params.call_transcript ?? '')?.[1] ?? '',
        status: params.status ?? '',
        callId: params.bland_call_id ?? null,
      }
      of?.[isLog ? 'logs' : 'writes'].push(write)
    }
  }

  for (const entry of bland.entries) {
    if (entry.what === 'dial') {
      const dial: Dial = {
        ...{ atMs: entry.at_ms, host: entry.host, answeredMs: Infinity },
        ...{ answer: null, placed: null },
      }
      dials.set(`${entry.phone_number}#${entry.attempt}`, dial)
      const requestId = String(fieldsOf(fieldsOf(entry.body).metadata).request_id)
      asked(lead(entry.lead_id ?? '', entry.phone_number), requestId).dials.push(dial)
    } else if (entry.what === 'placed') {
      placed.set(entry.call_id, {
        ...{ callId: entry.call_id, phone: entry.phone_number, leadId: entry.lead_id ?? '', scene: entry.scene },
        ...{ forgotten: entry.forgotten, atMs: entry.at_ms },
        ...{ endedMs: Infinity, takenMs: Infinity },
      })
    } else if (entry.what === 'answer') {
      const dial = dials.get(`${entry.phone_number}#${entry.attempt}`)
      const call = placed.get(entry.call_id ?? '') ?? null
      if (dial) Object.assign(dial, { answeredMs: entry.at_ms, answer: entry.status, placed: call })
    } else if (entry.what === 'ended') {
      const call = placed.get(entry.call_id)
      if (call) call.endedMs = entry.at_ms
    } else if (entry.what === 'mail') {
      const call = placed.get(entry.call_id)
      const good = entry.kind === 'completion' && entry.status >= 200 && entry.status < 300
      if (call && good) call.takenMs = Math.min(call.takenMs, entry.at_ms)
    } else {
      const url = new URL(entry.url, 'http://bland')
      const about = url.searchParams.get('to_number') ?? /\/calls\/([^/]+)$/.exec(url.pathname)?.[1]
      if (about) pushTo(looks, about, { atMs: entry.at_ms, status: entry.status })
    }
  }
  // A call whose 202 was lost may be known from nothing but a later "duplicate": it is of who came first.
  const first = ({ triesMs }: LeadBook) => Math.min(...triesMs)
  const all = [...leads.values()].sort((a, b) => first(a) - first(b))
  const known = new Set(all.flatMap((of) => of.asked.map(({ requestId }) => requestId)))
  for (const of of all) {
    for (const { requestId } of of.postings.filter((posting) => !known.has(posting.requestId))) {
      asked(of, requestId)
      known.add(requestId)
    }
  }
  // One that is known from its dial alone was read last.
  const since = ({ posting, dials }: Asked) => Math.min(posting?.sentMs ?? Infinity, dials[0]?.atMs ?? Infinity)
  for (const of of all) of.asked.sort((a, b) => since(a) - since(b))
  return { leads: all, placed: [...placed.values()], looks }
}
