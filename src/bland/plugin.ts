import fp from 'fastify-plugin'
import type { CompletionReader } from '../completions/completion.ts'
import type { Voice } from '../dialing/voice.ts'
import { createBland } from './client.ts'
import { createBlandReader } from './mail.ts'

declare module 'fastify' {
  interface FastifyInstance {
    voice: Voice
    completionReader: CompletionReader
  }
}

/** Bland as the vendor that calls people. */
export const bland = fp<{ permits: number; postMs: number }>(
  async (app, { permits, postMs }) => {
    const { config } = app
    const client = createBland({
      baseUrl: config.BLAND_BASE_URL,
      apiKey: config.BLAND_API_KEY,
      settings: config,
      permits,
      timeouts: { connectMs: postMs / 2, headersMs: postMs, bodyMs: postMs },
    })
    app.decorate('voice', client)
    app.decorate('completionReader', createBlandReader(config.BLAND_WEBHOOK_SECRET))
    app.addHook('onClose', () => client.close())
  },
  { name: 'bland', dependencies: ['environment'] },
)
