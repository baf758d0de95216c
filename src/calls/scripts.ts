import { readFileSync } from 'node:fs'
import { luaKeys } from './keys.ts'

const read = (name: string) => readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')

/** What each script stands on, in order; `key` and `call` come before all of them. */
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
  resume: ['resume'],
}

/** A full Redis must still let calls end: that is what frees its memory. */
const shebang: Record<string, string> = { settle: '#!lua flags=allow-oom' }

export type ScriptName = keyof typeof parts

/** Every transition as a Lua script, for ioredis' `scripts` option: one key, the prefix. */
export const scripts = Object.fromEntries(
  Object.entries(parts).map(([name, files]) => [
    name,
    { numberOfKeys: 1, lua: [shebang[name] ?? '', luaKeys, ...['call', ...files].map(read)].join('\n') },
  ]),
) as Record<ScriptName, { numberOfKeys: 1; lua: string }>
