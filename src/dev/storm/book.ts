import type { SceneName } from '../bland-simulator/scenes.ts'

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

/** A call as the service knows it: one request_id. */
export interface Call {
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
  /** Of its own, oldest first. */
  calls: Call[]
  /** Requests to `leads/update`, in the order they came to an end. */
  writes: Write[]
  /** Those to `log/update`. */
  logs: Write[]
}

export interface Book {
  leads: LeadBook[]
  placed: Placed[]
  /** When Bland was asked for calls to a number, by E.164. */
  looks: Map<string, number[]>
}
