import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { OUTCOMES } from '../../src/calls/call.ts'
import type { BlandLedger } from '../../src/dev/bland-simulator/entries.ts'
import type { ConvosoLedger } from '../../src/dev/convoso-simulator/entries.ts'
import { audit } from '../../src/dev/demo/audit.ts'
import { phoneOf, STORIES } from '../../src/dev/demo/stories.ts'
import { startInstance } from '../../src/dev/instance.ts'
import { createScreen, drawn, type Line } from '../../src/dev/screen.ts'

type Bland = BlandLedger['entries'][number]
type Convoso = ConvosoLedger['entries'][number]

/** What both would have seen of a warm transfer with a call log, and of a lead that was posted twice. */
function ledgers() {
  const stories = STORIES.filter(({ lead }) => ['Dora', 'Kai'].includes(lead.first_name))
  const [bland, convoso]: [Bland[], Convoso[]] = [[], []]
  const numbers: BlandLedger['numbers'] = {}
  const stamp = () => ({ n: bland.length + convoso.length, at_ms: 1000 + 10 * (bland.length + convoso.length) })
  for (const story of stories) {
    const { lead_id, call_log_id = null } = story.lead
    const phone_number = phoneOf(story)
    const about = { attempt: 1, phone_number, lead_id }
    const call_id = `call of ${lead_id}`
    const sent = { what: 'sent', url: '', encoding: 'json', lead: story.lead, status: 202, error: null } as const
    convoso.push({ ...sent, ...stamp(), body: { success: true }, took_ms: 5 })
    if (story.again) convoso.push({ ...sent, ...stamp(), body: { duplicate: true }, took_ms: 5 })
    bland.push({ what: 'dial', ...about, ...stamp(), host: '', body: {} })
    bland.push({ what: 'placed', ...stamp(), call_id, phone_number, lead_id, scene: 'BUSY', forgotten: false })
    bland.push({ what: 'answer', ...about, ...stamp(), call_id, status: 200, body: {} })
    numbers[phone_number] = { placed: 1, overlaps: 0, last_placed_ms: 0 }
    const mail = { copy: 1, attempt: 1, url: '', bytes: 1, sha256: '', signature: null, error: null, took_ms: 4 }
    bland.push({ what: 'mail', kind: 'completion', call_id, lead_id, ...mail, ...stamp(), status: 200 })
    const write = { what: 'write', method: 'POST', fault: null, host: '', came_ms: 0 } as const
    const params = { status: story.expect.status ?? '', call_transcript: `Call Outcome: ${story.expect.outcome}\n` }
    convoso.push({ ...write, ...stamp(), endpoint: 'leads/update', lead_id, call_log_id: null, params })
    if (call_log_id)
      convoso.push({ ...write, ...stamp(), endpoint: 'log/update', lead_id: null, call_log_id, params: {} })
  }
  const sums = { requests: 0, peak_rps: 0, violations: 0, leads: {}, call_logs: {} }
  const faults = () =>
    audit(
      stories,
      { live: 0, max_live: 1, placed: 2, numbers, entries: bland },
      { ...sums, entries: convoso },
    ).checks.flatMap((check) => check.faults)
  return { stories, bland, convoso, numbers, faults, stamp }
}
const at = <E extends { what: string }>(entries: E[], what: string, skip = 0) =>
  entries.filter((entry) => entry.what === what)[skip] as E & Record<string, never>

t.test('the stories end in every outcome, on numbers that ring nobody, and fit their column', async (t) => {
  for (const outcome of OUTCOMES)
    t.ok(
      STORIES.some(({ expect }) => expect.outcome === outcome),
      outcome,
    )
  for (const story of STORIES) {
    t.match(phoneOf(story), /^\+121255501\d\d$/)
    t.ok(story.tale.length <= 29, story.tale)
  }
  t.equal(new Set(STORIES.map(({ lead }) => lead.lead_id)).size, STORIES.length)
})

