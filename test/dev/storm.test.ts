import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type Audit, audit } from '../../src/dev/storm/audit.ts'
import { readOptions } from '../../src/dev/storm/options.ts'
import { planOf } from '../../src/dev/storm/plan.ts'
import { FULL } from '../full.ts'
import { ledgers, RULES } from './storm-ledgers.ts'

/** Another storm with every change of it; printed, so that it can be had again. */
const SEED = 1

type Ledgers = ReturnType<typeof ledgers>

/** All that a storm may bring and that is as it should be, ending at about 200,000 ms. */
function calm(): Ledgers {
  const book = ledgers()
  book.whole('1', 1000, 'VOICEMAIL', 'VOICEMAIL A')
  book.whole('2', 1000, 'COLD_TRANSFER', 'TRANSFERRED ACA')
  // Its 202 was lost, and it was posted again while its call was under way.
  book.dialed('3', 1000, 'r3', { scene: 'BUSY', answer: 500 })
  book.posted('3', 1500, { request_id: 'r3', duplicate: true })
  book.ended('r3', 2000, null)
  book.written('3', 3000, 'BUSY B', { of: 'r3' })
  // Clearly nobody was rung at first.
  book.posted('4', 1000, { request_id: 'r4' })
  book.dialed('4', 1010, 'r4', { answer: 429 })
  book.dialed('4', 6010, 'r4', { scene: 'DO_NOT_CALL' })
  book.ended('r4', 7000)
  book.written('4', 7100, 'DO_NOT_CALL DNC', { of: 'r4' })
  // Cut before anything was placed; killed before Bland was asked; forgotten by Bland.
  book.posted('5', 1000, { request_id: 'r5' })
  book.dialed('5', 1010, 'r5', { answer: 'dropped' })
  book.written('5', 62_000, 'DIAL_UNCONFIRMED N')
  book.posted('6', 9900, { request_id: 'r6' })
  book.killed(10_000)
  book.looked('6', 25_000)
  book.written('6', 71_000, 'DIAL_UNCONFIRMED N')
  book.posted('7', 1000, { request_id: 'r7' })
  book.dialed('7', 1010, 'r7', { scene: 'ANSWERED', forgotten: true })
  book.ended('r7', 2000, null)
  book.written('7', 150_000, 'NO_COMPLETION INCOMP', { of: 'r7' })
  // The same number under another lead_id: while it is called, after it rested, and after it asked for no more calls.
  book.posted('8', 1500, { request_id: 'r1', duplicate: true }, { phone: '1' })
  book.posted('9', 8000, { request_id: 'r9' }, { phone: '1' })
  book.dialed('9', 8010, 'r9', { phone: '1', scene: 'NO_ANSWER' })
  book.ended('r9', 9000)
  book.written('9', 9100, 'NO_ANSWER NA', { of: 'r9' })
  book.posted('10', 9000, { request_id: 'r10', state: 'refused' }, { phone: '4' })
  book.written('10', 9100, 'REFUSED DNC')
  // A lead that comes again after Convoso heard of it is called again.
  book.whole('2', 30_000, 'NOT_INTERESTED', 'NOT_INTERESTED NI', 'r2 again')
  book.posted('11', 1000, { request_id: 'r11' }, { log: '77' })
  book.dialed('11', 1010, 'r11', { scene: 'CANCELED' })
  book.ended('r11', 2000)
  book.written('11', 2100, 'CANCELED N', { of: 'r11' })
  book.logged('77', 2200)
  // Its 202 was lost, and its dialer was killed before Bland was asked.
  // It came again, and of that posting's 202 only a "duplicate" is known.
  book.posted('9', 39_000, { request_id: 'r9 again', duplicate: true }, { phone: '1' })
  book.dialed('9', 39_010, 'r9 again', { phone: '1', scene: 'BUSY' })
  book.ended('r9 again', 40_000)
  book.written('9', 40_100, 'BUSY B', { of: 'r9 again' })
  book.posted('12', 9990, { request_id: 'r12', duplicate: true })
  book.written('12', 72_000, 'DIAL_UNCONFIRMED N')
  return book
}

