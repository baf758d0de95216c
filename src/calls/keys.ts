/*
 * Every key, named once: for TypeScript here, and for the Lua scripts through `luaKeys`.
 * The prefix is a hash tag, so all keys of a deployment share one cluster slot and a script may touch any of them.
 */

const oneEach = {
  /** hash: the call itself */
  call: 'call',
  /** string: request_id of the call under way for that lead */
  lead: 'lead',
  /** string: request_id of the call under way for that number */
  phone: 'phone',
  /** string: request_id of the call that may be on the line to that number, or has just been */
  line: 'line',
  /** string: request_id of a vendor's call_id; outlives the call, as the mark that its completion was taken */
  call_id: 'call-id',
  /** string: bytes of the completion of a call_id, gzipped above 16 kB, until the CRM has the outcome */
  completion: 'completion',
  /** zset: request_ids dialed to that number in the last 8 days, by ms */
  attempts: 'attempts',
  /** hash: counters of one day (UTC) */
  stats: 'stats',
  /** string: what one instance claimed last, so that a repeated claim gets the same answer */
  claim: 'claim',
} as const

const onlyOne = {
  /** zset: queued calls by the ms they may be dialed at */
  due_dial: 'due:dial',
  /** zset: dialing and pending calls by the ms somebody has to look after them */
  due_look: 'due:look',
  /** zset: delivering calls by the ms of their next write */
  due_deliver: 'due:deliver',
  /** zset: calls that hold a slot, by the ms they took it */
  pending: 'pending',
  /** zset: calls the CRM has, by ms */
  completed: 'completed',
  /** zset: dead letters by ms */
  failed: 'failed',
  /** zset: call_ids of completions nobody knows, by ms */
  parked: 'parked',
  /** set: numbers never to be dialed again */
  dnc: 'dnc',
  /** hash: what all instances share: rates, and why dialing rests */
  control: 'control',
  /** string: identity of this store; gone or changed means the store was emptied */
  epoch: 'epoch',
} as const

type Keys = { [K in keyof typeof oneEach]: (id: string) => string } & { [K in keyof typeof onlyOne]: string }

/** The keys of one deployment. */
export function keysOf(prefix: string): Keys {
  const each = Object.entries(oneEach).map(([name, part]) => [name, (id: string) => `${prefix}:${part}:${id}`])
  const only = Object.entries(onlyOne).map(([name, part]) => [name, `${prefix}:${part}`])
  return Object.fromEntries([...each, ...only]) as Keys
}

/** The same names as a Lua table `key`, for a script whose KEYS[1] is the prefix. */
export const luaKeys: string = [
  'local key = {',
  ...Object.entries(oneEach).map(([name, part]) => `  ${name} = function(id) return KEYS[1] .. ':${part}:' .. id end,`),
  ...Object.entries(onlyOne).map(([name, part]) => `  ${name} = KEYS[1] .. ':${part}',`),
  '}',
].join('\n')
