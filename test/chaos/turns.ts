import { setTimeout as delay } from 'node:timers/promises'
import type { Chance } from '../../src/dev/seeded.ts'

const LATE_MS = 20

/**
 * Turns for plays that share this process: one begins when the one before has been given time to, and only while the
 * process keeps up, because the instances have leases of two seconds to keep. In no order, so that plays of one story,
 * which ask for the same things, are apart.
 */
export function createTurns(chance: Chance) {
  const waiting: (() => void)[] = []
  let going = false

  async function keptUp() {
    for (let late = LATE_MS; late >= LATE_MS; ) {
      const at = performance.now()
      await delay(5)
      late = performance.now() - at - 5
    }
  }
  async function go() {
    going = true
    while (waiting.length) {
      await keptUp()
      waiting.splice(Math.floor(chance.next() * waiting.length), 1)[0]?.()
    }
    going = false
  }
  return function turn(): Promise<void> {
    return new Promise((resolve) => {
      waiting.push(resolve)
      if (!going) void go()
    })
  }
}