const told = ({ faults, others }: Audit) => [...faults.map(({ leadId, fault }) => `${leadId} ${fault}`), ...others]

t.test('the auditor finds nothing where nothing is wrong', async (t) => {
  const found = audit(calm().witness(), RULES)
  t.same(told(found), [])
  t.match(found.counts, { accepted: 12, own: 11, dials: 11, placed: 9 })
  t.match(found.unconfirmed, { cut: ['5'], killed: ['6', '12'], forgotten: [] })
  t.equal(found.noCompletion, 1)
})

t.test('the auditor sees every kind of fault', async (t) => {
  const doctored: [string, (book: Ledgers) => unknown, RegExp][] = [
    [
      'a dial after a lost answer',
      (book) => book.dialed('5', 20_000, 'r5', { answer: 'dropped' }),
      /^5 r5 was dialed again: dropped, dropped$/,
    ],
    [
      'a second request for a lead whose first is not written',
      (book) => {
        book.posted('22', 1000, { request_id: 'r22' })
        book.whole('22', 1500, 'BUSY', 'BUSY B', 'r22 again')
        book.dialed('22', 1600, 'r22', { scene: 'BUSY' })
        book.written('22', 5000, 'BUSY B', { of: 'r22' })
      },
      /^22 placed again as r22 again$/,
    ],
    [
      'a number that rings during a call to it',
      (book) => {
        book.posted('20', 8400, { request_id: 'r20' }, { phone: '1' })
        book.dialed('20', 8500, 'r20', { phone: '1', scene: 'BUSY' })
      },
      /^20 its number rang during a call to it for lead 9$/,
    ],
    [
      'a number that does not rest after a transfer',
      (book) => {
        book.whole('13', 1000, 'TRANSFERRED', 'TRANSFERRED ACA')
        again(book, '14', '13', 11_000)
      },
      /^14 its number rang 9\d\d\d ms after one for lead 13$/,
    ],
    [
      'a lead Convoso never heard of',
      (book) => book.posted('15', 1000, { request_id: 'r15' }),
      /^15 has no outcome in Convoso$/,
    ],
    [
      'a write that was refused and never repeated',
      (book) => {
        book.posted('16', 1000, { request_id: 'r16' })
        book.written('16', 2000, 'DIAL_UNCONFIRMED N', { refused: 'html' })
      },
      /^16 has no outcome in Convoso$/,
    ],
    [
      'a call Convoso never heard of, of a lead it did hear of',
      (book) => again(book, '11', '11', 40_000),
      /^11 of its call r11 again's call Convoso never heard$/,
    ],
    [
      'a call log that was never written',
      (book) => book.posted('1', 1500, { request_id: 'r1', duplicate: true }, { log: '78' }),
      /^1 call log 78 was never written$/,
    ],
    [
      'a 202 that nothing came of',
      (book) => book.posted('1', 60_000, { request_id: 'r1 again' }),
      /^1 r1 again was promised, and nothing came of it$/,
    ],
    [
      'a lead whose 202 was lost, called a duplicate of a call that is nobody’s',
      (book) => book.posted('21', 1500, { request_id: 'r21', duplicate: true }),
      /^21 has no outcome in Convoso$/,
    ],
    [
      'another outcome',
      (book) => book.written('1', 3000, 'UNKNOWN N', { of: 'r1' }),
      /^1 is UNKNOWN N, not VOICEMAIL A: its completion was taken$/,
    ],
    ['another status', (book) => book.written('1', 3000, 'VOICEMAIL AM', { of: 'r1' }), /^1 is VOICEMAIL AM, not/],
    [
      'no completion, though Bland had the record',
      (book) => book.written('3', 300_000, 'NO_COMPLETION INCOMP', { of: 'r3' }),
      /^3 is NO_COMPLETION INCOMP, not BUSY B: Bland had its record$/,
    ],
    [
      'an outcome for a dial that placed nothing',
      (book) => book.written('5', 63_000, 'ANSWERED CD'),
      /^5 is ANSWERED CD, not DIAL_UNCONFIRMED N: its dial was cut, and nothing placed$/,
    ],
    [
      'unconfirmed while its call could still be on the line',
      (book) => {
        book.posted('17', 1000, { request_id: 'r17' })
        book.dialed('17', 1010, 'r17', { answer: 'dropped' })
        book.written('17', 50_000, 'DIAL_UNCONFIRMED N')
      },
      /^17 unconfirmed after 48990 ms already$/,
    ],
    [
      'more unconfirmed dials than the kills had permits',
      (book) => {
        book.posted('18', 1000, { request_id: 'r18' })
        book.written('18', 62_000, 'DIAL_UNCONFIRMED N')
      },
      /^3 dials unconfirmed by 1 kills$/,
    ],
    ['too many calls at once', (book) => Object.assign(book.counts, { max_live: 11 }), /^11 calls were live at once$/],
    ['bad manners', (book) => Object.assign(book.sums, { violations: 2 }), /^2 requests Convoso would mind$/],
    ['an instance that died by itself', (book) => book.fallen.push('Instance 1 ended by itself'), /^Instance 1 ended/],
    [
      'a take-over that took too long',
      (book) => {
        book.whole('19', 8000, 'BUSY', 'BUSY B')
        book.written('19', 12_000, 'BUSY B', { of: 'r19', came: 9500, refused: 'slow' })
        book.written('19', 30_001, 'BUSY B', { of: 'r19' })
      },
      /^the take-over took 20001 ms \(p99\)$/,
    ],
  ]
  for (const [what, doctor, fault] of doctored) {
    const book = calm()
    doctor(book)
    const found = told(audit(book.witness(), RULES))
    t.ok(
      found.some((each) => fault.test(each)),
      `${what}: ${found.join('; ')}`,
    )
  }
})

