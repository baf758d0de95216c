import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { findRedis } from './find.ts'
import type { EmbeddedRedis } from './start.ts'

const POLL_MS = 20
const READY_MS = 20_000

/** Why this machine cannot run several Redis that know each other; null when it can. */
export async function whyNoTopology(env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  const { kind } = await findRedis({ env, say: (line) => process.stderr.write(`${line}\n`) })
  return kind === 'image' ? 'only docker has a Redis here, and servers in containers cannot name each other' : null
}

/** Asks servers of a topology, on connections that are closed when `work` is over. */
export async function asking<T>(servers: EmbeddedRedis[], work: (...each: Redis[]) => Promise<T>): Promise<T> {
  const connections = servers.map(({ url }) => new Redis(url).on('error', () => {}))
  try {
    return await work(...connections)
  } finally {
    for (const connection of connections) connection.disconnect()
  }
}

/** Asks for a fact until it holds; throws when that takes unreasonably long. */
export async function untilTrue(what: string, fact: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + READY_MS
  while (!(await fact())) {
    if (performance.now() > deadline) throw new Error(`Not within ${READY_MS} ms: ${what}`)
    await delay(POLL_MS)
  }
}
