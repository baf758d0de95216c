import { randomBytes } from 'node:crypto'
import { type EmbeddedRedis, startRedis } from './start.ts'
import { asking, untilTrue } from './topology.ts'

const SENTINELS = 3
const MASTER = 'mymaster'

export interface SentinelRedis {
  /** What a client is told: `host:port,host:port,host:port`. */
  sentinels: string
  /** Name of the primary, as the Sentinels know it. */
  master: string
  /** Of primary and replicas; the Sentinels have another. */
  password: string
  sentinelPassword: string
  /** Primary and replicas; the first is the primary to begin with. */
  servers: EmbeddedRedis[]
  /** The server that the Sentinels call primary now. */
  primary(): Promise<EmbeddedRedis>
  stop(): Promise<void>
}

/**
 * Starts a primary with `replicas` behind three Sentinels that agree on it, on 127.0.0.1. A primary that is gone for
 * 1.5 s is replaced by a replica. Resolves when the replicas are in step and the Sentinels know of each other.
 */
export async function startSentinels({ replicas = 1 } = {}): Promise<SentinelRedis> {
  const started: EmbeddedRedis[] = []
  const stop = async () => void (await Promise.all(started.map((each) => each.stop())))
  const start = async (...args: Parameters<typeof startRedis>) => {
    const server = await startRedis(...args)
    started.push(server)
    return server
  }
  try {
    const [password, sentinelPassword] = [randomBytes(16).toString('hex'), randomBytes(16).toString('hex')]
    // A former primary comes back as a replica, and needs the password then.
    const config = { masterauth: password, 'repl-diskless-sync-delay': '0' }
    const first = await start({ password, config })
    const behind = { ...config, replicaof: `127.0.0.1 ${first.port}` }
    const others = await Promise.all(Array.from({ length: replicas }, () => start({ password, config: behind })))
    const servers = [first, ...others]
    await asking([first], (redis) =>
      untilTrue('all replicas are in step', async () => {
        const info = await redis.info('replication')
        return info.match(/state=online/g)?.length === replicas
      }),
    )

    const watch = {
      'sentinel monitor': `${MASTER} 127.0.0.1 ${first.port} 2`,
      'sentinel auth-pass': `${MASTER} ${password}`,
      'sentinel down-after-milliseconds': `${MASTER} 1500`,
      'sentinel failover-timeout': `${MASTER} 2000`,
    }
    const sentinel = () => start({ password: sentinelPassword, sentinel: true, config: watch })
    const sentinels = await Promise.all(Array.from({ length: SENTINELS }, sentinel))
    await asking(sentinels, async (...each) => {
      // They greet each other every two seconds otherwise, and look after replicas every ten. With pings as far apart as
      // the time a server may be silent, one that was just found would seem gone; with close ones, no replica good enough.
      const quick = ['publish-period', '100', 'info-period', '200', 'ask-period', '100', 'ping-period', '300']
      await Promise.all(each.map((redis) => redis.call('SENTINEL', 'DEBUG', ...quick)))
      await untilTrue('the Sentinels know of each other', async () => {
        const told = await Promise.all(each.map((redis) => redis.call('SENTINEL', 'MASTER', MASTER)))
        return told.every((flat) => {
          const list = flat as string[]
          const of = (name: string) => Number(list[list.indexOf(name) + 1])
          return of('num-other-sentinels') === SENTINELS - 1 && of('num-slaves') === replicas
        })
      })
    })
    return {
      sentinels: sentinels.map(({ port }) => `127.0.0.1:${port}`).join(','),
      master: MASTER,
      ...{ password, sentinelPassword, servers },
      primary: () =>
        asking([sentinels[0] as EmbeddedRedis], async (redis) => {
          const [, port] = (await redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER)) as string[]
          return servers.find((server) => server.port === Number(port)) as EmbeddedRedis
        }),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