/** Another call to the number of a lead. */
function again(book: Ledgers, lead: string, phone: string, at: number) {
  const request = `r${lead} again`
  book.posted(lead, at, { request_id: request }, { phone })
  book.dialed(lead, at + 10, request, { phone, scene: 'BUSY' })
  book.ended(request, at + 500)
  book.written(lead, at + 600, 'BUSY B', lead === phone ? {} : { of: request })
}

t.test('extra writes are told apart, and take-overs measured', async (t) => {
  const book = ledgers()
  book.whole('1', 1000, 'BUSY', 'BUSY B')
  book.written('1', 2500, 'BUSY B', { of: 'r1' })
  book.whole('2', 1000, 'BUSY', 'BUSY B')
  book.written('2', 9000, 'BUSY B', { of: 'r2', fault: 'reset_after' })
  book.written('2', 10_000, 'BUSY B', { of: 'r2' })
  book.posted('3', 1000, { request_id: 'r3' })
  book.written('3', 62_000, 'DIAL_UNCONFIRMED N')
  book.dialed('3', 1010, 'r3', { scene: 'BUSY', answer: 'dropped' })
  book.ended('r3', 70_000)
  book.written('3', 71_000, 'BUSY B', { of: 'r3' })
  // Under way at the kill at 100,000: a write, and a dial; a completion that was acknowledged and not written.
  book.whole('4', 98_000, 'BUSY', 'BUSY B')
  book.written('4', 100_500, 'BUSY B', { of: 'r4', came: 99_900 })
  book.written('4', 115_000, 'BUSY B', { of: 'r4' })
  book.posted('5', 99_000, { request_id: 'r5' })
  book.dialed('5', 99_950, 'r5', { scene: 'BUSY' })
  book.looked('5', 113_000)
  book.ended('r5', 116_000)
  book.written('5', 116_100, 'BUSY B', { of: 'r5' })
  book.posted('6', 98_000, { request_id: 'r6' })
  book.dialed('6', 98_010, 'r6', { scene: 'BUSY' })
  book.ended('r6', 99_980)
  book.written('6', 114_000, 'BUSY B', { of: 'r6' })
  book.killed(100_000)
  const { extra, takeOver } = audit(book.witness(), RULES)
  t.same(extra, {
    killed: 2,
    unheard: 1,
    corrected: 1,
    unexplained: [
      { leadId: '1', atMs: 2500 },
      { leadId: '2', atMs: 9000 },
    ],
  })
  t.same(takeOver, { writes: [15_000], dials: [13_000], completions: [14_000] })
})

