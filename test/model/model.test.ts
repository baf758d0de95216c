import t from 'tap'
import { FULL } from '../full.ts'
import { explore } from './explore.ts'
import { MUTANTS } from './mutants.ts'
import { RULES } from './rules.ts'
import { LONG_SCENES, SCENES } from './scenes.ts'

/* Every world that two instances, two vendors and their troubles can bring about; and broken machines, which must be found. */

t.test('every world keeps every invariant, and every call ends', async (t) => {
  let states = 0
  let transitions = 0
  for (const [name, scene] of Object.entries({ ...SCENES, ...(FULL ? LONG_SCENES : {}) })) {
    const explored = explore(scene)
    t.notOk(explored.finding, explored.finding ? told(name, explored.finding) : name)
    t.comment(`${name}: ${explored.states} states, ${explored.transitions} transitions`)
    states += explored.states
    transitions += explored.transitions
  }
  t.comment(`explored ${states} states and ${transitions} transitions`)
})

t.test('a machine with one thing wrong is found', async (t) => {
  for (const { name, broken, scene, caughtBy } of MUTANTS) {
    const found = explore(SCENES[scene], { ...RULES, ...broken }).finding
    const seen = found?.invariant === caughtBy
    t.ok(seen, seen ? `${name}: ${found.what}` : found ? told(name, found) : `${name}: survived`)
  }
})

function told(name: string, { what, history }: { what: string; history: string[] }) {
  return [`${name}: ${what}`, ...history.map((line, i) => `  ${i + 1}. ${line}`)].join('\n')
}
