import type { Chance } from '../seeded.ts'
import type { BlandDials } from './dials.ts'
import type { SceneName } from './scenes.ts'

const BEFORE = ['rate_limited', 'error_before', 'drop_before', 'hang_before'] as const
const AFTER = ['error_after', 'unable_after', 'html_after', 'no_id_after', 'drop_after', 'hang_after'] as const
export type Before = (typeof BEFORE)[number]
export type After = (typeof AFTER)[number]

/** All that chance decides about one dial request, drawn when it arrives. Times in ms. */
export interface Plan {
  callId: string
  scene: SceneName
  answerMs: number
  answerLateMs: number
  /** What goes wrong instead of placing the call, and what after placing it. */
  before: Before | null
  after: After | null
  callMs: number
  early: boolean
  /** From the end of the call to its completion; `null`: none is sent. */
  completionMs: number | null
  /** How long after the completion each copy of it follows. */
  copiesMs: number[]
  events: boolean
  /** Which form of enrichment follows the completion; `null`: none. */
  enrichment: 0 | 1 | 2 | null
  /** 0: as it is. */
  padBytes: number
  strip: boolean
  signing: Signing
  resends: number
  resendMs: number
  /** No look-up knows the call. */
  forgotten: boolean
}
export type Signing = 'good' | 'none' | 'wrong'

/** Pure; takes the same draws in the same order whatever the dials say. */
export function planOf(dials: BlandDials, scene: SceneName | undefined, chance: Chance): Plan {
  const callId = chance.uuid()
  const drawn = chance.pick(dials.outcomes as Partial<Record<SceneName, number>>, 'ANSWERED')
  const hits = <K extends keyof BlandDials>(names: readonly K[]) =>
    names.filter((name) => chance.hits(dials[name] as number))
  const [before, after] = [hits(BEFORE)[0], hits(AFTER)[0]]
  const [never, late, twice, thrice] = [dials.never, dials.late, dials.twice, dials.thrice].map((p) => chance.hits(p))
  const lateMs = chance.between(dials.late_ms)
  const copies = [chance.between(dials.copy_ms), chance.between(dials.copy_ms)]
  const padded = chance.hits(dials.padded)
  const padBytes = chance.between(dials.padded_mb) * 1_000_000
  const form = ([0, 1, 2] as const)[Math.floor(chance.next() * 3)] ?? 0
  const [unsigned, wrong] = [chance.hits(dials.unsigned), chance.hits(dials.wrongly_signed)]
  return {
    callId,
    scene: scene ?? drawn,
    answerMs: chance.between(dials.answer_ms),
    answerLateMs: dials.answer_late_ms,
    before: before ?? null,
    after: after ?? null,
    callMs: chance.between(dials.call_ms),
    early: chance.hits(dials.early),
    completionMs: never ? null : late ? lateMs : 0,
    copiesMs: copies.slice(0, thrice ? 2 : twice ? 1 : 0),
    events: chance.hits(dials.events_before),
    enrichment: chance.hits(dials.enrichment_after) ? form : null,
    padBytes: padded ? padBytes : 0,
    strip: chance.hits(dials.metadata_stripped),
    signing: unsigned ? 'none' : wrong ? 'wrong' : 'good',
    resends: dials.resends,
    resendMs: dials.resend_ms,
    forgotten: chance.hits(dials.forgotten),
  }
}
