import { isDeepStrictEqual } from 'node:util'
import type { Claim } from '../../src/calls/claim.ts'
import { decideModel, decideReal, fitting } from './decisions.ts'
import { createMachine } from './machine.ts'
import { COUNTED, fencesOf, LEADS, leadOf, MOST_SLOTS, type Real, type Seeming } from './real.ts'
import { RULES } from './rules.ts'
import { HOW, line, type Step } from './steps.ts'
import { type Budget, type Call, emptyStore } from './store.ts'

/* One history, played on the scripts and on the model; after each step both must have come to the same. */

/** Plays a history. Resolves with what went apart, told after the steps that led there; null when nothing did. */
export async function play(steps: Step[], real: Real): Promise<string | null> {
  const counts: Record<string, number> = Object.fromEntries(COUNTED.map((name) => [name, 0]))
  const machine = createMachine({ ...RULES, mostSlots: MOST_SLOTS }, (what) => {
    counts[what] = (counts[what] ?? 0) + 1
  })
  let store = emptyStore(1)
  /** Every claim so far, with its fence in the model. */
  const claims: { claim: Claim; fence: number }[] = []
  const admitted = new Set<string>()
  const outlasted = new Set<string>()
  const told: string[] = []

  /** Runs a step on the scripts, perhaps twice; what they answer. */
  async function run<T>(step: Step, how: () => Promise<T>): Promise<T> {
    if (!step.twice) return how()
    real.under(`op-${told.length}`)
    const first = await how()
    const before = await real.raw()
    const second = await how()
    real.under(null)
    const changed = [...(await real.raw())]
      .filter(([name, now]) => !isDeepStrictEqual(before.get(name), now))
      .map(([name]) => name)
    if (changed.length) throw new Error(`the second run changed ${changed}`)
    if (!isDeepStrictEqual(shown(first), shown(second))) throw new Error(`the second run answered ${said(second)}`)
    return first
  }

  /** What the scripts and the model answer to a step; null: it makes no sense here. */
  async function both(step: Step): Promise<[unknown, unknown] | null> {
    const { kind, one, two } = step
    const lead = LEADS[step.lead] as (typeof LEADS)[number]
    const instance = real.instances[one ? 0 : 1]
    const call = store.calls[lead.id]
    const callId = `${lead.id}.${two ? 'a' : 'b'}`
    // Nobody hears of a call that was never asked for.
    if ((kind === 'confirm' || kind === 'complete') && !admitted.has(lead.id)) return null
    switch (kind) {
      case 'admit': {
        if (admitted.has(lead.id)) return null
        admitted.add(lead.id)
        const permit = { permit: two, siblings: one }
        const mine = machine.admit(store, lead, two, one)
        // A duplicate is counted as often as it comes.
        const again = { ...step, twice: step.twice && mine.admitted !== 'duplicate' }
        const theirs = await run(again, () => instance.admit(lead.id, leadOf(lead), 1, permit))
        const claim = theirs.kind === 'new' ? theirs.claim : null
        keep(claim, mine.fence)
        const { fence, ...answer } = mine
        return [
          { admitted: theirs.kind, id: theirs.requestId, claimed: claim !== null },
          { ...answer, claimed: fence !== undefined },
        ]
      }
      case 'claim': {
        // Half the claims are of a call whose time has come just now.
        const budget = (two && call?.list) || step.budget
        if (two && call?.list) await comesDue(call)
        const ids = await real.dueNow(budget)
        const mine = machine.claimDue(store, budget, ids, outlasted.has(ids[0] ?? ''))
        if (mine && budget === 'dial') outlasted.delete(mine.id)
        const room = { dial: 0, look: 0, deliver: 0, [budget]: 1 }
        const again = { ...step, twice: step.twice && mine !== null }
        const theirs = await run(again, () => instance.claimDue(`op-${told.length}`, one ? 'i0' : 'i1', room))
        const [claim = null] = theirs.claims
        keep(claim, mine?.fence)
        return [
          claim && { id: claim.call.requestId, wary: claim.standing?.wary ?? false },
          mine && { id: mine.id, wary: store.wary },
        ]
      }
      case 'decide': {
        const held = claims.at(-1 - step.claim)
        if (!held) return null
        const { claim } = held
        const mine = { ...step, decision: fitting(step, claim) }
        return [
          await run(mine, () => decideReal(claim, mine, instance)),
          decideModel(machine, store, { id: claim.call.requestId, fence: held.fence }, mine),
        ]
      }
      case 'confirm': {
        const theirs = await run(step, () => instance.confirmDial(lead.id, leadOf(lead), 1, callId))
        const mine = machine.confirmDial(store, lead, callId)
        keep(theirs.claim, mine.claim?.fence)
        return [
          [theirs.kind, theirs.claim !== null],
          [mine.confirmed, mine.claim !== null],
        ]
      }
      case 'complete': {
        return complete(step, lead.id, callId, HOW[step.at % 3] ?? 'signed')
      }
      case 'due':
        if (!call?.list) return null
        await comesDue(call)
        return [0, 0]
      case 'line':
        await real.lineExpires(lead.phone)
        delete store.lines[lead.phone]
        return [0, 0]
      case 'replay':
        return [await run(step, () => instance.replay(lead.id)), machine.replay(store, lead.id)]
      case 'pause':
        return [void (await run(step, () => instance.pause('because'))), machine.pause(store)]
      case 'resume':
        return [void (await instance.resume()), machine.resume(store)]
      case 'empty':
        await real.empty()
        store = emptyStore(0)
        outlasted.clear()
        for (const name of COUNTED) counts[name] = 0
        return [0, 0]
      case 'optout':
        await real.optOut(lead.phone)
        if (!store.dnc.includes(lead.phone)) store.dnc = [...store.dnc, lead.phone].sort()
        return [0, 0]
      case 'wear':
        if (!call) return null
        await real.wearOut(call.id)
        call.claims = RULES.mostClaims
        return [0, 0]
      case 'outlast':
        if (!call) return null
        await real.outlast(call.id)
        outlasted.add(call.id)
        return [0, 0]
    }
  }

  async function comesDue(call: Call) {
    await real.isDue(call.list as Budget, call.id)
    Object.assign(call, { due: true, held: false })
  }

  async function complete(step: Step, id: string, callId: string, how: (typeof HOW)[number]) {
    const lead = LEADS.find((each) => each.id === id) as (typeof LEADS)[number]
    const origin = { requestId: id, lead: leadOf(lead), dialedAt: Date.now(), store: real.prefix }
    const mine = machine.takeCompletion(store, callId, how === 'nameless' ? null : id, how === 'signed' ? lead : null)
    // One that is parked is counted as often as it comes.
    const again = { ...step, twice: step.twice && mine.taken !== 'unknown' }
    const theirs = await run(again, () =>
      (step.one ? real.instances[0] : real.instances[1]).takeCompletion(
        callId,
        how === 'nameless' ? null : id,
        Buffer.from('{}'),
        how === 'signed' ? { origin, writes: 1 } : null,
      ),
    )
    const claim = theirs.kind === 'new' ? theirs.claim : null
    keep(claim, mine.claim?.fence)
    return [
      [theirs.kind, claim !== null],
      [mine.taken, mine.claim !== null],
    ] as [unknown, unknown]
  }

  function keep(claim: Claim | null, fence: number | undefined) {
    if (claim) claims.push({ claim, fence: fence ?? Number.NaN })
  }

  for (const step of steps) {
    let answers: [unknown, unknown] | null
    try {
      answers = await both(step)
    } catch (error) {
      return [...told, line(step), String(error)].join('\n')
    }
    if (!answers) continue
    told.push(line(step))
    const [theirs, mine] = answers
    if (said(theirs) !== said(mine)) return [...told, `scripts: ${said(theirs)}`, `model:   ${said(mine)}`].join('\n')
    const apart = differences(await real.seeming(), expected())
    if (apart.length) return [...told, ...apart].join('\n')
  }
  return null

  function expected(): Seeming {
    const { epoch, ...rest } = store
    const filled = (lists: Record<string, string[]>) =>
      Object.fromEntries(Object.entries(lists).filter(([, ids]) => ids.length))
    const calls = Object.entries(store.calls).map(([id, call]) => [
      id,
      { ...call, ...fencesOf(call.fence, call.dialFence), held: false },
    ])
    return { ...rest, calls: Object.fromEntries(calls), attempts: filled(store.attempts), emptied: epoch === 0, counts }
  }
}

const said = (answer: unknown) => JSON.stringify(answer ?? null)
/** Times of asking differ, and nothing else may. */
const shown = (answer: unknown): unknown =>
  JSON.parse(JSON.stringify(answer ?? null, (name, value) => (/^(askedAt|nextMs)$/.test(name) ? undefined : value)))

function differences(theirs: Seeming, mine: Seeming): string[] {
  return (Object.keys(mine) as (keyof Seeming)[])
    .filter((name) => !isDeepStrictEqual(theirs[name], mine[name]))
    .flatMap((name) => [`${name}, scripts: ${said(theirs[name])}`, `${name}, model:   ${said(mine[name])}`])
}
