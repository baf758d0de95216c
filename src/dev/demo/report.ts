import type { BlandLedger } from '../bland-simulator/entries.ts'
import type { ConvosoLedger } from '../convoso-simulator/entries.ts'
import type { Cell, Line } from '../screen.ts'
import type { Audit } from './audit.ts'
import { entriesOf } from './facts.ts'
import type { Stage } from './stage.ts'
import type { Story } from './stories.ts'

const ms = (value: number | null): string => (value === null ? '–' : `${value} ms`)

const row = (id: string, name: string, tale: string, outcome: Cell, status: string, dial: string, write: string) => [
  { text: id, width: 4, style: 'dim' } as Cell,
  { text: name, width: 4 },
  { text: tale, width: 29 },
  { width: 16, ...outcome },
  { text: status, width: 6 },
  { text: dial, width: 6, right: true },
  { text: write, width: 7, right: true },
]

/**
 * Every lead with its outcome as Convoso has it, how long after its posting Bland was asked, and how long after the
 * completion was posted Convoso had the outcome.
 */
export function tableLines(stories: readonly Story[], { facts }: Audit): Line[] {
  const head = row('lead', '', 'what happens', { text: 'outcome' }, 'status', 'dial', 'Convoso')
  return [
    head.map((cell) => ({ ...cell, style: 'bold' as const })),
    ...stories.map(({ lead, tale, expect }) => {
      const found = facts.get(lead.lead_id)
      const style = found?.outcome === expect.outcome && found?.status === expect.status ? 'green' : 'red'
      const outcome: Cell = { text: found?.outcome || 'none', style }
      const times = [ms(found?.dialMs ?? null), ms(found?.writeMs ?? null)] as const
      return row(lead.lead_id, lead.first_name, tale, outcome, found?.status ?? '', ...times)
    }),
    [{ text: 'dial: lead posted to Bland asked; Convoso: completion posted to outcome taken', style: 'dim' }],
  ]
}

/** The audit's answers, after the sums of what it read. */
export function auditLines({ checks }: Audit, bland: BlandLedger, convoso: ConvosoLedger): Line[] {
  const writes = entriesOf(convoso.entries, 'write')
  const logs = writes.filter(({ endpoint }) => endpoint === 'log/update').length
  const dials = entriesOf(bland.entries, 'dial').length
  const wrong = checks.flatMap(({ faults }) => faults).length
  return [
    [{ text: 'Audit, from what Bland and Convoso saw', style: 'bold' }],
    [
      {
        text: `${dials} dial requests, ${bland.placed} calls; ${writes.length - logs} outcomes and ${logs} call logs written`,
        style: 'dim',
      },
    ],
    ...checks.flatMap(({ question, faults }): Line[] => [
      [
        faults.length ? { text: 'no', width: 3, right: true, style: 'red' } : { text: 'yes', width: 3, style: 'green' },
        { text: question },
      ],
      ...faults.map((text): Line => [{ text: '', width: 3 }, { text: `  ${text}` }]),
    ]),
    wrong === 0
      ? [{ text: 'Every lead ended as it should.', style: 'green' }]
      : [{ text: `Not as it should be: ${wrong} found above.`, style: 'red' }],
  ]
}

const note = (what: string, text: string): Line => [{ text: what, width: 10, style: 'dim' }, { text }]

/** How to look inside the store, at one call among others. */
export function insideLines(requestId = '<request_id>'): Line[] {
  const ask = (what: string, command: string) => note(what, `redis-cli -u "$REDIS_URL" ${command}`)
  return [
    [{ text: 'Look inside', style: 'bold' }],
    ask('one call', `hgetall '{awh}:call:${requestId}'`),
    ask('to dial', "zrange '{awh}:due:dial' 0 -1 withscores"),
    ask('to look at', "zrange '{awh}:due:look' 0 -1 withscores"),
    ask('to write', "zrange '{awh}:due:deliver' 0 -1 withscores"),
    ask('on a line', "zrange '{awh}:pending' 0 -1 withscores"),
    ask('failed', "zrange '{awh}:failed' 0 -1 withscores"),
    ask('no calls', "smembers '{awh}:dnc'"),
  ]
}

/** Where everything is, for as long as it is kept up. `cli` is what to type for redis-cli. */
export function keptLines(stage: Stage, cli: string): Line[] {
  const { url, leadSecret, adminToken, redis, bland, convoso, instances } = stage
  const lead = '{"lead_id":"5001","list_id":"333","phone_number":"(212) 555-0199","first_name":"Uma"}'
  const secret = `-H 'x-webhook-secret: ${leadSecret}'`
  return [
    [{ text: 'Kept up until Ctrl-C', style: 'bold' }],
    note('a lead', `curl ${url}/webhooks/awhealth-outbound ${secret} -H 'content-type: application/json' -d '${lead}'`),
    note('calls', `curl ${url}/calls?state=completed -H 'authorization: Bearer ${adminToken}'`),
    note('Bland', `curl ${bland.url}/__ledger`),
    note('Convoso', `curl ${convoso.url}/__ledger`),
    ...instances.map(({ log, port, pid }, i) => note(`log ${i + 1}`, `${log} (process ${pid}, port ${port})`)),
    // redis-cli takes no URL without a user.
    note('Redis', `export REDIS_URL=${redis.url.replace('://:', '://default:')}`),
    ...(cli === 'redis-cli' ? [] : [note('', `alias redis-cli='${cli}'`)]),
  ]
}
