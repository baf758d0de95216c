import { STATES, type State } from './call.ts'

/** `absent`: no call has this request_id, or none any more. */
export const FROM = ['absent', ...STATES] as const
export type From = (typeof FROM)[number]

/** Where an event leads: into a state (the same one, too), or nowhere: `stays` takes note of it, `refused` does not. */
export type Move = State | 'stays' | 'refused'

/**
 * What can happen to a call, in any state: the whole machine. The scripts move calls by this table alone (`luaMoves`);
 * the tests, the model and README's table are made from it.
 */
export const MOVES = {
  /** A lead is taken in. */
  admit: row({ absent: 'queued', else: 'stays' }),
  /** Its number is on the do-not-call list. */
  refuse: row({ queued: 'delivering' }),
  /** Slot, pace and line are taken: the one POST may go. */
  dial: row({ queued: 'dialing' }),
  /** Its dialer knows that nobody was rung. */
  undial: row({ dialing: 'queued' }),
  /** Its dialer knows that nobody was rung, and that nobody ever will be. */
  turn_down: row({ dialing: 'delivering' }),
  /** The vendor has the call. */
  confirm: row({ absent: 'pending', queued: 'pending', dialing: 'pending', else: 'stays' }),
  /** Its completion has come; without a call, one that is signed and ours makes it anew. */
  complete: row({ else: 'delivering' }),
  /** A completion that was taken before. */
  copy: row({ else: 'stays' }),
  /** The completion of a second call for the same request. */
  outdo: row({ pending: 'stays', delivering: 'delivering', completed: 'delivering', failed: 'delivering' }),
  /** The call to the same number, made for another lead, came to an end: so did this one. */
  share: row({ queued: 'delivering', delivering: 'delivering', completed: 'delivering', failed: 'delivering' }),
  /** An instance takes it in hand. */
  claim: row({ dialing: 'dialing', pending: 'pending', delivering: 'delivering' }),
  /** The vendor was asked, and it is not over. */
  look: row({ dialing: 'dialing', pending: 'pending' }),
  /** It ends without a completion. */
  conclude: row({ dialing: 'delivering', pending: 'delivering' }),
  /** The CRM did not take the outcome now. */
  defer: row({ delivering: 'delivering' }),
  /** The CRM has the outcome. */
  settle: row({ delivering: 'completed' }),
  /** The CRM will not take it, or nobody can read it. */
  fail: row({ delivering: 'failed' }),
  /** Whoever works on it dies. */
  poison: row({ dialing: 'failed', pending: 'failed', delivering: 'failed' }),
  /** A person wants another try. */
  replay: row({ delivering: 'delivering', failed: 'delivering' }),
} satisfies Record<string, Record<From, Move>>

export type Event = keyof typeof MOVES
export const EVENTS = Object.keys(MOVES) as Event[]

/** What is not said is refused. */
function row({ else: rest = 'refused', ...said }: Partial<Record<From | 'else', Move>>): Record<From, Move> {
  return Object.fromEntries(FROM.map((from) => [from, said[from] ?? rest])) as Record<From, Move>
}

/** Into which state an event takes a call; null when it takes it nowhere. */
export function leadsTo(event: Event, from: From): State | null {
  const move = MOVES[event][from]
  return move === 'stays' || move === 'refused' ? null : move
}

/** The same in Lua: `moves.<event>.<from>` is a state, or nil. */
export const luaMoves: string = [
  'local moves = {',
  ...EVENTS.map((event) => {
    const moving = FROM.filter((from) => leadsTo(event, from) !== null)
    return `  ${event} = { ${moving.map((from) => `${from} = '${leadsTo(event, from)}'`).join(', ')} },`
  }),
  '}',
].join('\n')
