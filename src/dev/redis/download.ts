import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { withLock } from '../lock.mjs'

const run = promisify(execFile)
const CACHE = fileURLToPath(new URL('../../../.cache/', import.meta.url))

export interface DownloadOptions {
  say: (line: string) => void
  /** Tries the program: one unpacked on another system, or too old, is not used. */
  accept: (bin: string, env: Record<string, string>) => Promise<boolean>
}

/**
 * Debian's and Ubuntu's redis-server, unpacked under `.cache/redis/` with the libraries this system lacks; nothing
 * outside the project changes and no root is needed. Processes that ask at once share one download. Undefined where
 * there is no apt-get; throws when the download fails.
 */
export async function downloadRedis({ say, accept }: DownloadOptions) {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/apt-get')) return undefined
  const root = join(CACHE, 'redis')
  const usable = async () => {
    const bin = join(root, 'usr/bin/redis-server')
    const env = { LD_LIBRARY_PATH: await libraryPath(root) }
    return (await accept(bin, env)) ? { bin, env } : undefined
  }
  return (
    (await usable()) ??
    (await withLock(`${root}.lock`, async () => {
      const done = await usable()
      if (done) return done
      say('No Redis server here: downloading Debian’s redis-server into .cache/redis, once.')
      await unpack(root)
      const unpacked = await usable()
      if (!unpacked) throw new Error('The redis-server package of this system is older than 7.0 or does not start.')
      return unpacked
    }))
  )
}

async function unpack(root: string): Promise<void> {
  const work = `${root}.apt`
  await rm(work, { recursive: true, force: true })
  for (const folder of ['lists/partial', 'archives/partial', 'root']) {
    await mkdir(join(work, folder), { recursive: true })
  }
  const options = Object.entries({
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': work,
    'Dir::Cache::archives': join(work, 'archives'),
    // Only root may take the system's package lock, and what we download never enters the system.
    'Debug::NoLocking': '1',
    // The user `_apt` may not be able to read a folder of ours.
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
  }).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const apt = (...args: string[]) => run('apt-get', [...options, '-qq', ...args])
  await apt('update')
  await apt('install', '--download-only', '--no-install-recommends', '--yes', 'redis-server')
  for (const file of await readdir(join(work, 'archives'))) {
    if (file.endsWith('.deb')) await run('dpkg-deb', ['-x', join(work, 'archives', file), join(work, 'root')])
  }
  await rm(root, { recursive: true, force: true })
  await rename(join(work, 'root'), root)
  await rm(work, { recursive: true, force: true })
}

/** Multi-arch folders: `usr/lib/x86_64-linux-gnu` and the like, whatever this machine's is called. */
async function libraryPath(root: string): Promise<string> {
  const folders = await Promise.all(
    ['usr/lib', 'lib'].map(async (lib) => {
      const inside = await readdir(join(root, lib), { withFileTypes: true }).catch(() => [])
      return [lib, ...inside.filter((entry) => entry.isDirectory()).map((entry) => join(lib, entry.name))]
    }),
  )
  return folders
    .flat()
    .map((folder) => join(root, folder))
    .join(':')
}
