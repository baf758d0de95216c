import type { FastifyInstance } from 'fastify'

/** A simulator's place on the network. */
export interface Listener {
  /** `http://host:port`; throws before `listen`. */
  readonly url: string
  /** Listens, on a free port unless told otherwise, and resolves with the url. */
  listen(port?: number, host?: string): Promise<string>
  /** Cuts every connection and refuses new ones until `listenAgain`. */
  refuse(): void
  listenAgain(): void
}

export function createListener(app: FastifyInstance): Listener {
  let at: { url: string; port: number; host: string } | null = null

  return {
    get url() {
      if (!at) throw new Error('this simulator is not listening yet')
      return at.url
    },
    async listen(port = 0, host = '127.0.0.1') {
      const url = await app.listen({ port, host })
      at = { url, port: Number(new URL(url).port), host }
      return url
    },
    refuse() {
      app.server.close()
      app.server.closeAllConnections()
    },
    listenAgain() {
      if (at && !app.server.listening) app.server.listen(at.port, at.host)
    },
  }
}
