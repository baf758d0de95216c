import type { BlandLedger } from '../bland-simulator/entries.ts'
import { type Fields, phoneOf } from '../bland-simulator/order.ts'
import type { ConvosoLedger } from '../convoso-simulator/entries.ts'
import type { Book, Call, Dial, LeadBook, Placed, Posting, Write } from './book.ts'

const fieldsOf = (value: unknown): Fields => (typeof value === 'object' && value !== null ? (value as Fields) : {})

export function pushTo<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

function callOf({ calls }: LeadBook, requestId: string): Call {
  const known = calls.find((each) => each.requestId === requestId)
  if (known) return known
  const fresh: Call = { requestId, posting: null, dials: [] }
  calls.push(fresh)
  return fresh
}

/** Pure: both ledgers, read once. */
export function bookOf(bland: BlandLedger, convoso: ConvosoLedger): Book {
  const leads = new Map<string, LeadBook>()
  const leadOf = (leadId: string, phone: string): LeadBook => {
    const known = leads.get(leadId)
    if (known) return known
    const fresh: LeadBook = {
      ...{ leadId, phone, callLogId: null },
      ...{ triesMs: [], postings: [], calls: [], writes: [], logs: [] },
    }
    leads.set(leadId, fresh)
    return fresh
  }
  readConvoso(convoso, leadOf)
  const rest = readBland(bland, leadOf)

  // A call whose 202 was lost may be known from nothing but a later "duplicate": it is of who came first.
  const first = ({ triesMs }: LeadBook) => Math.min(...triesMs)
  const all = [...leads.values()].sort((a, b) => first(a) - first(b))
  const known = new Set(all.flatMap(({ calls }) => calls.map(({ requestId }) => requestId)))
  for (const lead of all) {
    for (const { requestId } of lead.postings.filter((posting) => !known.has(posting.requestId))) {
      callOf(lead, requestId)
      known.add(requestId)
    }
  }
  // One that is known from its dial alone was read last.
  const since = ({ posting, dials }: Call) => Math.min(posting?.sentMs ?? Infinity, dials[0]?.atMs ?? Infinity)
  for (const { calls } of all) calls.sort((a, b) => since(a) - since(b))
  return { leads: all, ...rest }
}

type LeadOf = (leadId: string, phone: string) => LeadBook

function readConvoso({ entries }: ConvosoLedger, leadOf: LeadOf): void {
  const byLog = new Map<string, LeadBook>()
  for (const entry of entries) {
    if (entry.what === 'sent') {
      const { lead_id, phone_number, call_log_id } = entry.lead
      const lead = leadOf(String(lead_id), phoneOf(phone_number) ?? '')
      const sentMs = entry.at_ms - entry.took_ms
      lead.triesMs.push(sentMs)
      if (typeof call_log_id === 'string') lead.callLogId = call_log_id
      if (lead.callLogId !== null) byLog.set(lead.callLogId, lead)
      if (entry.status !== 202) continue
      const { request_id, duplicate, state } = fieldsOf(entry.body)
      const as = duplicate === true ? 'duplicate' : state === 'refused' ? 'refused' : 'new'
      const posting: Posting = { sentMs, atMs: entry.at_ms, requestId: String(request_id), as }
      lead.postings.push(posting)
      if (as !== 'duplicate') callOf(lead, posting.requestId).posting ??= posting
    } else if (entry.what === 'write' || entry.what === 'refused') {
      const { params, host, lead_id, call_log_id } = entry
      const write: Write = {
        ...{ host, atMs: entry.at_ms, cameMs: entry.came_ms },
        applied: entry.what === 'write',
        fault: entry.what === 'write' ? entry.fault : entry.reason,
        outcome: /^Call Outcome: (\w+)/.exec(params.call_transcript ?? '')?.[1] ?? '',
        status: params.status ?? '',
        callId: params.bland_call_id ?? null,
      }
      if (entry.endpoint === 'log/update') byLog.get(call_log_id ?? '')?.logs.push(write)
      else leadOf(lead_id ?? '', '').writes.push(write)
    }
  }
}

function readBland({ entries }: BlandLedger, leadOf: LeadOf): Pick<Book, 'placed' | 'looks'> {
  const placed = new Map<string, Placed>()
  const dials = new Map<string, Dial>()
  const looks: Book['looks'] = new Map()
  for (const entry of entries) {
    if (entry.what === 'dial') {
      const unanswered = { answeredMs: Infinity, answer: null, placed: null }
      const dial: Dial = { atMs: entry.at_ms, host: entry.host, ...unanswered }
      dials.set(`${entry.phone_number}#${entry.attempt}`, dial)
      const requestId = String(fieldsOf(fieldsOf(entry.body).metadata).request_id)
      callOf(leadOf(entry.lead_id ?? '', entry.phone_number), requestId).dials.push(dial)
    } else if (entry.what === 'placed') {
      const { call_id: callId, phone_number: phone, lead_id, scene, forgotten, at_ms: atMs } = entry
      const open = { endedMs: Infinity, takenMs: Infinity }
      placed.set(callId, { callId, phone, leadId: lead_id ?? '', scene, forgotten, atMs, ...open })
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
      const phone = new URL(entry.url, 'http://bland').searchParams.get('to_number')
      if (phone) pushTo(looks, phone, entry.at_ms)
    }
  }
  return { placed: [...placed.values()], looks }
}
