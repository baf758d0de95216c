import { randomBytes } from 'node:crypto'
import { freePort } from '../free-port.ts'
import { type EmbeddedRedis, startRedis } from './start.ts'
import { asking, untilTrue } from './topology.ts'

const MASTERS = 3
const SLOTS = 16_384

export interface RedisCluster {
  /** What a client is told: `host:port,host:port,host:port`. */
  nodes: string
  password: string
  masters: EmbeddedRedis[]
  /** The master that has a key. */
  holder(key: string): Promise<EmbeddedRedis>
  stop(): Promise<void>
}

/**
 * Starts a cluster of three masters without replicas on 127.0.0.1; resolves when each of them calls it complete. A
 * master that is gone takes its third of the slots along, and leaves the others at work.
 */
export async function startCluster(): Promise<RedisCluster> {
  const masters: EmbeddedRedis[] = []
  const stop = async () => void (await Promise.all(masters.map((each) => each.stop())))
  try {
    const password = randomBytes(16).toString('hex')
    const buses: number[] = []
    for (let i = 0; i < MASTERS; i++) {
      // The port between nodes is a client's port and 10000, which may be no port at all.
      const bus = await freePort()
      const config = {
        'cluster-enabled': 'yes',
        'cluster-port': String(bus),
        'cluster-node-timeout': '1000',
        'cluster-require-full-coverage': 'no',
      }
      masters.push(await startRedis({ password, config }))
      buses.push(bus)
    }
    await asking(masters, async (...each) => {
      const share = Math.ceil(SLOTS / MASTERS)
      for (const [i, redis] of each.entries()) {
        await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
        await redis.call('CLUSTER', 'ADDSLOTSRANGE', i * share, Math.min((i + 1) * share, SLOTS) - 1)
        if (i > 0) await each[0]?.call('CLUSTER', 'MEET', '127.0.0.1', masters[i]?.port ?? 0, buses[i] ?? 0)
      }
      await untilTrue('the cluster is complete', async () => {
        const infos = await Promise.all(each.map((redis) => redis.cluster('INFO')))
        return infos.every((info) =>
          ['cluster_state:ok', `cluster_slots_ok:${SLOTS}`, `cluster_size:${MASTERS}`].every((line) =>
            String(info).includes(line),
          ),
        )
      })
    })
    return {
      nodes: masters.map(({ port }) => `127.0.0.1:${port}`).join(','),
      ...{ password, masters, stop },
      holder: (key) =>
        asking([masters[0] as EmbeddedRedis], async (redis) => {
          const slot = await redis.cluster('KEYSLOT', key)
          return masters[Math.floor(slot / Math.ceil(SLOTS / MASTERS))] as EmbeddedRedis
        }),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
