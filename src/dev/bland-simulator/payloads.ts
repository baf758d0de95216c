import type { Order } from './order.ts'
import { type Line, type SceneName, scenes } from './scenes.ts'

/** A post-call record, as JSON has it. */
export type Payload = Record<string, unknown>

/** A call of which a record is wanted. Times in epoch ms; `endedAtMs` is when it left the line. */
export interface Told {
  callId: string
  order: Order
  createdAtMs: number
  endedAtMs: number
}

/**
 * The record of a finished call, as posted to its webhook: `call_length` in minutes, `corrected_duration` a string of
 * seconds, tags as objects with a null among them. Talk time is the scene's, not the simulated call's.
 * https://docs.bland.ai/tutorials/post-call-webhooks
 */
export function completionOf(scene: SceneName, call: Told, overrides: Payload = {}): Payload {
  const { talkSeconds, lines, summary, extracted, delta } = scenes[scene]
  const { callId, order } = call
  const from = typeof order.body.from === 'string' ? order.body.from : '+15550100900'
  const said = lines.map(([who, text]): Line => [who, text.replace('{{first_name}}', nameOf(order))])
  const ringSeconds = 6
  return {
    call_id: callId,
    c_id: callId,
    call_length: talkSeconds / 60,
    corrected_duration: String(talkSeconds),
    batch_id: null,
    to: order.phone,
    from,
    completed: true,
    inbound: false,
    queue_status: 'complete',
    status: 'completed',
    answered_by: 'human',
    max_duration: order.body.max_duration ?? 30,
    created_at: new Date(call.createdAtMs).toISOString().replace('Z', '+00:00'),
    started_at: new Date(call.createdAtMs).toISOString(),
    end_at: new Date(call.endedAtMs).toISOString(),
    error_message: null,
    variables: { ...builtIn(call, from), ...order.requestData, ...extracted },
    metadata: order.metadata,
    record: order.body.record === true,
    recording_url: order.body.record === true ? `https://api.bland.ai/v1/recordings/${callId}` : null,
    recording_expiration: null,
    summary,
    price: Math.max(0.015, (0.11 * talkSeconds) / 60),
    local_dialing: false,
    call_ended_by: 'ASSISTANT',
    pathway_id: order.body.pathway_id ?? null,
    pathway_version: 3,
    pathway_logs: [],
    pathway_tags: [{ name: 'Intro', color: '#862727' }, null],
    transferred_to: null,
    transferred_at: delta.transferred_to ? new Date(call.endedAtMs).toISOString() : null,
    pre_transfer_duration: null,
    post_transfer_duration: null,
    warm_transfer_call: null,
    concatenated_transcript: said.map(([who, text]) => `${who}: ${text} \n `).join(''),
    transcripts: said.map(([user, text], index) => ({
      id: index + 1,
      user,
      text,
      created_at: new Date(call.createdAtMs + (ringSeconds + 4 * index) * 1000).toISOString().replace('Z', '+00:00'),
    })),
    disposition_tag: null,
    citation_schema_ids: [],
    is_proxy_agent_call: false,
    is_canary: false,
    ...delta,
    ...overrides,
  }
}

/** How `GET /v1/calls/:id` shows a call that is still under way. */
export const liveRecord = (call: Omit<Told, 'endedAtMs'>): Payload => ({
  ...completionOf('UNKNOWN', { ...call, endedAtMs: call.createdAtMs }),
  ...{ completed: false, queue_status: 'started', status: 'in-progress', answered_by: null, call_length: 0 },
  ...{ corrected_duration: null, end_at: null, price: null, recording_url: null },
})

/** A finished call whose transcript is still being processed: `completed` lags behind `status`. */
export const unsettled = (payload: Payload): Payload => ({
  ...payload,
  ...{ completed: false, answered_by: null, transcripts: [], concatenated_transcript: null, summary: null },
  ...{ recording_url: null, disposition_tag: null, price: null },
})

const nameOf = (order: Order) =>
  typeof order.requestData.first_name === 'string' ? order.requestData.first_name : 'there'

function builtIn({ callId, order, createdAtMs }: Told, from: string): Payload {
  const utc = new Date(createdAtMs).toISOString()
  return {
    now: utc,
    now_utc: utc,
    timestamp: utc,
    timezone: 'America/Los_Angeles',
    language: 'en',
    country: 'US',
    city: 'NEW YORK',
    state: 'NY',
    zip: '',
    call_id: callId,
    from,
    to: order.phone,
    phone_number: order.phone,
    short_from: from.slice(-10),
    short_to: order.phone.slice(-10),
  }
}
