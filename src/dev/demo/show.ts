import { setTimeout as delay } from 'node:timers/promises'
import type { Screen } from '../screen.ts'
import { liveLine, stepLine } from './lines.ts'
import { play } from './play.ts'
import type { Stage } from './stage.ts'
import type { Story } from './stories.ts'
import { createWatch, type Watch } from './watch.ts'

const EVERY_MS = 150
const AT_MOST_MS = 40_000

interface Setting {
  stage: Stage
  screen: Screen
  onClose: (end: () => Promise<unknown>) => void
}

/** Posts the leads and shows what becomes of them until all have ended, or until that takes too long. */
export async function show(stories: readonly Story[], { stage, screen, onClose }: Setting): Promise<Watch> {
  const { url, adminToken, convoso } = stage
  const leadIds = stories.map(({ lead }) => lead.lead_id)
  const startedMs = Date.now()
  const posted = new Set<string>()
  const told = new Map<string, number>()

  function draw(): void {
    const now = Date.now()
    const statusOf = (leadId: string) => convoso.lead(leadId)?.status ?? ''
    screen.draw(
      stories.map((story) => {
        const { lead_id } = story.lead
        return liveLine(story, watch.of(lead_id), statusOf(lead_id), posted.has(lead_id), now)
      }),
    )
    if (!screen.live) sayNewSteps()
  }
  function sayNewSteps(): void {
    const steps = stories.flatMap((story) => {
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
  onClose(watch.close)
  const all = Promise.all([
    play(stories, { stage, watch, onPosted: (leadId) => posted.add(leadId) }),
    watch.ended(leadIds),
  ])
  await Promise.race([all, delay(AT_MOST_MS)])
  await watch.close()
  if (!screen.live) screen.say([])
  return watch
}
