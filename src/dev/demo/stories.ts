import type { Outcome } from '../../calls/call.ts'
import type { Script } from '../bland-simulator/entries.ts'
import type { Fields } from '../bland-simulator/order.ts'
import { SCENES, type SceneName } from '../bland-simulator/scenes.ts'
import type { Encoding } from '../convoso-simulator/entries.ts'
import type { LeadScript } from '../convoso-simulator/simulator.ts'
import type { Facts } from './facts.ts'

/** One lead of the demo: what Bland and Convoso do with it, and what the two must have seen of it in the end. */
export interface Story {
  lead: { lead_id: string; list_id: string; phone_number: string; first_name: string; call_log_id?: string }
  /** What happens, in at most 29 characters. */
  tale: string
  encoding: Encoding
  bland: Omit<Script, 'lead_id' | 'phone_number'>
  convoso?: LeadScript['faults']
  /** Posted a second time while the first is under way. */
  again?: true
  /** Posted once the call of this lead_id has ended. */
  after?: string
  expect: Partial<Facts>
}

/** A story in short: what differs from a lead that is dialed once, completed once and written once. */
interface Tale extends Partial<Pick<Story, 'convoso' | 'again' | 'after'>> {
  who: string
  tale: string
  ends: [outcome: Outcome, status: string]
  /** What is played at Bland, where that is not named like the outcome. */
  scene?: SceneName
  faults?: Fields
  /** The faults end after so many dial requests. */
  faulty?: number
  callLog?: string
  /** Last two digits of the number: 555-01xx rings nobody. */
  number?: string
  expect?: Partial<Facts>
}

const USUAL: Partial<Facts> = {
  accepted: true,
  duplicate: false,
  refused: false,
  dials: '200',
  rang: 1,
  written: 1,
}

/** Number formats as they come from forms and imports. */
const FORMATS = [
  (xx: string) => `(212) 555-01${xx}`,
  (xx: string) => `1212555 01${xx}`,
  (xx: string) => `+121255501${xx}`,
  (xx: string) => `212.555.01${xx}`,
]

const isScene = (name: string): name is SceneName => SCENES.some((scene) => scene === name)

function storyOf(
  { who, tale, ends: [outcome, status], scene, faults = {}, faulty, callLog, number, expect, ...rest }: Tale,
  index: number,
): Story {
  const ordinal = String(index + 1).padStart(2, '0')
  const phone_number = FORMATS[index % FORMATS.length]?.(number ?? ordinal) ?? ''
  const lead = { lead_id: `40${ordinal}`, list_id: '333', phone_number, first_name: who }
  // Outcomes of calls without a completion are no scenes; what is played then is never told to anybody.
  const played = scene ?? (isScene(outcome) ? outcome : 'ANSWERED')
  return {
    ...rest,
    lead: callLog === undefined ? lead : { ...lead, call_log_id: callLog },
    tale,
    encoding: index % 3 === 1 ? 'form' : 'json',
    bland: { outcome: played, faults, ...(faulty !== undefined && { faulty_attempts: faulty }) },
    expect: { ...USUAL, outcome, status, logs: callLog === undefined ? 0 : 1, ...expect },
  }
}

/**
 * In the order of posting. The longest come first; the one that is told 429 comes last, because Bland's rate holds for
 * the whole account and everybody rests.
 */
