import type { BlandLedger } from '../../src/dev/bland-simulator/entries.ts'
import type { SceneName } from '../../src/dev/bland-simulator/scenes.ts'
import type { ConvosoLedger } from '../../src/dev/convoso-simulator/entries.ts'
import type { Rules } from '../../src/dev/storm/rules.ts'
import type { Struck } from '../../src/dev/storm/witness.ts'

type Bland = BlandLedger['entries'][number]
type Convoso = ConvosoLedger['entries'][number]

export const RULES: Rules = {
  heldMs: 60_000,
  holdMs: 5000,
  holdTransferredMs: 10_000,
  concurrent: 10,
  permits: 2,
  takeOverMs: 20_000,
  underWayMs: 10_000,
}
export const HOST = '127.0.0.1:1'

/** Ledgers by hand: each method adds what the vendors, or the sender of leads, would have noted. Times in ms. */
export function ledgers() {
  const [bland, convoso]: [Bland[], Convoso[]] = [[], []]
  const kills: Struck[] = []
  const fallen: string[] = []
  const attempts = new Map<string, number>()
  const sums = { requests: 0, peak_rps: 0, violations: 0, leads: {}, call_logs: {} }
  const counts = { live: 0, max_live: 1, placed: 0, numbers: {} }
  const toBland = (at_ms: number, entry: object) => bland.push({ n: bland.length, at_ms, ...entry } as Bland)
  const toConvoso = (at_ms: number, entry: object) => convoso.push({ n: convoso.length, at_ms, ...entry } as Convoso)
  const numberOf = (lead: string, phone = lead) => `+121255501${phone.padStart(2, '0')}`

  const book = {
    ...{ kills, fallen, sums, counts },
    witness: () => ({ bland: { ...counts, entries: bland }, convoso: { ...sums, entries: convoso }, kills, fallen }),

    posted(lead: string, at: number, answer: object, more: { phone?: string; log?: string } = {}) {
      const row = { lead_id: lead, phone_number: numberOf(lead, more.phone), call_log_id: more.log }
      toConvoso(at, { what: 'sent', lead: row, status: 202, body: answer, took_ms: 10 })
    },
    /** A dial request; with a scene it placed call `<id>'s call`. */
    dialed(
      lead: string,
      at: number,
      request_id: string,
      more: { phone?: string; scene?: SceneName; answer?: number | 'dropped'; forgotten?: boolean; ms?: number } = {},
    ) {
      const { scene, answer = 200, forgotten = false, ms = 100 } = more
      const phone_number = numberOf(lead, more.phone)
      const attempt = (attempts.get(phone_number) ?? 0) + 1
      attempts.set(phone_number, attempt)
      const about = { phone_number, lead_id: lead }
      const call_id = scene ? `${request_id}'s call` : null
      toBland(at, { what: 'dial', ...about, attempt, host: HOST, body: { metadata: { request_id } } })
      if (scene) toBland(at + 50, { what: 'placed', ...about, call_id, scene, forgotten })
      toBland(at + ms, { what: 'answer', ...about, attempt, call_id, status: answer })
    },
    /** The call ends, and its completion is answered so; null: none is sent. */
    ended(request_id: string, at: number, status: number | null = 200) {
      const call_id = `${request_id}'s call`
      toBland(at, { what: 'ended', call_id })
      if (status !== null) toBland(at + 10, { what: 'mail', kind: 'completion', call_id, status })
    },
    written(
      lead: string,
      at: number,
      verdict: `${string} ${string}`,
      more: { of?: string; fault?: string; came?: number; refused?: string } = {},
    ) {
      const [outcome, status = ''] = verdict.split(' ')
      const params = {
        status,
        call_transcript: `Call Outcome: ${outcome}\n`,
        ...(more.of && { bland_call_id: `${more.of}'s call` }),
      }
      const about = { endpoint: 'leads/update', lead_id: lead, params, host: HOST, came_ms: more.came ?? at }
      if (more.refused) toConvoso(at, { what: 'refused', reason: more.refused, ...about })
      else toConvoso(at, { what: 'write', fault: more.fault ?? null, ...about })
    },
    logged(call_log_id: string, at: number) {
      const about = { endpoint: 'log/update', lead_id: null, call_log_id, params: {}, host: HOST, came_ms: at }
      toConvoso(at, { what: 'write', fault: null, ...about })
    },
    looked(lead: string, at: number) {
      toBland(at, { what: 'asked', url: `/v1/calls?to_number=${encodeURIComponent(numberOf(lead))}`, status: 200 })
    },
    killed(at: number) {
      kills.push({ atMs: at, hosts: [HOST] })
    },
  }

  /** A lead as it should be: posted, dialed, rung, written. */
  const whole = (lead: string, at: number, scene: SceneName, verdict: `${string} ${string}`, request = `r${lead}`) => {
    book.posted(lead, at, { request_id: request })
    book.dialed(lead, at + 10, request, { scene })
    book.ended(request, at + 1000)
    book.written(lead, at + 1100, verdict, { of: request })
  }
  return { ...book, whole }
}
