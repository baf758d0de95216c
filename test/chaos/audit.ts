import type { Fault } from './faults.ts'
import type { Ending } from './play.ts'
import type { Story } from './stories.ts'
import { HOLD } from './theatre.ts'
import type { Glimpse } from './witness.ts'

/** What may be left of a call that is over: its own memory, and nothing that keeps anybody waiting. */
const MAY_STAY = /^(call|call-id|line|attempts|stats|claim):|^(completed|failed|control|epoch|dnc)$/
const SECOND = 1000

/** Seconds a number rests after a call that came to this. */
const rest = (outcome: string) => {
  if (outcome === 'REFUSED') return 0
  return ['TRANSFERRED', 'DIAL_UNCONFIRMED', 'NO_COMPLETION'].includes(outcome) ? HOLD.transferred : HOLD.usual
}

/** What is wrong with a play: a list of sentences, empty when nothing is. */
export function wrongs(story: Story, faults: readonly Fault[], ending: Ending): string[] {
  const { call, strikes, dials, placed, writes, counted } = ending
  const list = strikes.flatMap((found) => held(story, found))
  const says = (wrong: boolean, what: string) => {
    if (wrong) list.push(what)
  }

  says(dials > (story.dials ?? 1), `${dials} dial requests`)
  says(placed > 1, `${placed} calls placed`)

  // Nobody knows whether the phone rang, and so far nobody had said what it came to.
  const unseen = placed === 0 || story.bland?.forgotten
  const forgotten = faults.some(({ effect, how }) => effect !== 'store.admit' || how === 'dies')
  const unknown = story.dials !== 0 && unseen && forgotten && strikes.some(({ call }) => !call.outcome && !call.call_id)
  const unconfirmed = call.outcome === 'DIAL_UNCONFIRMED'
  says(call.outcome !== story.outcome && !(unconfirmed && unknown), `outcome ${call.outcome}`)
  says(call.state !== story.ends, `state ${call.state}: ${call.last_error}`)
  const status = unconfirmed && story.ends === 'completed' ? 'N' : story.status
  says(ending.status !== status, `status ${ending.status}`)
  // A completion that comes after all is written as well.
  const reopened = Object.entries(call).filter(
    ([name, said]) => name.startsWith('step.') && / from=completed/.test(said),
  )
  const ends = 1 + reopened.length
  says(counted[story.ends] !== String(ends), `counted ${story.ends} ${counted[story.ends]} times`)
  for (const what of ['vanished', 'second_call', 'parked']) says(what in counted, `counted ${what}`)

  for (const endpoint of ['leads/update', 'log/update'] as const) {
    const needed = story.writes?.[endpoint] ?? (endpoint === 'leads/update' ? 1 : 0)
    const sent = writes[endpoint] ?? 0
    says(sent < needed || sent > needed * ends + (needed && faults.length), `${sent} times ${endpoint}`)
  }

  says(ending.slot, 'its slot is held')
  const kept = story.ends === 'failed' ? /^completion:/ : /^$/
  for (const name of ending.left) says(!MAY_STAY.test(name) && !kept.test(name), `${name} is left`)
  const holds = rest(String(call.outcome))
  says((ending.line === call.request_id) !== holds > 0, `its line belongs to ${ending.line}`)
  const ended = Number(call.ended_at_ms)
  says(holds > 0 && Math.abs(ending.lineEnds - ended - holds * SECOND) > SECOND, 'its line rests for another time')
  const deadline = (story.deadline ?? 1) * SECOND
  says(unconfirmed && ended < Number(call.dialed_at_ms) + deadline, 'given up before the longest call ended')
  return list
}

/** What is wrong with what a call holds at the moment of a fault. */
function held(story: Story, { call, slot, line, lineEnds }: Glimpse): string[] {
  const state = String(call.state)
  const onLine = state === 'dialing' || state === 'pending'
  const list = slot === onLine ? [] : [`${state}, and its slot is ${slot ? 'held' : 'free'}`]
  if (state === 'queued' && line !== null) list.push('queued, and its line is held')
  // Until its completion is read, the customer may be with an agent.
  const must = onLine || (state === 'delivering' && !call.outcome)
  if (must && line !== call.request_id) list.push(`${state}, and its line belongs to ${line}`)
  const longest = Number(call.dialed_at_ms) + ((story.deadline ?? 1) + HOLD.transferred) * SECOND
  if (onLine && lineEnds < longest - SECOND) list.push(`${state}, and its line ends too soon`)
  return list
}
