import type { Payload } from './payloads.ts'

/** What Bland says during a call when asked to (`webhook_events`): never a completion, and alone in having `category`. */
export const inCallEvents = (callId: string): Payload[] => [
  { message: 'Call enqueued', call_id: callId, category: 'queue', log_level: 'info' },
  { message: 'Call connected', call_id: callId, category: 'call', log_level: 'info' },
  { message: 'TTS: 218ms', call_id: callId, category: 'latency', log_level: 'performance' },
]

/** What follows a completion, in one of three forms; the last has a `status` that is not the call's. */
export function enrichment(callId: string, atMs: number, form: 0 | 1 | 2): Payload {
  const base = { call_id: callId, user_id: 'simulated-user', timestamp: new Date(atMs).toISOString() }
  return [
    { ...base, event_type: 'citations', citations: [{ variable_name: 'plan_type', value: 'Family' }] },
    { ...base, event_type: 'multiple', contents: ['citations', 'corrected_transcript'], citations: [] },
    { ...base, event_type: 'evals', eval_run_id: 'simulated-run', status: 'COMPLETE', summary: {} },
  ][form] as Payload
}
