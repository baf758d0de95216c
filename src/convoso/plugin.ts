import fp from 'fastify-plugin'
import type { Crm } from '../delivery/crm.ts'
import { createConvoso } from './client.ts'
import { statusMap } from './statuses.ts'

declare module 'fastify' {
  interface FastifyInstance {
    crm: Crm
  }
}

/** What is wrong with the overrides of the status table, for the boot check. */
export function statusFaults(env: { CONVOSO_STATUS_MAP?: string | undefined }): string[] {
  const read = statusMap(env.CONVOSO_STATUS_MAP)
  return read.kind === 'faults' ? read.faults.map((fault) => `CONVOSO_STATUS_MAP: ${fault}`) : []
}

/** Convoso as the CRM that is told outcomes. */
export const convoso = fp<{ timeoutMs: number; skewMs: number; connections: number }>(
  async (app, { timeoutMs, skewMs, connections }) => {
    const { CONVOSO_BASE_URL, CONVOSO_AUTH_TOKEN, CONVOSO_STATUS_MAP, ACCOUNT_TIME_ZONE } = app.config
    const read = statusMap(CONVOSO_STATUS_MAP)
    if (read.kind === 'faults') throw new Error(read.faults.join(', '))
    const client = createConvoso({
      origin: CONVOSO_BASE_URL,
      token: CONVOSO_AUTH_TOKEN,
      statuses: read.table,
      timeZone: ACCOUNT_TIME_ZONE,
      skewMs,
      timeoutMs,
      connections,
    })
    app.decorate('crm', client)
    app.addHook('onClose', () => client.close())
  },
  { name: 'convoso', dependencies: ['environment'] },
)
