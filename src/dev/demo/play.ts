import { setTimeout as delay } from 'node:timers/promises'
import type { Stage } from './stage.ts'
import type { Story } from './stories.ts'
import type { Watch } from './watch.ts'

/** Between two pairs of leads. */
const GAP_MS = 200
const AGAIN_MS = 500
const TRIES = 5

/**
 * Gives both simulators their parts and posts the leads, two at a time so that both instances get some. Resolves when
 * all were posted; `onPosted` hears of each.
 */
export async function play(
  stories: readonly Story[],
  { stage, watch, onPosted }: { stage: Stage; watch: Watch; onPosted: (leadId: string) => void },
): Promise<void> {
  const { bland, convoso, leadSecret } = stage
  const url = `${stage.url}/webhooks/awhealth-outbound`

  for (const { lead, bland: script, convoso: faults } of stories) {
    bland.script({ lead_id: lead.lead_id, ...script })
    if (faults) convoso.script({ lead_id: lead.lead_id, faults })
    convoso.leads([lead])
  }

  async function post({ lead, encoding }: Story): Promise<void> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { status } = await convoso.send({ url, lead, encoding, secret: leadSecret })
      onPosted(lead.lead_id)
      // 503 says that nothing is promised: on a machine this busy even the demo has to ask again.
      if (status !== 503) return
      await delay(AGAIN_MS)
    }
  }
  async function perform(story: Story): Promise<void> {
    if (story.after) await watch.ended([story.after])
    await post(story)
    if (story.again) await post(story)
  }

  for (let i = 0; i < stories.length; i += 2) {
    await Promise.all(stories.slice(i, i + 2).map(perform))
    await delay(GAP_MS)
  }
}
