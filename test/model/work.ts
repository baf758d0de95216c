import type { Outcome } from '../../src/calls/call.ts'
import type { Machine } from './machine.ts'
import type { Rules } from './rules.ts'
import type { Budget, Call, Claimed, Conclusion } from './store.ts'
import { conclusionOf, guestOf, type Hand, judge, MOST_HANDS, ringing, type Trouble, type World } from './world.ts'

/**
 * One thing that can happen. `mends`: it belongs to the healthy way on, so that it is what goes on happening when all
 * trouble is over; what only waits, or makes more trouble, does not.
 */
export interface Action {
  name: string
  mends: boolean
  run(world: World): void
}
export type Act = (name: string, mends: boolean, run: Action['run']) => void

/** An instance with a free hand goes on with a claim; without one the claim lapses, as if its holder had died. */
export function takeInHand(world: World, budget: Budget, { id, fence }: Claimed) {
  if (world.hands.length >= MOST_HANDS) return
  const call = world.store.calls[id] as Call
  const judged = budget === 'deliver' ? judge(world, call) : null
  const { state, callId } = call
  world.hands.push({
    ...{
      id,
      budget,
      fence,
      stage: 'ready',
      old: false,
      forgotten: false,
      wary: budget === 'dial' && world.store.wary,
      state,
      callId,
    },
    ...{ verdict: judged?.verdict ?? null, delivered: judged?.delivered ?? false },
  })
}

function putDown(world: World, hand: Hand) {
  world.hands = world.hands.filter((each) => each !== hand)
}

function stage(hand: Hand, to: Hand['stage']) {
  hand.stage = to
}

const UNCONFIRMED: Conclusion = { outcome: 'DIAL_UNCONFIRMED', doNotCall: false, hold: 'talk' }
const NO_COMPLETION: Conclusion = { outcome: 'NO_COMPLETION', doNotCall: false, hold: 'talk' }
const REFUSED: Conclusion = { outcome: 'REFUSED', doNotCall: false, hold: null }

