import Type, { type Static } from 'typebox'
import { count, exact, milliseconds, probability, range } from '../simulator/dials.ts'
import { REFUSALS } from './answers.ts'
import { SCENES } from './scenes.ts'

const shares = Object.fromEntries(SCENES.map((scene) => [scene, Type.Optional(Type.Number({ minimum: 0 }))]))

/**
 * What Bland does wrong, and how long it takes. `*_before` happens instead of placing the call, `*_after` although the
 * call was placed: the client cannot tell one from the other.
 */
export const BlandDials = exact({
  answer_ms: range('Until the call is placed or refused'),
  answer_late_ms: milliseconds('Wait between placing the call and answering'),
  same_number_ms: milliseconds('How soon the same number may be dialed again'),
  concurrency: count('Most calls live at once, 429 beyond; 0: no cap'),
  refusals: Type.Record(Type.String(), Type.Enum([...REFUSALS]), {
    description: 'Phone number (E.164), or `*` for all, to how it is refused',
  }),
  refuse_ms: milliseconds('Refuses connections for so long, then listens again'),

  rate_limited: probability('429, nobody rung'),
  error_before: probability('500, nobody rung'),
  drop_before: probability('The socket is cut, nobody rung'),
  hang_before: probability('Never answers, nobody rung'),
  error_after: probability('500 after placing the call'),
  unable_after: probability('400 "Unable to queue call." after placing it'),
  html_after: probability('A gateway’s 502 page after placing the call'),
  no_id_after: probability('200 without call_id after placing the call'),
  drop_after: probability('The socket is cut after placing the call'),
  hang_after: probability('Never answers after placing the call'),

  list_lag_ms: milliseconds('How long a call is missing from the list'),
  settle_ms: milliseconds('How long a finished call still reads as being processed'),
  lookup_error: probability('500 to a GET'),
  forgotten: probability('No look-up knows the call, though it was placed'),

  outcomes: exact(shares),
  call_ms: range('How long a call is live'),
  early: probability('The completion is sent before the dial is answered'),
  never: probability('No completion is sent'),
  late: probability('The completion is late by `late_ms`'),
  late_ms: range('See `late`'),
  twice: probability('The completion is sent twice'),
  thrice: probability('The completion is sent three times'),
  copy_ms: range('How long after the completion a copy of it is sent'),
  events_before: probability('In-call events are sent before the completion'),
  enrichment_after: probability('An enrichment is sent after the completion'),
  padded: probability('The completion is as large as `padded_mb`'),
  padded_mb: range('See `padded`; in MB'),
  metadata_stripped: probability('The completion carries no metadata'),
  unsigned: probability('The webhooks of a call carry no signature'),
  wrongly_signed: probability('The webhooks of a call are signed with another secret'),
  resends: count('How often a webhook that was not answered 2xx is sent again'),
  resend_ms: milliseconds('Wait before that'),
})
export type BlandDials = Static<typeof BlandDials>

/** Bland on a good day, with short calls. */
export const GOOD_DAY: BlandDials = {
  answer_ms: [5, 20],
  answer_late_ms: 0,
  same_number_ms: 10_000,
  concurrency: 0,
  refusals: {},
  refuse_ms: 0,
  rate_limited: 0,
  error_before: 0,
  drop_before: 0,
  hang_before: 0,
  error_after: 0,
  unable_after: 0,
  html_after: 0,
  no_id_after: 0,
  drop_after: 0,
  hang_after: 0,
  list_lag_ms: 3000,
  settle_ms: 500,
  lookup_error: 0,
  forgotten: 0,
  outcomes: { VOICEMAIL: 40, NO_ANSWER: 20, NOT_INTERESTED: 12, ANSWERED: 8, TRANSFERRED: 8, CALLBACK: 5, BUSY: 4 },
  call_ms: [50, 200],
  early: 0,
  never: 0,
  late: 0,
  late_ms: [5000, 15_000],
  twice: 0,
  thrice: 0,
  copy_ms: [0, 100],
  events_before: 0,
  enrichment_after: 0,
  padded: 0,
  padded_mb: [1, 6],
  metadata_stripped: 0,
  unsigned: 0,
  wrongly_signed: 0,
  resends: 3,
  resend_ms: 500,
}
