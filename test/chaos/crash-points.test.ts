import t from 'tap'
import { seeded } from '../../src/dev/seeded.ts'
import { FULL } from '../full.ts'
import { redisFor } from '../stage.ts'
import { wrongs } from './audit.ts'
import { type Fault, KINDS, type Point, told } from './faults.ts'
import { type Company, type Ending, play } from './play.ts'
import { STORIES, type Story } from './stories.ts'
import { createTheatre } from './theatre.ts'
import { createTurns } from './turns.ts'

/*
 * A fault before and after every effect of a call, in every story, whoever goes on: nobody is rung twice, every lead ends
 * and the CRM hears the truth. The points are those that a play without a fault comes to, so a new effect is struck too.
 */

const seed = Number(process.env.SEED ?? 1)
const chance = seeded(seed, 'crash points')
const redis = await redisFor(t, { appendfsync: 'no' })
const theatre = await createTheatre(t, redis.url)
const turn = createTurns(chance)
const COMPANIES: readonly Company[] = ['successor', 'neighbour']
/** A play that is late may miss the moment of its fault. */
const TRIES = 3

/** What can strike at a point. In short, a death is seen in one company, drawn, and who lives on is alone. */
const at = (point: Point): [Fault, Company][] =>
  KINDS.flatMap((kind) => {
    const drawn = kind.how === 'dies' && chance.next() < 0.5 ? 'neighbour' : 'successor'
    return (FULL ? COMPANIES : [drawn]).map((company): [Fault, Company] => [{ ...point, ...kind }, company])
  })

async function struck(story: Story, faults: readonly Fault[], company: Company): Promise<Ending> {
  for (let tries = 1; ; tries++) {
    await turn()
    const ending = await play(theatre, story, faults, company)
    if (ending.unstruck === 0 || tries === TRIES) return ending
  }
}

t.comment(`SEED=${seed}`)
t.jobs = STORIES.length
for (const story of STORIES) {
  t.test(story.name, { buffered: true, timeout: 600_000 }, async (t) => {
    const plays: Promise<void>[] = []
    async function begin(faults: readonly Fault[], company: Company, must = 0) {
      const title = `${faults.map(told).join(', then ')} (${company})`
      try {
        const ending = await struck(story, faults, company)
        const missed = ending.unstruck > must ? [`${ending.unstruck} faults found nothing to strike`] : []
        t.same([...missed, ...wrongs(story, faults, ending)], [], title)
      } catch (error) {
        t.fail(title, { error })
      }
    }
    const rehearsal = await play(theatre, story, [], 'successor', (point) => {
      for (const [fault, company] of at(point)) plays.push(begin([fault], company))
    })
    t.same(wrongs(story, [], rehearsal), [], 'no fault')
    const effects = rehearsal.points.map(({ effect }) => effect)
    t.same(missing(story.effects, effects), [], `its effects: ${effects.join(' ')}`)
    await Promise.all(plays)
  })
}

/** What of `wanted` does not come, in its order, in `seen`. */
function missing(wanted: readonly string[], seen: readonly string[]): string[] {
  let from = 0
  return wanted.filter((effect) => {
    const found = seen.indexOf(effect, from)
    if (found >= 0) from = found + 1
    return found < 0
  })
}
