import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createEnding } from './ending.ts'
import { createScreen, type Line } from './screen.ts'
import { type Audit, audit } from './storm/audit.ts'
import { blow } from './storm/blow.ts'
import { factsOf } from './storm/facts.ts'
import { readOptions, type StormOptions } from './storm/options.ts'
import { settingLines, tableLines } from './storm/report.ts'
import { rulesOf } from './storm/rules.ts'
import { setStage } from './storm/stage.ts'
import type { Witness } from './storm/witness.ts'

/*
 * `npm run storm -- --leads 3000 --instances 3 --kills 15 --redis-kills 2 --seed 1`: the service as production runs it,
 * between a Bland and a Convoso with all their faults, while instances and Redis are killed. Exits 0 when nothing was
 * doubled, lost or wrong by what both vendors saw, and leaves nothing running.
 */
const MOST_SHOWN = 10

const screen = createScreen(process.stdout, process.env)
const ending = createEnding()
const cut = new AbortController()

const code = await Promise.race([ending.asked, perform()])
cut.abort()
screen.end()
await ending.strike()
process.exit(code)

/** The whole storm; resolves with its exit code and never rejects. */
async function perform(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2))
    screen.say([{ text: 'AWH Outbound Orchestrator, in a storm', style: 'bold' }], ...settingLines(options), [])
    const witness = await watch(options)
    // With the logs, so that whoever looks for a cause can audit them again.
    if (options.logs !== undefined) await writeFile(join(options.logs, 'witness.json'), JSON.stringify(witness))
    return tell(options, witness)
  } catch (error) {
    if (ending.isAsked) return 1
    screen.end()
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

async function watch(options: StormOptions): Promise<Witness> {
  screen.draw([[{ text: 'Starting Redis, two simulators and the instances …', style: 'dim' }]])
  const stage = await setStage(options, ending.onClose, (text) => screen.say([{ text, style: 'dim' }]))
  const startedMs = performance.now()
  const { signal } = cut
  return blow(options, {
    stage,
    signal,
    onLook({ accepted, placed, written, kills }) {
      const elapsed = `${Math.round((performance.now() - startedMs) / 1000)} s`
      screen.draw([
        [{ text: `${elapsed}: ${accepted} accepted, ${placed} placed, ${written} written; ${kills} kills` }],
      ])
    },
  })
}

function tell(options: StormOptions, witness: Witness): number {
  const rules = rulesOf(options)
  const found = audit(witness, rules)
  const failed = found.faults.length + found.others.length > 0
  screen.say(...tableLines(found, witness, rules), [])
  if (!failed) screen.say([{ text: 'Nothing doubled, nothing lost, nothing wrong.', style: 'green' }])
  else screen.say(...faultLines(found, witness.startedMs))
  return failed ? 1 : 0
}

function faultLines({ faults, others, book }: Audit, startedMs: number): Line[] {
  const leadIds = [...new Set(faults.map(({ leadId }) => leadId))]
  const about = (leadId: string): Line[] => {
    const lead = book.leads.find((each) => each.leadId === leadId)
    const mine = faults.filter((each) => each.leadId === leadId)
    return [
      ...mine.map(({ fault }): Line => [{ text: `Lead ${leadId} ${fault}`, style: 'red' }]),
      ...(lead ? factsOf(lead, startedMs) : []).map((text): Line => [{ text, style: 'dim' }]),
    ]
  }
  const more = leadIds.length - MOST_SHOWN
  return [
    ...others.map((text): Line => [{ text, style: 'red' }]),
    ...leadIds.slice(0, MOST_SHOWN).flatMap(about),
    ...(more > 0 ? [[{ text: `and ${more} more: ${leadIds.slice(MOST_SHOWN).join(' ')}` }]] : []),
  ]
}
