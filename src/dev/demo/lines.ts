import type { State } from '../../calls/call.ts'
import type { Cell, Line, Style } from '../screen.ts'
import type { Story } from './stories.ts'
import type { Shown } from './watch.ts'

const STYLES: Record<State, Style> = {
  queued: 'dim',
  dialing: 'yellow',
  pending: 'cyan',
  delivering: 'yellow',
  completed: 'green',
  failed: 'red',
}

const lead = ({ lead }: Story): Cell[] => [
  { text: lead.lead_id, width: 4, style: 'dim' },
  { text: lead.first_name, width: 4 },
]

function until(due: string | null, now: number, lead = ' in '): string {
  const seconds = (Date.parse(due ?? '') - now) / 1000
  return seconds >= 0.05 ? `${lead}${seconds.toFixed(1)} s` : ''
}

/** What happens next with a call, or what it came to. `status` is what Convoso has of the lead. */
function next(call: Shown, status: string, now: number): string {
  const last = call.steps.at(-1)
  switch (call.state) {
    case 'queued':
      return `waits for ${call.waits_for ?? 'its turn'}${until(call.due_at, now, ', ')}`
    case 'dialing':
      return last?.step === 'dialing' ? 'Bland is asked' : `look for the call${until(call.due_at, now)}`
    case 'pending':
      return `completion, or look${until(call.due_at, now)}`
    case 'delivering':
      return last?.step === 'write_failed' ? `Convoso again${until(call.due_at, now)}` : 'Convoso is told'
    case 'completed':
      return `${call.outcome} → ${status}`
    case 'failed':
      return `dead letter: ${call.last_error}`
  }
}

/** The one line of a call on a terminal. `now` in epoch ms. */
export function liveLine(story: Story, call: Shown | undefined, status: string, posted: boolean, now: number): Line {
  const about: Cell[] = [...lead(story), { text: story.tale, width: 29 }]
  if (!call) return [...about, { text: posted ? 'posted' : '', style: 'dim' }]
  const style = STYLES[call.state]
  return [...about, { text: call.state, width: 10, style }, { text: next(call, status, now) }]
}

/** One step of a call's story, `atMs` after the start. */
export function stepLine(story: Story, { step, detail }: Shown['steps'][number], atMs: number): Line {
  const time = { text: `${(atMs / 1000).toFixed(2)} s`, width: 8, right: true }
  return [time, ...lead(story), { text: story.tale, width: 29 }, { text: detail ? `${step}  ${detail}` : step }]
}
