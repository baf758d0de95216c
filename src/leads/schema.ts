import Type from 'typebox'
import { Value } from 'typebox/value'
import type { Lead } from '../calls/call.ts'
import { readPhone } from '../calls/phone.ts'

// Beyond this, JSON's numbers are no longer the digits that were sent.
const Whole = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Id = Type.Union([Type.String({ pattern: '^\\s*\\S{1,64}\\s*$' }), Whole])

/** A lead as Convoso posts it. Fields that are not named here are kept and handed to the call's script. */
export const LeadBody = Type.Object(
  {
    phone_number: Type.Union([Type.String({ pattern: '\\S' }), Whole]),
    lead_id: Id,
    list_id: Id,
  },
  { additionalProperties: true, description: 'A lead' },
)

const REQUIRED = Object.keys(LeadBody.properties) as (keyof typeof LeadBody.properties)[]

/** How Convoso writes “no value”: blank, the word null, or nothing at all. */
const blank = (value: unknown) =>
  value === undefined || value === null || (typeof value === 'string' && /^\s*(null)?\s*$/i.test(value))

/** A value as text; null when it is nested so deeply that it has none. */
function text(value: unknown): string | null {
  try {
    return (typeof value === 'object' ? JSON.stringify(value) : String(value)).toWellFormed()
  } catch {
    return null
  }
}

/** Convoso's own layouts have some hundred fields; each costs every instance and Redis a little. */
const MOST_FIELDS = 500

/**
 * Reads a lead, or says what is wrong with every field at fault. A lead_id of 0 is how Convoso says that it has none:
 * an outcome could never be written back to it.
 */
export function readLead(body: unknown): { lead: Lead } | { faults: string[] } {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return { faults: ['the body must be one lead'] }
  const given = body as Record<string, unknown>
  const faults = REQUIRED.flatMap((name) => faultOf(name, given[name]) ?? [])
  const number = faults.some((fault) => fault.startsWith('phone_number')) ? null : readPhone(String(given.phone_number))
  if (number && 'fault' in number) faults.unshift(`phone_number ${number.fault}`)

  const rest = Object.entries(given).filter(
    ([name, value]) => !Object.hasOwn(LeadBody.properties, name) && !blank(value),
  )
  if (rest.length > MOST_FIELDS) faults.push(`a lead has at most ${MOST_FIELDS} fields, not ${rest.length}`)
  const texts = rest.slice(0, MOST_FIELDS).map(([name, value]) => [name.toWellFormed(), text(value)] as const)
  for (const [name, value] of texts) if (value === null) faults.push(`${name} is nested too deeply`)
  if (faults.length || !number || 'fault' in number) return { faults }

  const { call_log_id: callLogId, ...fields } = Object.fromEntries(texts) as Record<string, string>
  return {
    lead: {
      leadId: String(given.lead_id).trim(),
      listId: String(given.list_id).trim(),
      phone: number.phone,
      callLogId: callLogId?.trim() ?? null,
      fields,
    },
  }
}

function faultOf(name: (typeof REQUIRED)[number], value: unknown): string | null {
  if (blank(value)) return `${name} is required`
  if (!Value.Check(LeadBody.properties[name], value)) return `${name} must be text or a whole number`
  return name === 'lead_id' && /^0+$/.test(String(value).trim()) ? `${name} is required` : null
}
