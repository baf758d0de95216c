import { createMachine } from './machine.ts'
import { RULES, type Rules } from './rules.ts'
import { type Call, completionsOf, emptyStore } from './store.ts'
import { type Act, type Action, createWork, takeInHand } from './work.ts'
import {
  forgive,
  type Guest,
  guestOf,
  isFresh,
  MOST_HANDS,
  ringing,
  type Scene,
  type Trouble,
  type World,
} from './world.ts'

/** Every action that is possible in a world. An action's `run` gets a copy of that very world. */
export function createActions(scene: Scene, rules: Rules = RULES) {
  const machine = createMachine(rules)
  const has = (trouble: Trouble) => scene.troubles.includes(trouble)
  const work = createWork(machine, rules, has)

  function intake(world: World, act: Act) {
    const next = world.guests.find(({ came }) => came === 'not_yet')
    // A store that is emptied before the first lead is like any other; what comes after it is what matters.
    if (next && (!has('emptied') || world.emptied || next === world.guests[0])) {
      act(`lead ${next.lead} comes as ${next.id}`, false, (w) => {
        const permit = w.hands.length < MOST_HANDS
        const guest = guestOf(w, next.id)
        const admission = machine.admit(w.store, guest, permit, scene.siblings)
        guest.came = admission.admitted === 'duplicate' ? 'duplicate' : 'accepted'
        if (admission.admitted === 'sibling') guest.siblingOf = callOf(w, next.id).siblingOf
        if (admission.fence !== undefined) takeInHand(w, 'dial', { id: admission.id, fence: admission.fence })
      })
    }
  }

  /** The hours that pass: leases, waits, permits and lines end, in the order src/calls/times.ts sees to. */
  function time(world: World, act: Act) {
    const { store, guests, hands } = world
    const permitOut = (id: string) => hands.some((hand) => hand.id === id && hand.budget === 'dial' && isFresh(hand))
    for (const call of Object.values(store.calls)) {
      if (!call.list || call.due) continue
      // A POST has ended before the first look, and a write before its lease.
      if (hands.some((hand) => hand.id === call.id && isFresh(hand))) continue
      // Longer than its lease: whoever has it in hand is asleep.
      const asleep = hands.some((hand) => hand.id === call.id && hand.fence === call.fence)
      if (asleep && !has('stall')) continue
      const holder = store.lines[call.phone]
      const first = call.siblingOf && store.calls[call.siblingOf]
      const waits = call.list === 'dial' && ((holder && holder.by !== call.id) || (first && first.list !== null))
      act(`${call.id} is due (${call.list})`, !waits && !asleep, (w) => {
        Object.assign(callOf(w, call.id), { due: true, held: false })
      })
    }
    for (const [phone, { by, hold }] of Object.entries(store.lines)) {
      const guest = guests.find(({ id }) => id === by) as Guest
      const lasts = { call: ringing(guest), talk: guest.phase === 'talking', rest: false }[hold] || permitOut(by)
      if (!lasts) act(`line of ${by} expires`, true, (w) => void delete w.store.lines[phone])
    }
    if (store.wary && !guests.some(ringing)) {
      act('forgotten calls are over', true, (w) => {
        w.store.wary = false
      })
    }
  }

  function claims(world: World, act: Act) {
    if (world.hands.length >= MOST_HANDS) return
    for (const call of Object.values(world.store.calls)) {
      if (!call.list || !call.due) continue
      const { id, list } = call
      const worn = list === 'look' && rules.poison && call.claims >= rules.mostClaims
      const guest = guestOf(world, id)
      const endings = worn ? [false, ...(ringing(guest) ? [] : [true])] : [false]
      for (const ended of endings) {
        act(`${id} is claimed (${list}${ended ? ', line over' : ''})`, !worn || ended, (w) => {
          const claimed = machine.claimDue(w.store, list, [id], ended)
          if (claimed) takeInHand(w, list, claimed)
        })
      }
    }
  }

  function voice(world: World, act: Act) {
    for (const { id, phase, heard, came } of world.guests) {
      if (came !== 'accepted') continue
      if (phase === 'live') {
        act(`call of ${id} is hung up`, true, (w) => void Object.assign(guestOf(w, id), over('over', 'ANSWERED')))
        if (has('transfer'))
          act(
            `call of ${id} is transferred`,
            true,
            (w) => void Object.assign(guestOf(w, id), over('talking', 'TRANSFERRED')),
          )
      }
      if (phase === 'talking')
        act(`agent of ${id} hangs up`, true, (w) => void Object.assign(guestOf(w, id), { phase: 'over' }))
      if (phase === 'talking' || phase === 'over') {
        const callId = `${id}.a`
        act(`completion ${callId} comes`, !heard.includes(callId), (w) => work.hear(w, id, callId, 'signed'))
        if (has('anonymous'))
          act(`completion ${callId} comes, nameless`, false, (w) => work.hear(w, id, callId, 'nameless'))
      }
      // Of two calls for one request the second is the longer one.
      if (has('second') && phase === 'over') {
        act(`completion ${id}.b of a second call comes`, false, (w) => {
          work.hear(w, id, `${id}.b`, 'signed')
        })
      }
    }
  }

  function people(world: World, act: Act) {
    const { store, emptied, hands } = world
    if (has('replay')) {
      for (const { id, state } of Object.values(store.calls)) {
        if (state === 'failed' || state === 'delivering')
          act(`${id} is replayed`, false, (w) => void machine.replay(w.store, id))
      }
    }
    if (has('pause') && !store.paused) act('pause', false, (w) => machine.pause(w.store))
    // Nobody resumes within half a lease of an emptying.
    const permits = hands.some((hand) => hand.budget === 'dial' && isFresh(hand))
    if (store.paused && !(emptied && permits)) act('resume', true, (w) => machine.resume(w.store))
    if (has('optout') && !store.dnc.includes('N')) act('N opts out', false, (w) => void w.store.dnc.push('N'))
    if (has('crowd') && !world.crowded && store.parked.length) {
      act('the parking overflows', false, (w) => {
        w.crowded = true
        const gone = w.store.parked.splice(0)
        w.store.bytes = w.store.bytes.filter((callId) => !gone.includes(callId))
        for (const guest of w.guests)
          forgive(
            guest,
            gone.filter((callId) => !isTaken(w, callId)),
          )
      })
    }
    if (has('emptied') && !emptied) act('Redis is emptied', false, empty)
  }

  return function possible(world: World): Action[] {
    const actions: Action[] = []
    const act: Act = (name, mends, run) => void actions.push({ name, mends, run })
    for (const part of [intake, time, claims, voice, people]) part(world, act)
    for (const [at, hand] of world.hands.entries()) work.inHand(world, hand, at, act)
    return actions
  }
}

const callOf = ({ store }: World, id: string) => store.calls[id] as Call
const over = (phase: Guest['phase'], outcome: Guest['outcome']) => ({ phase, outcome })
const isTaken = ({ store }: World, callId: string) =>
  Object.values(store.calls).some((call) => completionsOf(call).includes(callId))

/** What the store knew is gone: queued leads, and outcomes that were on their way. Calls under way are not. */
function empty(world: World) {
  for (const guest of world.guests) {
    const known = guest.heard.length > 0 || guest.phase === 'none'
    if (guest.came === 'accepted' && known) guest.lost = true
    forgive(guest, guest.heard)
  }
  for (const hand of world.hands) hand.forgotten = true
  world.store = emptyStore(0)
  world.emptied = true
}
