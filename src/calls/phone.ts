import { type CountryCode, parsePhoneNumberFromString } from 'libphonenumber-js/max'
import type { E164 } from './call.ts'

/** The US and its territories share the country code +1 with twenty other countries. */
const UNITED_STATES: readonly CountryCode[] = ['US', 'PR', 'VI', 'GU', 'MP', 'AS']

/**
 * Reads a US number: ten digits, or eleven with a leading 1, with any usual punctuation.
 * Numbers that are only unassigned are taken. Refused, with the reason for the sender: what cannot be a US number, and what
 * is known to belong to another country.
 */
export function readPhone(text: string): { phone: E164 } | { fault: string } {
  const digits = text.replaceAll(/[\s().\-/\u2010-\u2015]/g, '')
  const national = /^(?:\+?1)?(\d{10})$/.exec(digits)?.[1]
  const parsed = national === undefined ? undefined : parsePhoneNumberFromString(`+1${national}`)
  if (!parsed?.isPossible()) return { fault: 'must be a US number of 10 digits, or 11 with a leading 1' }
  const countries = parsed.getPossibleCountries()
  if (countries.length > 0 && !countries.some((country) => UNITED_STATES.includes(country))) {
    return { fault: `belongs to ${countries.join(' or ')}, not to the US` }
  }
  return { phone: parsed.number as string as E164 }
}
