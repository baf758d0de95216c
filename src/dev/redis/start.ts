import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { isAlive } from '../lock.mjs'
import { type RedisChild, spawnRedis } from './child.ts'
import { findRedis } from './find.ts'

export interface RedisOptions {
  /** Data folder, kept by stop(). Without one, a folder of its own that goes with the server. */
  dir?: string
  /** redis.conf lines, over the defaults: `{ 'maxmemory-policy': 'volatile-lru', appendfsync: 'everysec' }`. */
  config?: Record<string, string>
  /** Unless given, one that nobody else has. */
  password?: string
  /** A Sentinel instead: it answers where a primary is, and holds no data. */
  sentinel?: boolean
  /** Told in one line when a server has to be downloaded first; standard error unless given. */
  say?: (line: string) => void
  /** Where REDIS_SERVER_BIN and PATH are read. REDIS_URL never is: it may be somebody's real Redis. */
  env?: NodeJS.ProcessEnv
}

export interface EmbeddedRedis {
  url: string
  port: number
  password: string
  /** The server's process; another one after restart(). */
  readonly pid: number
  dir: string
  bin: string
  /** Ends the server and, unless `dir` was given, removes its data. Safe to call twice. */
  stop(): Promise<void>
  /** Sends a signal; resolves when the server is gone, after SIGSTOP and SIGCONT at once. The data stays. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Runs the server again on the same port, password and data, ending it first when it still runs. */
  restart(): Promise<void>
}

const TRIES = 5

/**
 * Starts a private Redis on 127.0.0.1, ready to take commands: a port and password of its own, every write on disk
 * before it is answered, nothing evicted. It ends with this process, even when that is killed. Throws when no server
 * of 7.0 or newer can be had, when it does not start, and when `dir` is in use.
 */
export async function startRedis(options: RedisOptions = {}): Promise<EmbeddedRedis> {
  const { config = {}, env = process.env, say = (line) => process.stderr.write(`${line}\n`) } = options
  const program = await findRedis({ env, say })
  const scrap = options.dir === undefined
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'awh-redis-')))
  await mkdir(dir, { recursive: true })
  const { password = randomBytes(16).toString('hex'), sentinel = false } = options

  const launch = async (port: number): Promise<RedisChild | undefined> => {
    await unlock(dir)
    const lines = { ...defaults(dir, port, password), ...config }
    const text = Object.entries(lines).map(([name, value]) => `${name} ${value}\n`)
    await rm(join(dir, 'redis.log'), { force: true })
    await writeFile(join(dir, 'redis.conf'), text.join(''), { mode: 0o600 })
    return spawnRedis({ program, dir, port, password, scrap, sentinel })
  }
  const discard = async () => {
    if (scrap) await rm(dir, { recursive: true, force: true })
  }

  let port = 0
  let child: RedisChild | undefined
  try {
    // Another process may take the free port before Redis does.
    for (let tries = 0; !child && tries < TRIES; tries++) {
      port = await freePort()
      child = await launch(port)
    }
    if (!child) throw new Error(`No free port in ${TRIES} tries`)
  } catch (error) {
    await discard()
    throw error
  }
  let running = child

  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    if (!running.alive()) return
    process.kill(running.pid, signal)
    if (signal !== 'SIGSTOP' && signal !== 'SIGCONT') await running.gone
  }
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    port,
    password,
    get pid() {
      return running.pid
    },
    dir,
    bin: program.bin,
    async stop() {
      await running.end()
      await discard()
    },
    kill,
    async restart() {
      await kill('SIGTERM')
      const again = await launch(port)
      if (!again) throw new Error(`Port ${port} was taken while the server was down`)
      running = again
    },
  }
}

/**
 * The Redis of a test: the one named by TEST_REDIS_URL, shared and never emptied, so that each test takes a KEY_PREFIX
 * of its own; else, or when the test needs a configuration of its own, a private one.
 */
export async function redisForTests(options: RedisOptions = {}): Promise<Pick<EmbeddedRedis, 'url' | 'stop'>> {
  const url = (options.env ?? process.env).TEST_REDIS_URL
  if (url && !options.config && !options.dir) return { url, stop: async () => {} }
  return startRedis(options)
}

function defaults(dir: string, port: number, password: string): Record<string, string> {
  return {
    bind: '127.0.0.1',
    port: String(port),
    requirepass: password,
    dir,
    appendonly: 'yes',
    appendfsync: 'always',
    save: '""',
    'maxmemory-policy': 'noeviction',
  }
}

/** Removes the pid file of a keeper that was itself killed; one that lives keeps its folder. */
async function unlock(dir: string): Promise<void> {
  const file = join(dir, 'keeper.pid')
  const keeper = Number(await readFile(file, 'utf8').catch(() => ''))
  if (keeper > 0 && !isAlive(keeper)) await rm(file, { force: true })
}
