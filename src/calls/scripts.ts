import { readFileSync } from 'node:fs'
import { luaKeys } from './keys.ts'
import { luaMoves } from './moves.ts'

const read = (name: string) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')

/** What each script stands on, in order; FIRST comes before all of them. */
const FIRST = ['call', 'control', 'moving']
const parts = {
  admit: ['begin-dial', 'admit'],
  claimDue: ['begin-dial', 'claim-due'],
  undial: ['begin-dial', 'undial'],
  confirmDial: ['take', 'confirm-dial'],
  takeCompletion: ['take', 'take-completion'],
  conclude: ['begin-dial', 'conclude'],
  defer: ['defer'],
  settle: ['settle'],
  fail: ['fail'],
  replay: ['replay'],
  pause: ['pause'],
  resume: ['begin-dial', 'resume'],
}

/** What brings something new. A full Redis refuses these alone: that calls end is what frees its memory. */
const newcomers = ['admit', 'takeCompletion', 'resume']

export type ScriptName = keyof typeof parts

/** Every transition as a Lua script, for ioredis' `scripts` option: one key, the prefix. */
export const scripts = Object.fromEntries(
  Object.entries(parts).map(([name, files]) => [
    name,
    {
      numberOfKeys: 1,
      lua: [
        newcomers.includes(name) ? '#!lua' : '#!lua flags=allow-oom',
        luaKeys,
        luaMoves,
        ...[...FIRST, ...files].map(read),
      ].join('\n'),
    },
  ]),
) as Record<ScriptName, { numberOfKeys: 1; lua: string }>
