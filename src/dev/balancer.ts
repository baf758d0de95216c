import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export interface BalancerOptions {
  /** Ports on 127.0.0.1, taken in turn. */
  targets: number[]
  /** Port to listen on; a free one unless given. */
  port?: number
  /** How long a target that refused a connection is passed over, in ms. */
  restMs?: number
}

export interface Balancer {
  url: string
  port: number
  /** What targets say is lost from now on, and after `ms` every connection drops: what was asked last, was heard. */
  loseAnswers(ms: number): Promise<void>
  /** Drops every connection and stops listening. */
  close(): Promise<void>
}

/**
 * One port in front of several instances: each connection goes to the next target, whole. A target that refuses is
 * passed over for a while; when all do, the connection is dropped. What was sent is never sent to a second target.
 */
export async function createBalancer({ targets, port = 0, restMs = 250 }: BalancerOptions): Promise<Balancer> {
  const sockets = new Set<Socket>()
  const restsUntil = new Map<number, number>()
  const joined = new Set<readonly [client: Socket, upstream: Socket]>()
  let turn = 0

  const order = () => {
    const first = turn++ % targets.length
    const inTurn = [...targets.slice(first), ...targets.slice(0, first)]
    const isResting = (target: number) => (restsUntil.get(target) ?? 0) > performance.now()
    // Those that rest come last rather than never: with nothing else up, one of them may be back.
    return [...inTurn.filter((target) => !isResting(target)), ...inTurn.filter(isResting)]
  }
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    return socket
  }

  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    const client = track(socket)
    for (const target of order()) {
      const upstream = track(connect({ port: target, host: '127.0.0.1', allowHalfOpen: true }))
      const connected = await once(upstream, 'connect').catch(() => undefined)
      if (client.destroyed) return void upstream.destroy()
      if (connected) return join(client, upstream, joined)
      restsUntil.set(target, performance.now() + restMs)
    }
    client.destroy()
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const bound = (server.address() as AddressInfo).port

  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    async loseAnswers(ms) {
      const pairs = [...joined]
      for (const [client, upstream] of pairs) upstream.unpipe(client).resume()
      await delay(ms)
      for (const [client] of pairs) client.destroy()
    },
    async close() {
      if (!server.listening) return
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Each side's end is passed on and the other may still speak; a side that breaks takes the other with it. */
function join(client: Socket, upstream: Socket, joined: Set<readonly [Socket, Socket]>): void {
  const pair = [client, upstream] as const
  joined.add(pair)
  client.pipe(upstream).pipe(client)
  client.on('close', () => {
    joined.delete(pair)
    upstream.destroy()
  })
  upstream.on('close', () => client.destroy())
}
