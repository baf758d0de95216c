import { setTimeout as delay } from 'node:timers/promises'
import { audit } from './demo/audit.ts'
import { liveLine, stepLine } from './demo/lines.ts'
import { play } from './demo/play.ts'
import { redisCli } from './demo/redis-cli.ts'
import { auditLines, insideLines, keptLines, tableLines } from './demo/report.ts'
import { createScreen } from './demo/screen.ts'
import { type Stage, setStage } from './demo/stage.ts'
import { STORIES } from './demo/stories.ts'
import { createWatch, type Watch } from './demo/watch.ts'

/*
 * `npm run demo`: two instances of the service as production runs it, between a Bland and a Convoso that call nobody.
 * Exits 0 when every lead ended as it should, and leaves nothing running. `--keep` leaves it up until Ctrl-C.
 */
const KEEP = process.argv.includes('--keep')
const EVERY_MS = 150
const AT_MOST_MS = 40_000
const LOG_LINES = 12
const AGAIN_MS = 1000

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const
const LEADS = STORIES.map(({ lead }) => lead.lead_id)

const screen = createScreen(process.stdout, process.env)
const ends: (() => Promise<unknown>)[] = []
const stage = setStage((end) => ends.unshift(end))

let stopping = false

const code = await Promise.race([stopped(), perform()])
screen.end()
await strike()
process.exit(code)

/** Resolves with an exit code when somebody wants the demo to end. */
function stopped(): Promise<number> {
  return new Promise((resolve) => {
    let firstMs: number | undefined
    const stop = (code: number) => {
      stopping = true
      firstMs ??= performance.now()
      resolve(code)
      // Asked again it goes at once, and Redis and the instances with it; npm passes on a Ctrl-C that was heard already.
      if (performance.now() - firstMs > AGAIN_MS) process.exit(code)
    }
    for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => stop(code))
    // Whoever read along has gone.
    process.stdout.on('error', () => stop(1))
  })
}

/** Ends what was started, last first. */
async function strike(): Promise<void> {
  while (ends.length > 0)
    await ends
      .shift()?.()
      .catch(() => {})
}

/** The whole demo; resolves with its exit code and never rejects. */
async function perform(): Promise<number> {
  try {
    screen.say([{ text: 'AWH Outbound Orchestrator', style: 'bold' }])
    screen.draw([[{ text: 'Starting Redis, two simulators and two instances …', style: 'dim' }]])
    const set = await stage
    return await tell(set)
  } catch (error) {
    if (stopping) return 1
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
  const watch = await show(stage)
  if (stopping) return 1
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
    screen.say(...insideLines(watch.of(LEADS[0] ?? '')?.request_id))
    await new Promise(() => {})
  }
  screen.say(
    ...insideLines(),
    [],
    [{ text: 'npm run demo -- --keep leaves all of this up, and says where.', style: 'dim' }],
  )
  return wrong > 0 ? 1 : 0
}

/** Posts the leads and shows what becomes of them until all have ended, or until that takes too long. */
async function show({ url, adminToken, ...stage }: Stage): Promise<Watch> {
  const startedMs = Date.now()
  const posted = new Set<string>()
  const told = new Map<string, number>()

  function draw(): void {
    const now = Date.now()
    const statusOf = (leadId: string) => stage.convoso.lead(leadId)?.status ?? ''
    screen.draw(
      STORIES.map((story) => {
        const { lead_id } = story.lead
        return liveLine(story, watch.of(lead_id), statusOf(lead_id), posted.has(lead_id), now)
      }),
    )
    if (!screen.live) sayNewSteps()
  }
  function sayNewSteps(): void {
    const steps = STORIES.flatMap((story) => {
      const { lead_id } = story.lead
      const all = watch.of(lead_id)?.steps ?? []
      const fresh = all.slice(told.get(lead_id) ?? 0)
      told.set(lead_id, all.length)
      return fresh.map((step) => ({ story, step, atMs: Date.parse(step.at ?? '') - startedMs }))
    })
    steps.sort((a, b) => a.atMs - b.atMs)
    screen.say(...steps.map(({ story, step, atMs }) => stepLine(story, step, atMs)))
  }

  const watch = createWatch({ url, adminToken, everyMs: EVERY_MS, onLook: draw })
  ends.unshift(watch.close)
  const all = Promise.all([
    play(STORIES, { stage: { url, adminToken, ...stage }, watch, onPosted: (leadId) => posted.add(leadId) }),
    watch.ended(LEADS),
  ])
  await Promise.race([all, delay(AT_MOST_MS)])
  await watch.close()
  if (!screen.live) screen.say([])
  return watch
}
