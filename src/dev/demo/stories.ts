import type { Outcome } from '../../calls/call.ts'
import type { Script } from '../bland-simulator/entries.ts'
import type { Encoding } from '../convoso-simulator/entries.ts'
import type { LeadScript } from '../convoso-simulator/simulator.ts'
import type { Facts } from './facts.ts'

/** One lead of the demo: what Bland and Convoso do with it, and what the two must have seen of it in the end. */
export interface Story {
  lead: { lead_id: string; list_id: string; phone_number: string; first_name: string; call_log_id?: string }
  /** What happens, in at most 30 characters. */
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

type Twist = Partial<Pick<Story, 'bland' | 'convoso' | 'again' | 'after'>> & {
  scene?: NonNullable<Script['outcome']>
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
  logs: 0,
}

let last = 4000

/** Number formats as they come from forms and imports. */
const FORMATS = [
  (xx: string) => `(212) 555-01${xx}`,
  (xx: string) => `1212555 01${xx}`,
  (xx: string) => `+121255501${xx}`,
  (xx: string) => `212.555.01${xx}`,
]

function story(first_name: string, tale: string, outcome: Outcome, status: string, twist: Twist = {}): Story {
  last += 1
  const { scene = outcome, callLog, number = String(last % 100).padStart(2, '0'), bland, expect, ...rest } = twist
  const lead = { lead_id: String(last), list_id: '333', phone_number: FORMATS[last % 4]?.(number) ?? '', first_name }
  return {
    ...rest,
    lead: callLog === undefined ? lead : { ...lead, call_log_id: callLog },
    tale,
    encoding: last % 3 === 0 ? 'form' : 'json',
    bland: { ...(isPlayed(scene) && { outcome: scene }), ...bland },
    expect: { ...USUAL, outcome, status, ...expect },
  }
}

/** The outcomes of calls without a completion are no scenes that can be played. */
const isPlayed = (scene: Outcome | 'COLD_TRANSFER'): scene is NonNullable<Script['outcome']> =>
  !['REFUSED', 'DIAL_UNCONFIRMED', 'NO_COMPLETION'].includes(scene)

/**
 * In the order of posting. The longest come first; the one that is told 429 comes last, because Bland's rate holds for
 * the whole account and everybody rests.
 */
export const STORIES: readonly Story[] = [
  story('Ada', 'Bland forgets the call', 'NO_COMPLETION', 'INCOMP', {
    bland: { faults: { never: 1, forgotten: 1 } },
    expect: { copies: 0, lookedUp: true },
  }),
  story('Ben', 'answer lost, no trace at Bland', 'DIAL_UNCONFIRMED', 'N', {
    bland: { faults: { drop_after: 1, never: 1, forgotten: 1 } },
    expect: { dials: 'dropped', copies: 0, lookedUp: true },
  }),
  story('Cleo', 'asks never to be called again', 'DO_NOT_CALL', 'DNC'),
  story('Dora', 'warm transfer, with a call log', 'TRANSFERRED', 'ACA', { callLog: '880004', expect: { logs: 1 } }),
  story('Eli', 'cold transfer', 'TRANSFERRED', 'ACA', { scene: 'COLD_TRANSFER' }),
  story('Fay', 'completion never posted', 'VOICEMAIL', 'A', {
    bland: { faults: { never: 1 } },
    expect: { copies: 0, lookedUp: true },
  }),
  story('Gus', 'completion before the answer', 'NOT_INTERESTED', 'NI', {
    bland: { faults: { early: 1, answer_late_ms: 400 } },
    expect: { early: true },
  }),
  story('Hana', 'completion posted twice', 'NO_ANSWER', 'NA', {
    bland: { faults: { twice: 1 } },
    expect: { copies: 2 },
  }),
  story('Ivo', 'answer lost, completion comes', 'ANSWERED', 'CD', {
    bland: { faults: { drop_after: 1 } },
    expect: { dials: 'dropped', copies: 1 },
  }),
  story('June', 'answer lost, look-up finds it', 'CALLBACK', 'CB', {
    bland: { faults: { drop_after: 1, call_ms: [2500, 2500] } },
    expect: { dials: 'dropped', lookedUp: true },
  }),
  story('Kai', 'lead posted twice', 'BUSY', 'B', { again: true, expect: { duplicate: true } }),
  story('Lena', 'Convoso fails in four ways', 'CANCELED', 'N', {
    convoso: {
      'leads/update': {
        server_error: { first: 1, status: 503 },
        html: { first: 2 },
        success_false: { first: 3 },
        reset_before: { first: 4 },
      },
    },
    expect: { failures: 4 },
  }),
  story('Milo', 'number out of service', 'BAD_NUMBER', 'DC'),
  story('Nora', 'a carrier blocks the call', 'FAILED', 'N'),
  story('Otis', 'nobody can tell what happened', 'UNKNOWN', 'N'),
  story('Pia', 'Bland refuses the number', 'REFUSED', 'FORBID', {
    bland: { faults: { refusals: { '*': 'invalid_number' } } },
    expect: { dials: '400', rang: 0 },
  }),
  story('Quin', 'a voicemail answers', 'VOICEMAIL', 'A'),
  story('Rosa', 'answers, nothing comes of it', 'ANSWERED', 'CD', { callLog: '880018', expect: { logs: 1 } }),
  story('Sam', 'Bland says 429 at first', 'NOT_INTERESTED', 'NI', {
    bland: { faults: { rate_limited: 1 }, faulty_attempts: 1 },
    expect: { dials: '429 200' },
  }),
  story('Tess', 'has Cleo’s number, comes later', 'REFUSED', 'DNC', {
    number: '03',
    after: '4003',
    expect: { refused: true, dials: '', rang: 0 },
  }),
]

/** E.164 of a story's number. */
export const phoneOf = ({ lead }: Pick<Story, 'lead'>): string => `+1${lead.phone_number.replace(/\D/g, '').slice(-10)}`
