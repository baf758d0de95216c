import type { Scene, Trouble } from './world.ts'

/**
 * What is explored, each scene to its end: few leads with much trouble, or more leads with less. Two instances have one
 * piece of work each in hand; every piece may sleep in any place, or die there, where the scene says so.
 */
export const SCENES = {
  'one lead': scene(['A'], 'alone', ['stall', 'crash', 'lost', 'unrung', 'lag', 'anonymous', 'crm']),
  transfer: scene(['A'], 'alone', ['stall', 'lost', 'lag', 'crm', 'replay', 'transfer']),
  'second call': scene(['A'], 'alone', ['lag', 'second', 'anonymous', 'crm', 'transfer']),
  poison: scene(['A'], 'alone', ['crash', 'lag', 'second', 'crm', 'poison', 'replay']),
  'crowded parking': scene(['A'], 'alone', ['crash', 'anonymous', 'crowd', 'crm']),
  'two leads, one number': scene(['A', 'B'], 'alone', ['lost', 'lag', 'transfer']),
  'a lead repeated': scene(['A', 'A'], 'alone', ['stall', 'unrung']),
  'a sibling': scene(['A', 'B'], 'siblings', ['lost', 'lag', 'transfer']),
  'a sibling, stalled': scene(['A', 'B'], 'siblings', ['stall']),
  pause: scene(['A', 'B'], 'siblings', ['unrung', 'pause', 'optout']),
  emptied: scene(['A', 'B'], 'alone', ['emptied']),
  'emptied, stalled': scene(['A'], 'alone', ['stall', 'crash', 'lost', 'emptied']),
} satisfies Record<string, Scene>

/** The same, with more at once: minutes instead of seconds. */
export const LONG_SCENES: Record<string, Scene> = {
  'one lead, long': scene(['A'], 'alone', [...SCENES['one lead'].troubles, 'second', 'replay', 'transfer', 'poison']),
  'two leads, long': scene(['A', 'B'], 'alone', ['stall', 'lost', 'lag']),
  'siblings, long': scene(['A', 'B'], 'siblings', ['stall', 'crash', 'lost', 'crm']),
  'three leads': scene(['A', 'B', 'A'], 'alone', ['stall', 'lost']),
  'emptied, long': scene(['A', 'B'], 'alone', ['lost', 'emptied', 'transfer']),
}

function scene(leads: string[], how: 'alone' | 'siblings', troubles: Trouble[]): Scene {
  return { leads, siblings: how === 'siblings', troubles }
}