/** What instances do with the work in their hands, as src/dialing, src/completions and src/delivery have it. */
export function createWork(machine: Machine, rules: Rules, has: (trouble: Trouble) => boolean) {
  /** Puts the work down with a decision, and sees whether one that was not this hand's to make changed anything. */
  function decide(world: World, hand: Hand, step: (claim: Claimed) => boolean) {
    const call = world.store.calls[hand.id]
    const itsDial =
      hand.budget === 'dial' && !hand.forgotten && call?.dialFence === hand.fence && call.state === 'dialing'
    const stale = (call?.fence !== hand.fence || hand.forgotten) && !itsDial
    const before = stale ? JSON.stringify(world.store) : ''
    const decided = step({ id: hand.id, fence: hand.fence })
    if (stale && JSON.stringify(world.store) !== before) world.stale = hand.id
    putDown(world, hand)
    return decided
  }

  /** A completion is answered 200. Signed ones say whose they are, and make a forgotten call anew. */
  function hear(world: World, id: string, callId: string, how: 'signed' | 'named' | 'nameless') {
    const guest = guestOf(world, id)
    const { taken, claim } = machine.takeCompletion(
      world.store,
      callId,
      how === 'nameless' ? null : id,
      how === 'signed' ? guest : null,
    )
    if (!guest.heard.includes(callId)) guest.heard = [...guest.heard, callId].sort()
    if (taken !== 'duplicate') renew(world, id)
    // Asked for, and forgotten meanwhile: it is parked, and only its own webhook makes the call anew.
    if (how === 'named' && taken === 'unknown') guest.lost = true
    if (claim) takeInHand(world, 'deliver', claim)
  }

  /** New evidence: the call, and those that share its outcome, may be settled once more. */
  function renew(world: World, id: string) {
    for (const guest of world.guests) {
      if (guest.id === id || guest.siblingOf === id) guest.settled = 0
    }
  }

  function confirm(world: World, hand: Hand) {
    const callId = `${hand.id}.a`
    const parked = world.store.parked.includes(callId)
    const answer = machine.confirmDial(world.store, guestOf(world, hand.id), callId)
    putDown(world, hand)
    if (parked) renew(world, hand.id)
    if (answer.claim) takeInHand(world, 'deliver', answer.claim)
  }

  function dial({ guests }: World, hand: Hand, act: Take) {
    const later = (w: World, mine: Hand) => void decide(w, mine, (claim) => machine.undial(w.store, claim))
    const lookLater = (w: World, mine: Hand) =>
      void decide(w, mine, (claim) =>
        rules.lostIsLookedFor ? machine.lookLater(w.store, claim, false) : dialAgain(w, claim),
      )
    const engaged = guests.find(ringing)
    if (hand.stage === 'placed') {
      act('hears that its call was placed', true, confirm)
      if (has('lost')) act('never hears that its call was placed', false, lookLater)
    } else if (hand.stage === 'silent') act('hears nothing of its dial', true, lookLater)
    else if (hand.stage === 'unrung') {
      act('hears that nobody was rung', true, later)
      if (has('lost')) act('never hears that nobody was rung', false, lookLater)
    } else if (hand.stage === 'never')
      act(
        'hears that the number is never called',
        true,
        (w, mine) => void decide(w, mine, (claim) => machine.end(w.store, claim, REFUSED, false)),
      )
    else if (hand.old && rules.permitsAge) act('gives its old permit back', true, later)
    else if (hand.wary && rules.wary && engaged) {
      if (engaged.id === hand.id) act('is told that the vendor has this call', true, confirm)
      else act('is told that the number is engaged', false, later)
    } else {
      act('dials', true, (w, mine) => {
        const guest = guestOf(w, mine.id)
        guest.rings = Math.min(guest.rings + 1, 2)
        // Somebody may ring twice; what the second call does is no matter then.
        if (guest.phase === 'none') guest.phase = 'live'
        mine.stage = 'placed'
      })
      if (has('lost')) {
        act('dials in vain', false, (w, mine) => {
          guestOf(w, mine.id).rings += 1
          stage(mine, 'silent')
        })
      }
      if (has('unrung')) {
        act('dials and nobody is rung', false, (_, mine) => stage(mine, 'unrung'))
        act('dials a number that is never called', false, (_, mine) => stage(mine, 'never'))
      }
    }
  }

  /** What nobody may do after a lost answer: back to the queue, although with the line held. */
  function dialAgain({ store }: World, claim: Claimed) {
    const call = store.calls[claim.id] as Call
    const line = store.lines[call.phone]
    const again = machine.undial(store, { ...claim, fence: call.dialFence })
    if (line) store.lines[call.phone] = line
    return again
  }

  function look(world: World, hand: Hand, act: Take) {
    const guest = guestOf(world, hand.id)
    const again = (live: boolean) => (w: World, mine: Hand) =>
      void decide(w, mine, (claim) => machine.lookLater(w.store, claim, live))
    const end = (conclusion: Conclusion) => (w: World, mine: Hand) =>
      void decide(w, mine, (claim) => machine.end(w.store, claim, conclusion, true))
    const placed = guest.phase !== 'none'
    // Past its deadline the longest call has ended, although an agent may still be talking.
    const ended = guest.phase !== 'live' || !rules.looksLastLong
    if (hand.state === 'dialing') {
      if (placed) act('finds its call', true, confirm)
      act('does not see its call', false, again(false))
      const hold = rules.unconfirmedKeepsLine ? UNCONFIRMED.hold : null
      if (ended && (!placed || has('lag'))) act('gives its dial up', !placed, end({ ...UNCONFIRMED, hold }))
      return
    }
    if (guest.phase === 'live') act('is told that its call goes on', false, again(true))
    else
      act('is given the completion', true, (w, mine) => {
        putDown(w, mine)
        hear(w, mine.id, mine.callId as string, 'named')
      })
    if (has('lag')) act('is told that there is no such call', false, again(false))
    if (ended && has('lag')) act('gives its call up', false, end(NO_COMPLETION))
  }

  function deliver(_: World, hand: Hand, act: Take) {
    const verdict = hand.verdict as Outcome
    const settle = (w: World, mine: Hand) => {
      const settled = decide(w, mine, (claim) => machine.settle(w.store, claim, conclusionOf(verdict, rules)))
      const guest = guestOf(w, mine.id)
      if (settled) guest.settled = Math.min(guest.settled + 1, 2)
    }
    const later = (w: World, mine: Hand) =>
      void decide(w, mine, (claim) => machine.writeLater(w.store, claim, conclusionOf(verdict, rules)))
    const fail = (w: World, mine: Hand) =>
      void decide(w, mine, (claim) => machine.fail(w.store, claim, verdict && conclusionOf(verdict, rules)))
    const write = (w: World, mine: Hand) => void Object.assign(guestOf(w, mine.id), { crm: mine.verdict })
    if (hand.verdict === null) return act('can read no completion', true, fail)
    if (hand.delivered || hand.stage === 'wrote') return act(`settles ${verdict}`, true, settle)
    if (hand.old && rules.writersCheckLease) return act('has used up its lease', true, later)
    act(`writes ${verdict}`, true, (w, mine) => {
      write(w, mine)
      mine.stage = 'wrote'
    })
    if (!has('crm')) return
    act(`writes ${verdict} and never hears a yes`, false, (w, mine) => {
      write(w, mine)
      later(w, mine)
    })
    act('is told by the CRM: not now', false, later)
    act('is told by the CRM: never', false, fail)
  }

  type Take = (name: string, mends: boolean, run: (world: World, mine: Hand) => void) => void

  /** What can become of the work in one hand. */
  function inHand(world: World, hand: Hand, at: number, act: Act) {
    const take: Take = (name, mends, run) =>
      act(`${hand.id}: ${hand.budget} hand ${name}`, mends, (w) => run(w, w.hands[at] as Hand))
    const how = { dial, look, deliver }[hand.budget]
    how(world, hand, take)
    if (has('stall') && hand.stage === 'ready' && !hand.old && hand.budget !== 'look')
      take('stalls', false, (_, mine) => void Object.assign(mine, { old: true }))
    if (has('crash')) take('dies', false, putDown)
  }

  return { hear, inHand }
}
