import Type, { type Static } from 'typebox'
import { count, exact, milliseconds, probability } from '../simulator/dials.ts'
import { ENDPOINTS } from './fields.ts'

const when = {
  first: Type.Optional(count('Fails the first n requests of each lead, counted from the last turn of a dial')),
  rate: Type.Optional(probability('Fails this share of the requests')),
}
const fault = <P extends Parameters<typeof exact>[0]>(more: P) => Type.Optional(exact({ ...when, ...more }))

/**
 * What goes wrong on one endpoint. Of several that are due, the one with the smallest `first` happens, so that
 * `{ html: { first: 1 }, empty: { first: 2 } }` fails in one way and then in the other; `slow` adds to what happens.
 */
export const EndpointFaults = exact({
  slow: fault({ ms: milliseconds('How much later the answer is made') }),
  reset_before: fault({}),
  too_many: fault({ retry_after: Type.Optional(count('Seconds in Retry-After; without it no such header')) }),
  server_error: fault({ status: Type.Optional(Type.Enum([500, 502, 503, 504])) }),
  html: fault({}),
  empty: fault({}),
  success_false: fault({ code: Type.Optional(Type.Integer()), text: Type.Optional(Type.String()) }),
  truncated: fault({}),
  reset_after: fault({}),
})
export type EndpointFaults = Static<typeof EndpointFaults>

const perEndpoint = Object.fromEntries(ENDPOINTS.map((name) => [name, EndpointFaults])) as Record<
  (typeof ENDPOINTS)[number],
  typeof EndpointFaults
>

export const ConvosoDials = exact({
  strict_leads: Type.Boolean({ description: 'Knows only leads it was told of; otherwise every id is a lead' }),
  rps: count('Requests per second, 429 beyond; 0: no cap'),
  outage_ms: milliseconds('Answers 503 to everything for so long, from now on'),
  ...perEndpoint,
})
export type ConvosoDials = Static<typeof ConvosoDials>

/** Convoso on a good day. */
export const GOOD_DAY: ConvosoDials = Object.assign(
  { strict_leads: false, rps: 0, outage_ms: 0 },
  Object.fromEntries(ENDPOINTS.map((name) => [name, {}])) as Record<(typeof ENDPOINTS)[number], EndpointFaults>,
)
