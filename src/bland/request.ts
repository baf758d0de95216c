import type { Config } from '../config.ts'
import type { DialOrder } from '../dialing/voice.ts'

/** The part of the configuration that shapes a call. */
export type CallSettings = Pick<
  Config,
  | 'KEY_PREFIX'
  | 'BLAND_WEBHOOK_URL'
  | 'BLAND_PATHWAY_ID'
  | 'BLAND_START_NODE_ID'
  | 'BLAND_TASK_TEMPLATE'
  | 'BLAND_FIRST_SENTENCE_TEMPLATE'
  | 'BLAND_FROM'
  | 'BLAND_TRANSFER_PHONE_NUMBER'
  | 'BLAND_VOICE_ID'
  | 'BLAND_MAX_DURATION'
  | 'BLAND_ANSWERING_MACHINE_DETECTION'
  | 'BLAND_ANSWERED_BY_ENABLED'
  | 'BLAND_WAIT_FOR_GREETING'
  | 'BLAND_BLOCK_INTERRUPTIONS'
  | 'BLAND_RECORD'
  | 'BLAND_VOICEMAIL_ACTION'
  | 'BLAND_VOICEMAIL_MESSAGE'
  | 'BLAND_SENSITIVE_VOICEMAIL_DETECTION'
>

/** The completion webhook of one call: BLAND_WEBHOOK_URL with `call=<request_id>` added to its query. */
export function webhookOf(base: string, requestId: string): string {
  const url = new URL(base)
  url.searchParams.set('call', requestId)
  return url.href
}

/** Puts values in place of `{{names}}`; a name without a value goes, with the blanks before it. */
const filled = (template: string, values: Record<string, string>): string =>
  template.replace(/(\s*)\{\{\s*([\w-]+)\s*\}\}/g, (_, space: string, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined
    return value ? space + value : ''
  })

function voicemail(settings: CallSettings, values: Record<string, string>) {
  const message = filled(settings.BLAND_VOICEMAIL_MESSAGE ?? '', values).trim()
  const leaves = settings.BLAND_VOICEMAIL_ACTION === 'leave_message'
  return {
    action: leaves && message === '' ? 'hangup' : settings.BLAND_VOICEMAIL_ACTION,
    ...(leaves && message !== '' && { message }),
    sensitive: settings.BLAND_SENSITIVE_VOICEMAIL_DETECTION,
  }
}

/**
 * The body of `POST /v1/calls` (https://docs.bland.ai/api-v1/post/calls) as JSON text. What is not set is not sent.
 * Our id travels in `metadata`, in `request_data` and in the webhook's query; `metadata` has all it takes to make the call
 * anew should the store forget it. Bland fills `{{names}}` in `task` and
 * `first_sentence` from `request_data`, but not in a voicemail message: that one is filled in here.
 */
export function dialBody(settings: CallSettings, { requestId, lead, dialedAt }: DialOrder): string {
  const ids = { request_id: requestId, lead_id: lead.leadId, list_id: lead.listId }
  const values = { ...lead.fields, phone_number: lead.phone, ...ids }
  const script = settings.BLAND_PATHWAY_ID
    ? { pathway_id: settings.BLAND_PATHWAY_ID, start_node_id: settings.BLAND_START_NODE_ID || undefined }
    : { task: settings.BLAND_TASK_TEMPLATE || undefined }
  return JSON.stringify({
    phone_number: lead.phone,
    ...script,
    first_sentence: settings.BLAND_FIRST_SENTENCE_TEMPLATE || undefined,
    from: settings.BLAND_FROM || undefined,
    voice: settings.BLAND_VOICE_ID || undefined,
    transfer_phone_number: settings.BLAND_TRANSFER_PHONE_NUMBER || undefined,
    max_duration: settings.BLAND_MAX_DURATION,
    record: settings.BLAND_RECORD,
    wait_for_greeting: settings.BLAND_WAIT_FOR_GREETING,
    block_interruptions: settings.BLAND_BLOCK_INTERRUPTIONS,
    amd: settings.BLAND_ANSWERING_MACHINE_DETECTION || undefined,
    answered_by_enabled: settings.BLAND_ANSWERED_BY_ENABLED,
    voicemail: voicemail(settings, values),
    request_data: values,
    metadata: {
      ...ids,
      call_log_id: lead.callLogId ?? undefined,
      phone_number: lead.phone,
      dialed_at_ms: dialedAt,
      store: settings.KEY_PREFIX,
    },
    webhook: settings.BLAND_WEBHOOK_URL && webhookOf(settings.BLAND_WEBHOOK_URL, requestId),
  })
}
