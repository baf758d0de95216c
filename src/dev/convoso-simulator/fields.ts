/** The endpoints that are simulated, without `/v1/`. */
export const ENDPOINTS = [
  'leads/update',
  'leads/insert',
  'leads/search',
  'log/update',
  'dnc/insert',
  'callbacks/insert',
  'callbacks/search',
  'status/search',
] as const
export type Endpoint = (typeof ENDPOINTS)[number]

const words = (text: string) => text.trim().split(/\s+/)

/** https://help.convoso.com/hc/en-us/articles/37895418438683 */
const LEAD = words(`
  list_id phone_code phone_number status created_by last_modified_by owner_id first_name last_name alt_phone_1
  alt_phone_2 email address1 address2 city state province postal_code country gender date_of_birth notes
`)

/** The custom fields that the account's lead layout has, by the names an outcome is written under. */
export const CUSTOM_FIELDS = words(`
  call_transcript call_summary recording_url answered_by call_duration transferred_to plan_type member_count
  bland_call_id age
`)

/** What each endpoint takes beside `auth_token`. */
const TAKES: Record<Endpoint, string[]> = {
  'leads/update': ['lead_id', ...LEAD, ...CUSTOM_FIELDS],
  'leads/insert': [...words('check_dup check_dnc hopper update_if_found'), ...LEAD, ...CUSTOM_FIELDS],
  'leads/search': [...words('lead_id offset limit'), ...LEAD],
  'log/update': words('call_log_id call_transcript extra_field_01 extra_field_02'),
  'dnc/insert': words('phone_number phone_code campaign_id reason purpose'),
  'callbacks/insert': words('lead_id recipient user_id callback_time_zone callback_time comments'),
  'callbacks/search': words('id lead_id list_id campaign_id user_id recipient stage start_date end_date offset limit'),
  'status/search': ['query'],
}

export type Params = Record<string, string>

/** A breach of manners Convoso itself would not complain about. `field` is never a value. */
export interface Breach {
  rule: 'unknown field' | 'blank' | 'moves the lead' | 'rewrites the phone' | 'unknown status' | 'no lead id'
  field: string
}

export const isNobody = (leadId: string | undefined) =>
  leadId === undefined || ['', '0', 'null'].includes(leadId.trim())

/** What a careful client never sends. Blanks are normal in a search, whose lead id 0 would match every lead. */
export function breaches(endpoint: Endpoint, params: Params, isStatus: (code: string) => boolean): Breach[] {
  const found: Breach[] = []
  for (const [field, value] of Object.entries(params)) {
    if (field === 'auth_token') continue
    if (!TAKES[endpoint].includes(field)) found.push({ rule: 'unknown field', field })
    if (value === '' && !endpoint.endsWith('/search')) found.push({ rule: 'blank', field })
    if (field === 'lead_id' && isNobody(value)) found.push({ rule: 'no lead id', field })
  }
  if (endpoint === 'leads/update') {
    if ('list_id' in params) found.push({ rule: 'moves the lead', field: 'list_id' })
    if ('phone_number' in params) found.push({ rule: 'rewrites the phone', field: 'phone_number' })
    if (params.status && !isStatus(params.status)) found.push({ rule: 'unknown status', field: 'status' })
  }
  return found
}
