import { createActions } from './actions.ts'
import { INVARIANTS, type Invariant } from './invariants.ts'
import { RULES, type Rules } from './rules.ts'
import type { Action } from './work.ts'
import { firstWorld, type Scene, underWay, type World } from './world.ts'
import { copyOf, keyOf } from './worlds.ts'

export interface Finding {
  invariant: Invariant
  what: string
  /** The shortest way there, one line for each action. */
  history: string[]
}
export interface Exploration {
  states: number
  transitions: number
  finding: Finding | null
}

/**
 * Visits every world that can be reached, breadth first, until one breaks an invariant: the history that leads there is
 * as short as can be. When none does, sees to it that every accepted call ends once the trouble is over: by mending
 * actions alone, in whatever order they happen, every world comes to one in which all calls are over.
 */
export function explore(scene: Scene, rules: Rules = RULES): Exploration {
  const poison = scene.troubles.includes('poison')
  const possible = createActions(scene, { ...rules, poison, mostClaims: poison ? 2 : 1 })
  const first = firstWorld(scene)
  const numbers = new Map([[keyOf(first), 0]])
  /** Worlds whose actions are still to be tried; those before them are only known by what leads on from them. */
  const ahead: (World | undefined)[] = [first]
  /** Of each world the one it was first reached from, and by which action. */
  const from: [world: number, action: number][] = [[0, 0]]
  const mending: number[][] = []
  const over: boolean[] = []
  let transitions = 0

  for (let at = 0; at < ahead.length; at++) {
    const world = ahead[at] as World
    ahead[at] = undefined
    for (const [name, holds] of Object.entries(INVARIANTS)) {
      const what = holds(world)
      if (what) return found(name as Invariant, what, at)
    }
    over[at] = !world.guests.some((guest) => underWay(world, guest)) && !world.hands.length
    const ways: number[] = []
    for (const [nth, { mends, run }] of possible(world).entries()) {
      const next = copyOf(world)
      run(next)
      const key = keyOf(next)
      let number = numbers.get(key)
      if (number === undefined) {
        number = ahead.push(next) - 1
        numbers.set(key, number)
        from.push([at, nth])
      }
      if (number === at) continue
      transitions += 1
      if (mends) ways.push(number)
    }
    mending.push(ways)
  }

  const stuck = endless(mending, over)
  if (stuck) return found('everyCallEnds', stuck.what, stuck.at)
  return { states: ahead.length, transitions, finding: null }

  function found(invariant: Invariant, what: string, at: number): Exploration {
    return { states: ahead.length, transitions, finding: { invariant, what, history: historyOf(at) } }
  }

  /** Played once more from the start. */
  function historyOf(at: number): string[] {
    const choices: number[] = []
    for (let number = at; number !== 0; number = (from[number] as [number, number])[0]) {
      choices.unshift((from[number] as [number, number])[1])
    }
    let world = firstWorld(scene)
    return choices.map((choice) => {
      const { name, run } = possible(world)[choice] as Action
      world = copyOf(world)
      run(world)
      keyOf(world)
      return name
    })
  }
}

/** A world that mending leaves unfinished, or leads round in a circle. */
function endless(mending: number[][], over: boolean[]): { at: number; what: string } | null {
  const OPEN = 1
  const DONE = 2
  const marks = new Uint8Array(mending.length)
  for (let root = 0; root < mending.length; root++) {
    const way: [world: number, next: number][] = marks[root] ? [] : [[root, 0]]
    while (way.length) {
      const step = way.at(-1) as [number, number]
      const [at] = step
      const next = mending[at]?.[step[1]++]
      marks[at] = OPEN
      if (next === undefined) {
        if (!mending[at]?.length && !over[at]) return { at, what: 'a call is under way, and nothing brings it on' }
        marks[at] = DONE
        way.pop()
      } else if (marks[next] === OPEN) return { at: next, what: 'mending goes round in a circle' }
      else if (!marks[next]) way.push([next, 0])
    }
  }
  return null
}
