import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Lead } from '../calls/call.ts'
import { readPhone } from './phone.ts'

const Id = Type.Union([Type.String({ pattern: '^\\s*\\S{1,64}\\s*$' }), Type.Integer({ minimum: 0 })])

/** A lead as Convoso posts it. Fields that are not named here are kept and handed to the call's script. */
export const LeadBody = Type.Object(
  {
    phone_number: Type.Union([Type.String({ pattern: '\\S' }), Type.Integer({ minimum: 0 })]),
    lead_id: Id,
    list_id: Id,
  },
  { additionalProperties: true, description: 'A lead' },
)

const REQUIRED = Object.keys(LeadBody.properties) as (keyof typeof LeadBody.properties)[]

/** How Convoso writes “no value”: blank, the word null, or nothing at all. */
const blank = (value: unknown) =>
  value === undefined || value === null || (typeof value === 'string' && /^\s*(null)?\s*$/i.test(value))

const text = (value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value)).toWellFormed()

/**
 * Reads a lead, or says what is wrong with every field at fault. A lead_id of 0 is how Convoso says that it has none:
 * an outcome could never be written back to it.
 */
export function readLead(body: unknown): { lead: Lead } | { faults: string[] } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { faults: ['the body must be one lead'] }
  const given = body as Record<string, unknown>
  const faults: string[] = []
  for (const name of REQUIRED) {
    if (blank(given[name]) || (name === 'lead_id' && /^0+$/.test(text(given[name]).trim()))) {
      faults.push(`${name} is required`)
    } else if (!Value.Check(LeadBody.properties[name], given[name])) {
      faults.push(`${name} must be text or a whole number`)
    }
  }
  const number = faults.some((fault) => fault.startsWith('phone_number')) ? null : readPhone(text(given.phone_number))
  if (number && 'fault' in number) faults.unshift(`phone_number ${number.fault}`)
  if (faults.length || !number || 'fault' in number) return { faults }

  const rest = Object.entries(given).filter(([name, value]) => !(name in LeadBody.properties) && !blank(value))
  const { call_log_id, ...fields } = Object.fromEntries(rest.map(([name, value]) => [name.toWellFormed(), text(value)]))
  return {
    lead: {
      leadId: text(given.lead_id).trim(),
      listId: text(given.list_id).trim(),
      phone: number.phone,
      callLogId: call_log_id?.trim() ?? null,
      fields,
    },
  }
}
