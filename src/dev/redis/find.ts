import { execFile } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { downloadRedis } from './download.ts'

const run = promisify(execFile)

const NAMES = ['valkey-server', 'redis-server']
const USUAL_FOLDERS = ['/opt/homebrew/bin', '/usr/local/bin', '/usr/bin', '/usr/sbin']
const IMAGE = 'valkey/valkey:8'

/** A way to run a Redis server of 7.0 or newer: a program, with the libraries it came with, or an image. */
export type RedisProgram =
  | { kind: 'program'; bin: string; env: Record<string, string> }
  | { kind: 'image'; bin: string; image: string }

export interface FindOptions {
  /** Where REDIS_SERVER_BIN and PATH are read. */
  env: NodeJS.ProcessEnv
  /** Told once, in one line, when a server is about to be downloaded. */
  say: (line: string) => void
}

/**
 * Finds a Redis server: REDIS_SERVER_BIN, PATH and the usual folders, Debian's package unpacked under `.cache/`, docker.
 * Throws with one install line per system when there is none, and when REDIS_SERVER_BIN is set to something else.
 */
export async function findRedis({ env, say }: FindOptions): Promise<RedisProgram> {
  const named = env.REDIS_SERVER_BIN
  if (named) {
    if (await isRedis7(named)) return { kind: 'program', bin: named, env: {} }
    throw new Error(`REDIS_SERVER_BIN=${named} is not a Redis server of 7.0 or newer`)
  }
  const folders = new Set([...(env.PATH ?? '').split(delimiter).filter(Boolean), ...USUAL_FOLDERS])
  for (const name of NAMES) {
    for (const folder of folders) {
      const bin = join(folder, name)
      if (await isRedis7(bin)) return { kind: 'program', bin, env: {} }
    }
  }
  const reasons: string[] = []
  const downloaded = await downloadRedis({ say, accept: isRedis7 }).catch((error: unknown) => {
    reasons.push(error instanceof Error ? error.message : String(error))
    return undefined
  })
  if (downloaded) return { kind: 'program', ...downloaded }
  if (await answers('docker', ['info'])) return { kind: 'image', bin: 'docker', image: IMAGE }
  throw new Error([...reasons, ...INSTALL].join('\n'))
}

const INSTALL = [
  'No Redis server of 7.0 or newer was found. Install one, or name it in REDIS_SERVER_BIN:',
  '  Debian, Ubuntu   sudo apt-get install redis-server',
  '  macOS            brew install valkey',
  '  Fedora           sudo dnf install valkey',
  '  Alpine           apk add valkey',
  `  Docker           start the engine: ${IMAGE} is used`,
]

async function isRedis7(bin: string, env: Record<string, string> = {}): Promise<boolean> {
  const { stdout } = await run(bin, ['--version'], { env: { ...process.env, ...env } }).catch(() => ({ stdout: '' }))
  const major = /^(?:Redis|Valkey) server v=(\d+)\./.exec(stdout)?.[1]
  return Number(major) >= 7
}

async function answers(command: string, args: string[]): Promise<boolean> {
  return run(command, args, { timeout: 5000 }).then(
    () => true,
    () => false,
  )
}