const TALES: Tale[] = [
  {
    who: 'Ada',
    tale: 'Bland forgets the call',
    ends: ['NO_COMPLETION', 'INCOMP'],
    faults: { never: 1, forgotten: 1 },
    expect: { copies: 0, lookedUp: true },
  },
  {
    who: 'Ben',
    tale: 'answer lost, no trace of it',
    ends: ['DIAL_UNCONFIRMED', 'N'],
    faults: { drop_after: 1, never: 1, forgotten: 1 },
    expect: { dials: 'dropped', copies: 0, lookedUp: true },
  },
  { who: 'Cleo', tale: 'asks never to be called again', ends: ['DO_NOT_CALL', 'DNC'] },
  { who: 'Dora', tale: 'warm transfer, has a call log', ends: ['TRANSFERRED', 'ACA'], callLog: '880004' },
  { who: 'Eli', tale: 'cold transfer', ends: ['TRANSFERRED', 'ACA'], scene: 'COLD_TRANSFER' },
  {
    who: 'Fay',
    tale: 'completion never posted',
    ends: ['VOICEMAIL', 'A'],
    faults: { never: 1 },
    expect: { copies: 0, lookedUp: true },
  },
  {
    who: 'Gus',
    tale: 'completion before the answer',
    ends: ['NOT_INTERESTED', 'NI'],
    faults: { early: 1, answer_late_ms: 400 },
    expect: { early: true },
  },
  {
    who: 'Hana',
    tale: 'completion posted twice',
    ends: ['NO_ANSWER', 'NA'],
    faults: { twice: 1 },
    expect: { copies: 2 },
  },
  {
    who: 'Ivo',
    tale: 'answer lost, completion comes',
    ends: ['ANSWERED', 'CD'],
    faults: { drop_after: 1 },
    expect: { dials: 'dropped', copies: 1 },
  },
  {
    who: 'June',
    tale: 'answer lost, look-up finds it',
    ends: ['CALLBACK', 'CB'],
    faults: { drop_after: 1, call_ms: [2500, 2500] },
    expect: { dials: 'dropped', lookedUp: true },
  },
  { who: 'Kai', tale: 'lead posted twice', ends: ['BUSY', 'B'], again: true, expect: { duplicate: true } },
  {
    who: 'Lena',
    tale: 'Convoso fails in four ways',
    ends: ['CANCELED', 'N'],
    convoso: {
      'leads/update': {
        server_error: { first: 1, status: 503 },
        html: { first: 2 },
        success_false: { first: 3 },
        reset_before: { first: 4 },
      },
    },
    expect: { failures: 4 },
  },
  { who: 'Milo', tale: 'number out of service', ends: ['BAD_NUMBER', 'DC'] },
  { who: 'Nora', tale: 'a carrier blocks the call', ends: ['FAILED', 'N'] },
  { who: 'Otis', tale: 'nobody can tell what happened', ends: ['UNKNOWN', 'N'] },
  {
    who: 'Pia',
    tale: 'Bland refuses the number',
    ends: ['REFUSED', 'FORBID'],
    faults: { refusals: { '*': 'invalid_number' } },
    expect: { dials: '400', rang: 0 },
  },
  {
    who: 'Quin',
    tale: 'a voicemail answers',
    ends: ['VOICEMAIL', 'A'],
    faults: { call_ms: [2000, 2000] },
  },
  { who: 'Rosa', tale: 'answers, nothing comes of it', ends: ['ANSWERED', 'CD'], callLog: '880018' },
  {
    who: 'Uma',
    tale: 'Quin’s number, at that moment',
    ends: ['VOICEMAIL', 'A'],
    number: '17',
    expect: { dials: '', rang: 0 },
  },
  {
    who: 'Sam',
    tale: 'Bland says 429 at first',
    ends: ['NOT_INTERESTED', 'NI'],
    faults: { rate_limited: 1 },
    faulty: 1,
    expect: { dials: '429 200' },
  },
  {
    who: 'Tess',
    tale: 'Cleo’s number, comes later',
    ends: ['REFUSED', 'DNC'],
    number: '03',
    after: '4003',
    expect: { refused: true, dials: '', rang: 0 },
  },
]

/** Every outcome there is, and every way to it that a newcomer should have seen once. */
export const STORIES: readonly Story[] = TALES.map(storyOf)

/** E.164 of a story's number. */
export const phoneOf = ({ lead }: Pick<Story, 'lead'>): string => `+1${lead.phone_number.replace(/\D/g, '').slice(-10)}`
