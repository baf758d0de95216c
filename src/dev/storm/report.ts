import type { Line, Style } from '../screen.ts'
import { type Audit, takenOver } from './audit.ts'
import type { StormOptions } from './options.ts'
import type { Rules } from './rules.ts'
import { percentile } from './take-over.ts'
import { settingsOf } from './weather.ts'
import type { Witness } from './witness.ts'

const SHOWN = ['LEASE', 'CALL_DEADLINE_SECONDS', 'LINE_HOLD', 'LINE_HOLD_TRANSFERRED'] as const
const SHOWN_RATES = ['BLAND_MAX_CONCURRENT', 'BLAND_MAX_PER_SECOND', 'CONVOSO_MAX_RPS'] as const

/** The settings of a storm, in four lines. */
export function settingLines(options: StormOptions): Line[] {
  const settings = settingsOf(options)
  const { seed, leads, rate, instances, kills, redisKills, cuts } = options
  const say = (names: readonly (keyof typeof settings)[]) => names.map((name) => `${name} ${settings[name]}`).join(', ')
  return [
    [{ text: `${leads} leads, ${rate} a second, to ${instances} instances; seed ${seed}` }],
    [{ text: `kill -9: ${kills} × an instance, ${redisKills} × Redis; ${cuts} × answers of Redis cut off` }],
    [{ text: say(SHOWN), style: 'dim' }],
    [{ text: say(SHOWN_RATES), style: 'dim' }],
  ]
}

const seconds = (ms: number): string => (Number.isNaN(ms) ? '–' : `${(ms / 1000).toFixed(1)} s`)

/** Three columns, together 80 characters wide. */
const figure = (what: string, value: string | number, note = '', style?: Style): Line => [
  { text: what, width: 29 },
  { text: String(value), width: 7, right: true, style },
  { text: note && ` ${note}`, style: 'dim' },
]

/** A figure that has to be within bounds. */
const held = (what: string, value: string | number, isGood: boolean, note = ''): Line =>
  figure(what, value, note, isGood ? 'green' : 'red')

const none = (what: string, { length }: unknown[], note: string): Line => held(what, length, length === 0, note)

/** The table of figures. */
export function tableLines(found: Audit, { kills, tookMs }: Witness, rules: Rules): Line[] {
  const { counts, unconfirmed, extra, takeOver } = found
  const { cut, killed, forgotten } = unconfirmed
  const struck = kills.filter(({ hosts }) => hosts.length > 0).length
  const most = struck * rules.permits
  const inHand = takenOver(takeOver)
  const p99 = percentile(inHand, 0.99)
  const waited = takeOver.completions
  const extras = extra.killed + extra.unheard + extra.corrected + extra.unexplained.length
  return [
    figure('leads accepted', counts.accepted, `${counts.own} with a call of their own`),
    figure('dial requests', counts.dials, `${counts.placed} calls placed`),
    held('most calls live at once', found.live, found.live <= rules.concurrent, `of ${rules.concurrent} allowed`),
    none('double dials', found.doubled, 'of a request, a lead or a number'),
    none('lost', found.lost, 'leads or calls Convoso never heard of'),
    none('202s not honoured', found.broken, 'nothing came of that request_id'),
    none('wrong in Convoso', found.wrong, 'in the end'),
    figure('DIAL_UNCONFIRMED', cut.length + killed.length + forgotten.length),
    held(
      '  Bland was never asked',
      killed.length,
      killed.length <= most,
      `of ${most}: kills × ${rules.permits} permits`,
    ),
    figure('  Bland cut the dial', cut.length, 'before placing anything'),
    figure('  Bland forgot the call', forgotten.length),
    none('  before its line had ended', unconfirmed.early, ''),
    figure('NO_COMPLETION', found.noCompletion, 'Bland forgot the call'),
    figure('extra writes', extras, `of ${counts.writes}, with the same absolute values`),
    figure('  after a kill', extra.killed),
    figure('  after a lost answer', extra.unheard),
    figure('  corrections', extra.corrected, 'the completion came after all'),
    figure('  unexplained', extra.unexplained.length),
    figure('take-over p50', seconds(percentile(inHand, 0.5)), `of ${inHand.length} dials and writes cut by a kill`),
    held('take-over p99', seconds(p99), !(p99 > rules.takeOverMs), `at most ${seconds(rules.takeOverMs)}`),
    figure('  longest', seconds(inHand.at(-1) ?? NaN)),
    figure('completion to first write p50', seconds(percentile(waited, 0.5)), `of ${waited.length} that lay at a kill`),
    figure('  p99', seconds(percentile(waited, 0.99)), 'whichever instance had taken them'),
    figure('lasted', seconds(tookMs), `${struck} instances killed, Redis ${kills.length - struck} times`),
  ]
}
