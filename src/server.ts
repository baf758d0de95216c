import { existsSync } from 'node:fs'
import closeWithGrace from 'close-with-grace'
import { destination, pino } from 'pino'
import { buildApp } from './app.ts'
import { BadEnvironment } from './environment.ts'

const CLOSE_WITHIN_MS = 9500

if (existsSync('.env')) process.loadEnvFile('.env')

// Asynchronous, and flushed before the process ends: a log line never holds up a webhook.
const out = destination({ sync: false })
const log = pino(out)

try {
  const app = await buildApp({ env: process.env, log })
  closeWithGrace({ delay: CLOSE_WITHIN_MS, logger: app.log }, async ({ signal, err }) => {
    if (err) app.log.fatal({ err }, 'closing after an error nobody caught')
    else app.log.info({ signal }, 'closing')
    await app.close()
    app.log.info('closed')
    out.flushSync()
  })
  await app.listen({ host: app.config.HOST, port: app.config.PORT })
} catch (error) {
  const faults = error instanceof BadEnvironment ? error.faults : [(error as Error).message]
  for (const fault of faults) process.stderr.write(`${fault}\n`)
  process.exit(1)
}
