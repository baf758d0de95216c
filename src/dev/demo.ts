import { audit } from './demo/audit.ts'
import { redisCli } from './demo/redis-cli.ts'
import { auditLines, insideLines, keptLines, tableLines } from './demo/report.ts'
import { show } from './demo/show.ts'
import { type Stage, setStage } from './demo/stage.ts'
import { STORIES } from './demo/stories.ts'
import { createEnding } from './ending.ts'
import { createScreen } from './screen.ts'

/*
 * `npm run demo`: two instances of the service as production runs it, between a Bland and a Convoso that call nobody.
 * Exits 0 when every lead ended as it should, and leaves nothing running. `--keep` leaves it up until Ctrl-C.
 */
const KEEP = process.argv.includes('--keep')
const LOG_LINES = 12

const screen = createScreen(process.stdout, process.env)
const ending = createEnding()
const stage = setStage(ending.onClose, (text) => screen.say([{ text, style: 'dim' }]))

const code = await Promise.race([ending.asked, perform()])
screen.end()
await ending.strike()
process.exit(code)

/** The whole demo; resolves with its exit code and never rejects. */
async function perform(): Promise<number> {
  try {
    screen.say([{ text: 'AWH Outbound Orchestrator', style: 'bold' }])
    screen.draw([[{ text: 'Starting Redis, two simulators and two instances …', style: 'dim' }]])
    const set = await stage
    return await tell(set)
  } catch (error) {
    if (ending.isAsked) return 1
    screen.end()
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    return 1
  }
}

async function tell(stage: Stage): Promise<number> {
  const { bland, convoso, instances } = stage
  screen.say(
    [{ text: `${STORIES.length} leads, two instances behind ${stage.url}, one Redis.` }],
    [{ text: 'Bland and Convoso are simulated: nobody is called.' }],
    [],
  )
  const watch = await show(STORIES, { stage, screen, onClose: ending.onClose })
  if (ending.isAsked) return 1
  const ledgers = [bland.ledger(), convoso.ledger()] as const
  const found = audit(STORIES, ...ledgers)
  const fallen = instances.filter(({ alive }) => !alive()).map(({ pid }) => `instance ${pid} ended by itself`)
  found.checks.push({ question: 'both instances lived to the end', faults: fallen })
  const wrong = found.checks.flatMap(({ faults }) => faults).length

  screen.say(...tableLines(STORIES, found), [], ...auditLines(found, ...ledgers), [])
  if (wrong > 0) {
    for (const { pid, tail } of instances) {
      screen.say([{ text: `Instance ${pid}, last lines`, style: 'bold' }], [{ text: await tail(LOG_LINES) }], [])
    }
  }
  if (KEEP) {
    screen.say(...keptLines(stage, await redisCli(process.env)), [])
    screen.say(...insideLines(watch.of(STORIES[0]?.lead.lead_id ?? '')?.request_id))
    await new Promise(() => {})
  }
  screen.say(
    ...insideLines(),
    [],
    [{ text: 'npm run demo -- --keep leaves all of this up, and says where.', style: 'dim' }],
  )
  return wrong > 0 ? 1 : 0
}
