import type { Account } from './account.ts'
import { CUSTOM_FIELDS, type Endpoint, isNobody, type Params } from './fields.ts'
import { STATUSES } from './statuses.ts'

export type Envelope = { success: true; [key: string]: unknown } | { success: false; code: number; text: string }

const yes = (rest: object = {}): Envelope => ({ success: true, ...rest })
const no = (code: number, text: string): Envelope => ({ success: false, code, text })

/** Convoso's codes mean different things from endpoint to endpoint; each lookup of one is by endpoint and code. */
const NO_SUCH_LEAD = no(6001, 'No such Lead')

type Answering = (params: Params, account: Account, strict: boolean) => Envelope

const knowsLead = (leadId: string | undefined, account: Account, strict: boolean): leadId is string =>
  leadId !== undefined && !isNobody(leadId) && account.knows('leads', leadId, strict)
const without = (params: Params, ...names: string[]): Params =>
  Object.fromEntries(Object.entries(params).filter(([name]) => !names.includes(name)))
const phoneDigits = (phone: string | undefined) => (phone ?? '').replace(/\D/g, '').slice(-10)
const page = (params: Params, all: object[], limit: number) => {
  const offset = Number(params.offset || 0)
  return {
    offset,
    limit: String(params.limit || limit),
    rows: all.slice(offset, offset + Number(params.limit || limit)),
  }
}

/** What each endpoint says and does. One request's effect is complete when its answer is made. */
export const endpoints: Record<Endpoint, { writes: boolean; answer: Answering }> = {
  /** https://help.convoso.com/hc/en-us/articles/37895418438683 */
  'leads/update': {
    writes: true,
    answer(params, account, strict) {
      if (!knowsLead(params.lead_id, account, strict)) return NO_SUCH_LEAD
      const change = without(params, 'auth_token', 'lead_id')
      account.save(params.lead_id, change)
      return yes({ data: { lead_id: params.lead_id } })
    },
  },
  /** https://help.convoso.com/hc/en-us/articles/37895469719579 */
  'leads/insert': {
    writes: true,
    answer(params, account) {
      if (!params.list_id || !params.phone_number) return no(6007, 'Phone number and list are required')
      if (phoneDigits(params.phone_number).length !== 10) return no(6008, 'Phone number is invalid')
      const leadId = account.nextId()
      account.save(String(leadId), without(params, 'auth_token'))
      return yes({ data: { lead_id: leadId } })
    },
  },
  /** https://help.convoso.com/hc/en-us/articles/46774312268059 */
  'leads/search': {
    writes: false,
    answer(params, account) {
      const { lead_id, phone_number, list_id, status } = params
      const found = [...account.leads].filter(
        ([id, lead]) =>
          (isNobody(lead_id) || id === lead_id) &&
          (!phone_number || phoneDigits(lead.phone_number) === phone_number) &&
          (!list_id || list_id.split(',').includes(lead.list_id ?? '')) &&
          (!status || lead.status === status),
      )
      const { offset, limit, rows } = page(params, found.map(shown(account)), 10)
      return yes({ data: { offset, limit, total: String(found.length), entries: rows } })
    },
  },
  /** https://help.convoso.com/hc/en-us/articles/37842243696283; `call_transcript` is said to be taken, not documented */
  'log/update': {
    writes: true,
    answer(params, account, strict) {
      if (!params.call_log_id) return no(6032, 'Call Log ID is missing')
      if (!account.knows('callLogs', params.call_log_id, strict)) return no(6033, 'No such Call Log')
      const change = without(params, 'auth_token', 'call_log_id')
      if (!change.extra_field_01 && !change.extra_field_02 && !change.call_transcript) {
        return no(6035, 'At least one of extra_field_01, extra_field_02 is required')
      }
      account.callLogs.set(params.call_log_id, { ...account.callLogs.get(params.call_log_id), ...change })
      return yes()
    },
  },
  /** https://help.convoso.com/hc/en-us/articles/37883693599131 */
  'dnc/insert': {
    writes: true,
    answer(params, account) {
      const phone = (params.phone_number ?? '').replace(/\D/g, '')
      if (phone.length !== 10) return no(6007, 'Invalid Phone Number')
      const row = `${params.phone_code ?? '1'} ${phone} ${params.campaign_id ?? '0'}`
      if (account.dnc.has(row)) return no(6008, 'Phone number already exists')
      account.dnc.add(row)
      return yes({ id: String(account.nextId()) })
    },
  },
  /** https://help.convoso.com/hc/en-us/articles/37882936663835 */
  'callbacks/insert': {
    writes: true,
    answer(params, account, strict) {
      if (!knowsLead(params.lead_id, account, strict)) return NO_SUCH_LEAD
      if (!['system', 'personal'].includes(params.recipient ?? '')) return no(6023, 'Required field missed: recipient')
      if (params.recipient === 'personal' && !params.user_id) return no(6006, 'No such User')
      if (!/^\d{4}-\d\d-\d\d \d\d:\d\d( [AP]M|:\d\d)$/.test(params.callback_time ?? '')) {
        return no(7237, 'Invalid callback_time')
      }
      const id = String(account.nextId())
      account.callbacks.push({ ...without(params, 'auth_token'), id, lead_id: params.lead_id })
      return yes({ data: { callback_id: id } })
    },
  },
  /** https://help.convoso.com/hc/en-us/articles/37882964431771 */
  'callbacks/search': {
    writes: false,
    answer(params, account) {
      const found = account.callbacks.filter(({ lead_id }) => !params.lead_id || lead_id === params.lead_id)
      const { offset, limit, rows } = page(params, found, 20)
      return yes({ data: { offset, limit, total: String(found.length), results: rows } })
    },
  },
  /** https://help.convoso.com/hc/en-us/articles/37901922321819 */
  'status/search': {
    writes: false,
    answer: ({ query }) =>
      yes({ code: 200, data: STATUSES.filter(({ status, name }) => !query || query === status || query === name) }),
  },
}

/** A lead as a search shows it: both ids, its times, and custom fields under a number instead of their name. */
const shown =
  (account: Account) =>
  ([id, lead]: [string, Params]): Params => ({
    id,
    lead_id: id,
    ...Object.fromEntries(
      Object.entries(lead).map(([name, value]) =>
        CUSTOM_FIELDS.includes(name) ? [`field_${account.fieldNumber(name)}`, value] : [name, value],
      ),
    ),
    ...account.times(id),
  })
