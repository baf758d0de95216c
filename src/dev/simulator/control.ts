import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import type { Checked } from './dials.ts'

/** What every simulator lets itself be asked and told. */
export interface Controls {
  ledger(from: number): unknown
  forget(): void
  dials: { now(): unknown; patch(patch: unknown): Checked<unknown> }
  /** Further routes: `POST /__<name>` with a JSON body. */
  posts: Record<string, (body: unknown) => Checked<unknown> | Promise<Checked<unknown>>>
}

/**
 * `GET /__ledger` (`?from=n` for the entries from number n on), `DELETE /__ledger`, `GET` and `POST /__faults`, and the
 * simulator's own posts. A body at fault is answered 400 `{error}`, which names every dial or field at fault.
 */
export const controlRoutes =
  ({ ledger, forget, dials, posts }: Controls): FastifyPluginAsync =>
  async (app) => {
    app.get<{ Querystring: { from?: string } }>('/__ledger', async ({ query }) => ledger(Number(query.from ?? 0)))
    app.delete('/__ledger', async (_, reply) => {
      forget()
      return reply.code(204).send()
    })
    app.get('/__faults', async () => dials.now())
    app.post('/__faults', async ({ body }, reply) => told(reply, dials.patch(body)))
    for (const [name, post] of Object.entries(posts)) {
      app.post(`/__${name}`, async ({ body }, reply) => told(reply, await post(body)))
    }
  }

const told = (reply: FastifyReply, checked: Checked<unknown>) =>
  checked.ok ? reply.send(checked.value) : reply.code(400).send({ error: checked.error })
