/*
 * Every key, named once: for TypeScript here, for the Lua scripts through `luaKeys`, for people through `README.md`.
 * The prefix is a hash tag, so all keys of a deployment share one cluster slot and a script may touch any of them.
 */

interface Key {
  part: string
  type: 'hash' | 'string' | 'zset' | 'set'
  holds: string
}

/** Keys there are many of: one for each `of`. */
const oneEach = {
  call: { part: 'call', of: 'request_id', type: 'hash', holds: 'the call itself' },
  lead: { part: 'lead', of: 'lead_id', type: 'string', holds: 'request_id of the call under way for that lead' },
  phone: { part: 'phone', of: 'E.164', type: 'string', holds: 'request_id of the call under way for that number' },
  line: {
    part: 'line',
    of: 'E.164',
    type: 'string',
    holds: 'request_id of the call that may be on the line to that number, or has just been',
  },
  call_id: {
    part: 'call-id',
    of: 'call_id',
    type: 'string',
    holds: 'request_id of a vendor’s call_id; with `taken` behind it, which outlives the call, once its completion was',
  },
  completion: {
    part: 'completion',
    of: 'call_id',
    type: 'string',
    holds: 'bytes of the completion, gzipped above 16 kB, until the CRM has the outcome',
  },
  siblings: {
    part: 'siblings',
    of: 'request_id',
    type: 'set',
    holds: 'request_ids of other leads with that call’s number: its outcome will be theirs',
  },
  attempts: {
    part: 'attempts',
    of: 'E.164',
    type: 'zset',
    holds: 'request_ids dialed to that number in the last 8 days, by ms',
  },
  stats: { part: 'stats', of: 'date', type: 'hash', holds: 'counters of one day (UTC)' },
  claim: {
    part: 'claim',
    of: 'instance',
    type: 'hash',
    holds: 'what one instance claimed last, so that a repeated claim gets the same answer',
  },
} as const satisfies Record<string, Key & { of: string }>

const onlyOne = {
  due_dial: { part: 'due:dial', type: 'zset', holds: 'queued calls by the ms they may be dialed at' },
  due_look: {
    part: 'due:look',
    type: 'zset',
    holds: 'dialing and pending calls by the ms somebody has to look after them',
  },
  due_deliver: { part: 'due:deliver', type: 'zset', holds: 'delivering calls by the ms of their next write' },
  pending: { part: 'pending', type: 'zset', holds: 'calls that hold a slot, by the ms they took it' },
  completed: { part: 'completed', type: 'zset', holds: 'calls the CRM has, by ms' },
  failed: { part: 'failed', type: 'zset', holds: 'dead letters by ms' },
  parked: { part: 'parked', type: 'zset', holds: 'call_ids of completions nobody knows, by ms' },
  dnc: { part: 'dnc', type: 'set', holds: 'numbers never to be dialed again' },
  control: {
    part: 'control',
    type: 'hash',
    holds: 'what all instances share: rates, dials so far, and why nobody is dialed',
  },
  epoch: {
    part: 'epoch',
    type: 'string',
    holds: 'identity of this store; gone or changed means the store was emptied',
  },
} as const satisfies Record<string, Key>

type Keys = { [K in keyof typeof oneEach]: (id: string) => string } & { [K in keyof typeof onlyOne]: string }

/** The keys of one deployment. */
export function keysOf(prefix: string): Keys {
  const each = Object.entries(oneEach).map(([name, { part }]) => [name, (id: string) => `${prefix}:${part}:${id}`])
  const only = Object.entries(onlyOne).map(([name, { part }]) => [name, `${prefix}:${part}`])
  return Object.fromEntries([...each, ...only]) as Keys
}

/** Every key of a deployment as people read of them; `key` shows `<...>` where an id stands. */
export function keyList(prefix: string): { key: string; type: Key['type']; holds: string }[] {
  const each = Object.values(oneEach).map(({ part, of, ...said }) => ({ key: `${prefix}:${part}:<${of}>`, ...said }))
  const only = Object.values(onlyOne).map(({ part, ...said }) => ({ key: `${prefix}:${part}`, ...said }))
  return [...each, ...only]
}

/** The same names as a Lua table `key`, for a script whose KEYS[1] is the prefix. */
export const luaKeys: string = [
  'local key = {',
  ...Object.entries(oneEach).map(
    ([name, { part }]) => `  ${name} = function(id) return KEYS[1] .. ':${part}:' .. id end,`,
  ),
  ...Object.entries(onlyOne).map(([name, { part }]) => `  ${name} = KEYS[1] .. ':${part}',`),
  '}',
].join('\n')
