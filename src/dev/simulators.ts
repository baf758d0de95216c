import closeWithGrace from 'close-with-grace'
import { createBlandSimulator } from './bland-simulator/simulator.ts'
import { createConvosoSimulator } from './convoso-simulator/simulator.ts'

/*
 * Starts one simulator or both: BLAND_SIMULATOR_PORT and CONVOSO_SIMULATOR_PORT say which and where, HOST on what
 * address; BLAND_API_KEY, BLAND_WEBHOOK_SECRET and CONVOSO_AUTH_TOKEN are those of the service under test. SEED repeats
 * an earlier run.
 */
const { HOST = '127.0.0.1', SEED = String(Date.now() % 1_000_000), ...env } = process.env
const seed = Number(SEED)

const wanted = [
  {
    name: 'Bland',
    port: env.BLAND_SIMULATOR_PORT,
    create: () =>
      createBlandSimulator({
        seed,
        ...(env.BLAND_API_KEY && { apiKey: env.BLAND_API_KEY }),
        secret: env.BLAND_WEBHOOK_SECRET?.split(',')[0] || null,
      }),
  },
  {
    name: 'Convoso',
    port: env.CONVOSO_SIMULATOR_PORT,
    create: () => createConvosoSimulator({ seed, ...(env.CONVOSO_AUTH_TOKEN && { token: env.CONVOSO_AUTH_TOKEN }) }),
  },
].flatMap(({ name, port, create }) => (port ? [{ name, port: Number(port), create }] : []))

if (wanted.length === 0) {
  process.stderr.write('Set BLAND_SIMULATOR_PORT, CONVOSO_SIMULATOR_PORT or both.\n')
  process.exit(1)
}

const running = wanted.map(({ name, port, create }) => ({ name, port, simulator: create() }))
closeWithGrace({ delay: 2000 }, () => Promise.all(running.map(({ simulator }) => simulator.close())))
for (const { name, port, simulator } of running) {
  const url = await simulator.listen(port, HOST)
  process.stdout.write(`${name} simulator: ${url} (ledger: ${url}/__ledger, seed ${seed})\n`)
}