t.test('the audit finds nothing where nothing is wrong, and everything that is', async (t) => {
  const good = ledgers()
  t.same(good.faults(), [])

  type Ledgers = ReturnType<typeof ledgers>
  const doctored: [string, (l: Ledgers) => unknown, RegExp][] = [
    ['a second dial', ({ bland }) => bland.push({ ...at(bland, 'answer') }), /4004 Dora: dials expected "200"/],
    ['a second call', ({ bland }) => bland.push({ ...at(bland, 'placed') }), /4004 Dora: rang expected 1, found 2/],
    ['a number rung twice', ({ numbers }) => Object.assign(Object.values(numbers)[0] ?? {}, { placed: 2 }), /rang 2/],
    ['an outcome written twice', ({ convoso }) => convoso.push({ ...at(convoso, 'write') }), /written expected 1/],
    ['an outcome never written', ({ convoso }) => convoso.splice(convoso.indexOf(at(convoso, 'write')), 1), /found 0/],
    [
      'a wrong status',
      ({ convoso }) => Object.assign(at(convoso, 'write').params, { status: 'NEW' }),
      /status expected "ACA", found "NEW"/,
    ],
    ['a call log left out', ({ convoso }) => convoso.splice(convoso.indexOf(at(convoso, 'write', 1)), 1), /logs/],
    [
      'a duplicate that was none',
      ({ convoso }) => Object.assign(at(convoso, 'sent', 2), { body: { success: true } }),
      /4011 Kai: duplicate expected true, found false/,
    ],
    [
      'a stranger on the phone',
      ({ bland, stamp }) => bland.push({ ...at(bland, 'dial'), ...stamp(), phone_number: '+12125550198' } as Bland),
      /a dial to \+12125550198/,
    ],
    [
      'a stranger in Convoso',
      ({ convoso }) => convoso.push({ ...at(convoso, 'write'), lead_id: '9' } as Convoso),
      /a write to leads\/update of 9/,
    ],
    [
      'bad manners',
      ({ convoso, stamp }) =>
        convoso.push({
          ...{ what: 'violation', endpoint: 'leads/update', lead_id: '4004', rule: 'blank', field: 'notes' },
          ...stamp(),
        } as Convoso),
      /leads\/update of 4004: blank notes/,
    ],
  ]
  for (const [what, doctor, fault] of doctored) {
    const bad = ledgers()
    doctor(bad)
    t.match(bad.faults().join('\n'), fault, what)
  }
})

t.test('a terminal is drawn on in place; elsewhere there are no control codes', async (t) => {
  const lines: Line[] = [[{ text: '4001', width: 4, style: 'green' }, { text: 'a long text' }], [{ text: 'x' }]]
  const written: string[] = []
  const write = (text: string) => written.push(text)

  const terminal = createScreen({ write, isTTY: true, columns: 12, rows: 24 }, {})
  terminal.draw(lines)
  t.match(written.join(''), '\x1b[32m4001\x1b[0m a lon…\x1b[K\n', 'cut to one column less than there are')
  terminal.draw(lines)
  t.equal(written.length, 1, 'what has not changed is not written again')
  terminal.draw([...lines.slice(1), ...lines.slice(1)])
  t.match(written[1], '\x1b[2A\r', 'goes up as many lines as it drew')

  written.length = 0
  for (const screen of [createScreen({ write }, {}), createScreen({ write, isTTY: true }, { TERM: 'dumb' })]) {
    screen.draw(lines)
    screen.say(...lines)
    screen.end()
  }
  createScreen({ write, isTTY: true }, { NO_COLOR: '1' }).say(...lines)
  t.equal(written.join(''), '4001 a long text\nx\n'.repeat(3))
  t.equal(drawn([{ text: 'a', width: 3, right: true }, { text: 'b' }], 80, false), '  a b')
})

t.test('an instance runs until it is stopped, and one that does not start says why', async (t) => {
  const dir = t.testdir({ 'good.mjs': '', 'bad.mjs': "console.log('PORT is wrong'); process.exit(1)" })
  writeFileSync(
    join(dir, 'good.mjs'),
    `console.log('listening at http://127.0.0.1:4321', process.env.ONLY); setInterval(() => {}, 1000)`,
  )
  const run = join(dir, 'run')
  t.teardown(() => rmSync(run, { recursive: true, force: true }))
  const good = await startInstance({ entry: join(dir, 'good.mjs'), dir: join(run, 'a'), env: { ONLY: 'this' } })
  t.equal(good.port, 4321)
  t.ok(good.alive())
  t.match(await good.tail(1), '4321 this')
  await good.stop()
  t.notOk(good.alive())
  t.throws(() => process.kill(good.pid, 0), { code: 'ESRCH' })

  const bad = startInstance({ entry: join(dir, 'bad.mjs'), dir: join(run, 'b'), env: {} })
  await t.rejects(bad, /PORT is wrong/)
})