t.test('the seed decides', async (t) => {
  const options = readOptions(['--leads', '50', '--kills', '4', '--redis-kills', '1', '--siblings', '0.2'])
  const plan = planOf(options)
  t.same(plan, planOf(options))
  t.notSame(plan, planOf({ ...options, seed: 2 }))
  const blows = (name: string) => plan.blows.filter(({ what }) => what === name).length
  t.same(['instance', 'redis', 'cut'].map(blows), [4, 1, 30])
  const numbers = new Set(plan.sendings.map(({ lead }) => lead.phone_number))
  t.ok(numbers.size < 50 && numbers.size > 30, `${numbers.size} numbers`)
  t.throws(() => readOptions(['--leads', 'many']), /--leads must be a number/)
  t.throws(() => readOptions(['--leeds', '1']), /leeds/)
})

const root = fileURLToPath(new URL('../../', import.meta.url))
/** A short storm: twice as many leads a second, and a tenth of every wait. */
const SHORT = ['--instances', '2', '--rate', '40', '--lease', '1', '--deadline', '6']

t.test('a storm over the service as it is built', { timeout: 300_000 }, async (t) => {
  t.jobs = 2
  execFileSync(process.execPath, ['src/dev/build.mjs'], { cwd: root })
  const storm = (args: string[], env = {}) =>
    spawn(process.execPath, ['dist/dev/storm.js', ...SHORT, ...args], {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })

  await t.test('ends with nothing doubled, lost or wrong', { buffered: true }, async (t) => {
    const [leads, kills, cuts] = FULL ? ['1500', '12', '40'] : ['300', '3', '8']
    const child = storm([
      '--leads',
      leads,
      '--kills',
      kills,
      '--redis-kills',
      '1',
      '--cuts',
      cuts,
      '--seed',
      String(SEED),
    ])
    t.teardown(() => child.kill('SIGKILL'))
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    const [code] = await once(child, 'close')
    t.equal(code, 0, out)
    t.match(out, `seed ${SEED}`)
    t.match(out, new RegExp(`leads accepted +${leads} `))
    t.ok(
      out.split('\n').every((line) => line.length <= 80),
      'fits a terminal',
    )
  })

  await t.test('interrupted, it leaves nothing behind', { buffered: true }, async (t) => {
    const TMPDIR = t.testdir()
    const child = storm(['--leads', '100', '--kills', '0', '--redis-kills', '0', '--cuts', '0'], { TMPDIR })
    t.teardown(() => child.kill('SIGKILL'))
    const found = (name: RegExp) =>
      readdirSync(TMPDIR, { recursive: true, encoding: 'utf8' }).filter((each) => name.test(each))
    const up = () => found(/log$/).filter((log) => readFileSync(join(TMPDIR, log), 'utf8').includes('lead taken in'))
    while (up().length < 2) {
      if (child.exitCode !== null) throw new Error('the storm ended by itself')
      await delay(20)
    }
    const keeper = Number(readFileSync(join(TMPDIR, found(/keeper\.pid$/)[0] ?? ''), 'utf8'))
    const pids = up().map(
      (log) => JSON.parse(readFileSync(join(TMPDIR, log), 'utf8').split('\n')[0] ?? '').pid as number,
    )
    child.kill('SIGINT')
    t.same(await once(child, 'close'), [130, null])
    t.same(readdirSync(TMPDIR), [])
    for (const pid of [keeper, ...pids]) t.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
  })
})
