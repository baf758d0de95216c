import t from 'tap'
import { seeded } from '../../src/dev/seeded.ts'
import { FULL } from '../full.ts'
import { redisFor } from '../stage.ts'
import { wrongs } from './audit.ts'
import { type Fault, type Point, told } from './faults.ts'
import { type Company, type Ending, play } from './play.ts'
import { STORIES, type Story } from './stories.ts'
import { createTheatre } from './theatre.ts'
import { createTurns } from './turns.ts'

/*
 * A fault before and after every effect of a call, in every story, whoever goes on: nobody is rung twice, every lead ends
 * and the CRM hears the truth. The points are those that a play without a fault comes to, so a new effect is struck too.
 */

const seed = Number(process.env.SEED ?? 1)
const redis = await redisFor(t, { appendfsync: 'no' })
const theatre = await createTheatre(t, redis.url)
const turn = createTurns(seeded(seed, 'turns'))
/** A play for which the machine has no time may miss the moment of its fault, or give up on a vendor: it is played again. */
const TRIES = 4

const WHEN = ['before', 'after'] as const
const BOTH: readonly Company[] = ['successor', 'neighbour']

/**
 * What can strike at a point, and who is there. In short, a death before and one after it, each in a company drawn; and
 * of every other point a failure, too. Who stalls needs somebody to go on; no admission stalls, because a lead that is stored late is
 * one lead more.
 */
function at(point: Point, story: Story): [Fault, Company][] {
  const chance = seeded(seed, `${story.name} ${point.effect} ${point.nth}`)
  const either = <T>([first, second]: readonly [T, T]): T => (chance.next() < 0.5 ? first : second)
  const each = (how: Fault['how'], whens: readonly Fault['when'][], companies: () => readonly Company[]) =>
    whens.flatMap((when) => companies().map((company): [Fault, Company] => [{ ...point, when, how }, company]))
  if (!FULL || story.long) {
    const deaths = each('dies', WHEN, () => [either(['successor', 'neighbour'])])
    return chance.next() < 0.5 ? deaths : [...deaths, ...each('rejects', [either(WHEN)], () => ['successor'])]
  }
  const stalls = point.effect === 'store.admit' ? [] : each('stalls', WHEN, () => ['neighbour'])
  return [...each('dies', WHEN, () => BOTH), ...each('rejects', WHEN, () => BOTH), ...stalls]
}

/** Two deaths: who took over dies as well, when it comes to its own. */
const twice = (points: readonly Point[]): Fault[][] =>
  points.flatMap((first) => points.map((second) => [first, second].map((point) => ({ ...point, ...AFTER }))))
const AFTER = { when: 'after', how: 'dies' } as const

async function inTime(story: Story, faults: readonly Fault[], company: Company): Promise<Ending> {
  for (let tries = 1; ; tries++) {
    await turn()
    const ending = await play(theatre, story, faults, company)
    const missed = faults.length > 0 && ending.unstruck === faults.length
    const late = ending.starved && faults.every(({ how }) => how !== 'stalls')
    if ((!missed && !late) || tries === TRIES) return ending
  }
}

t.comment(`SEED=${seed}`)
t.jobs = STORIES.length
for (const story of STORIES.filter(({ long }) => FULL || !long)) {
  t.test(story.name, { buffered: true, timeout: 600_000 }, async (t) => {
    async function strike(faults: readonly Fault[], company: Company) {
      const title = `${faults.map(told).join(', then ')} (${company})`
      try {
        const ending = await inTime(story, faults, company)
        t.same(wrongs(story, faults, ending), [], title)
        // How often a call is looked at is the clock's doing: only a first time has to come.
        if (ending.unstruck === faults.length && faults[0]?.nth === 1) t.fail(`${title}: nothing was struck`)
      } catch (error) {
        t.fail(title, { error })
      }
    }
    const rehearsal = await inTime(story, [], 'successor')
    t.same(wrongs(story, [], rehearsal), [], 'no fault')
    const effects = rehearsal.points.map(({ effect }) => effect)
    t.same(missing(story.effects, effects), [], `its effects: ${effects.join(' ')}`)

    const single = rehearsal.points.flatMap((point) => at(point, story))
    const double = FULL && !story.long ? twice(rehearsal.points) : []
    await Promise.all([
      ...single.map(([fault, company]) => strike([fault], company)),
      ...double.map((deaths) => strike(deaths, 'successor')),
    ])
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
