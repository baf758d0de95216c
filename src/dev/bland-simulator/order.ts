import { type Answer, invalid, missing } from './answers.ts'

export type Fields = Record<string, unknown>

/** What the simulator needs of a dial request; `body` is the whole of it, as it was sent. */
export interface Order {
  phone: string
  leadId: string | null
  webhook: string | null
  metadata: Fields
  requestData: Fields
  body: Fields
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isAbsent = (value: unknown) => value === undefined || value === null
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\])[:/]/
const voicemailAction = (voicemail: unknown) => (isFields(voicemail) ? voicemail.action : undefined)

const RULES: [fails: (body: Fields) => boolean, message: string][] = [
  [
    ({ phone_number: phone }) => phoneOf(phone) === null,
    'Invalid phone number. Please include a country code if outside the US.',
  ],
  [
    ({ from }) => !isAbsent(from) && !/^\+?\d{10,12}$/.test(String(from)),
    "Invalid 'from' - must be a phone number string with 10 or 12 digits.",
  ],
  [({ transfer_phone_number: to }) => !isAbsent(to) && phoneOf(to) === null, 'Invalid transfer_phone_number.'],
  [
    ({ transfer_phone_number: to, phone_number: phone }) => !isAbsent(to) && phoneOf(to) === phoneOf(phone),
    'Transfer phone number cannot be the same as the phone number.',
  ],
  // Bland takes https only; loopback is ours, since nothing else is ever called from here.
  [
    ({ webhook }) => !isAbsent(webhook) && !(String(webhook).startsWith('https://') || LOOPBACK.test(String(webhook))),
    'webhook must be a string that starts with https://.',
  ],
  [({ metadata }) => !isAbsent(metadata) && !isFields(metadata), 'metadata must be an object.'],
  [({ request_data: data }) => !isAbsent(data) && !isFields(data), 'request_data must be an object.'],
  [({ retry }) => !isAbsent(retry) && !isFields(retry), 'Retry must be an object.'],
  [({ record }) => !isAbsent(record) && typeof record !== 'boolean', 'Record must be a boolean'],
  [
    ({ voicemail }) => !['hangup', 'leave_message', 'ignore', undefined].includes(voicemailAction(voicemail) as string),
    'Invalid voicemail action. Must be one of: hangup, leave_message, ignore',
  ],
  [({ max_duration: minutes }) => Number(minutes ?? 30) > 720, 'max_duration must be at most 12 hours.'],
]

/** E.164 of what was sent, +1 where no country code is; `null` when Bland would not dial it. */
export function phoneOf(sent: unknown): string | null {
  const digits = typeof sent === 'string' ? sent.replace(/\D/g, '') : ''
  if (digits.length < 7 || digits.length > 15) return null
  return digits.length === 10 ? `+1${digits}` : `+${digits}`
}

/** A dial request as Bland reads it, or Bland's refusal. https://docs.bland.ai/api-v1/post/calls */
export function readOrder(body: unknown): Order | Answer {
  if (!isFields(body)) return invalid('Invalid parameters.')
  if (isAbsent(body.phone_number)) return missing('phone_number')
  if (!body.pathway_id && !body.task) return missing('task')
  const broken = RULES.find(([fails]) => fails(body))
  if (broken) return invalid(broken[1])

  const metadata = isFields(body.metadata) ? body.metadata : {}
  const requestData = isFields(body.request_data) ? body.request_data : {}
  const leadId = metadata.lead_id ?? requestData.lead_id
  return {
    phone: phoneOf(body.phone_number) ?? '',
    leadId: isAbsent(leadId) ? null : String(leadId),
    webhook: typeof body.webhook === 'string' ? body.webhook : null,
    metadata,
    requestData,
    body,
  }
}
