import type { Origin } from '../calls/claim.ts'
import { readPhone } from '../calls/phone.ts'
import type { Completion } from '../completions/completion.ts'
import { type Fields, fieldsOf, idOf, isTrue, numberOf, textOf } from './fields.ts'

/*
 * What Bland's call records have in common, wherever they come from: a webhook, the stored webhook, or
 * GET /v1/calls/{id} (https://docs.bland.ai/api-v1/get/calls-id).
 */

type Status = NonNullable<Completion['status']>

const STATUSES: Record<string, Status> = {
  completed: 'completed',
  complete: 'completed',
  failed: 'failed',
  error: 'failed',
  busy: 'busy',
  'no-answer': 'no-answer',
  noanswer: 'no-answer',
  canceled: 'canceled',
  cancelled: 'canceled',
}

/** A vendor's enum value in one spelling: `No_Answer` and `no answer` are `no-answer`. */
export const spelling = (value: unknown): string | null =>
  textOf(value)
    ?.toLowerCase()
    .replace(/[\s_]+/g, '-') ?? null

const queueFailed = (record: Fields) => /-error$/.test(spelling(record.queue_status) ?? '')

/** `status`, or what the flags beside it say where it is absent: calls that failed before the queue have none. */
export function statusOf(record: Fields): Completion['status'] {
  const status = spelling(record.status)
  if (status !== null) return STATUSES[status] ?? 'unknown'
  if (queueFailed(record)) return 'failed'
  const done = isTrue(record.completed) || STATUSES[spelling(record.queue_status) ?? ''] === 'completed'
  return done ? 'completed' : null
}

/** Whether a record that was asked for, not delivered, is of a call that has ended. */
export function ended(record: Fields): boolean {
  const status = statusOf(record)
  if (status !== null && status !== 'unknown') return true
  const queue = spelling(record.queue_status) ?? ''
  return isTrue(record.completed) || queueFailed(record) || /^(completed?|exited-early)$/.test(queue)
}

/**
 * Whether the record of a call that has ended still grows: `completed` follows `status` when transcript and answerer are
 * known, and until then it reads like a call in which nothing happened.
 */
export const growing = (record: Fields): boolean => statusOf(record) === 'completed' && record.completed === false

export const callIdOf = (record: Fields): string | null => idOf(record.call_id) ?? idOf(record.c_id)

/** Our own id in a record. `variables` echoes `request_data`, but not for calls nobody answered; `metadata` always comes. */
export function requestIdOf(record: Fields): string | null {
  for (const key of ['metadata', 'request_data', 'variables']) {
    const id = idOf(fieldsOf(record[key])?.request_id)
    if (id !== null) return id
  }
  return null
}

/** What our dial said of itself in `metadata`; null when the record is of no dial of ours, or of one that did not say so. */
export function originOf(record: Fields): Origin | null {
  const said = fieldsOf(record.metadata)
  const [requestId, leadId, listId] = [said?.request_id, said?.lead_id, said?.list_id].map(idOf)
  const [store, dialedAt] = [textOf(said?.store), numberOf(said?.dialed_at_ms)]
  const number = readPhone(textOf(said?.phone_number) ?? '')
  if (!requestId || !leadId || !listId || !store || dialedAt === null || 'fault' in number) return null
  const lead = { leadId, listId, phone: number.phone, callLogId: idOf(said?.call_log_id), fields: {} }
  return { requestId, lead, dialedAt, store }
}
