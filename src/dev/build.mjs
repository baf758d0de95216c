/*
 * Writes dist/: the compiled sources, with scripts and data beside their code. `--if-missing` leaves a dist/ that is
 * there alone. It is built elsewhere and moved into place whole: a process that starts beside a build finds the old one
 * or the new one.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { cp, mkdtemp, rename, rm } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withLock } from './lock.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const [source, dist, cache] = ['src', 'dist', '.cache'].map((folder) => join(root, folder))
const tsc = join(root, 'node_modules/typescript/bin/tsc')
const ifMissing = process.argv.includes('--if-missing')
const isBuilt = () => existsSync(join(dist, 'server.js'))

if (!(ifMissing && isBuilt())) {
  await withLock(join(cache, 'build.lock'), async () => {
    // Another process may have built while this one waited.
    if (ifMissing && isBuilt()) return
    const fresh = await mkdtemp(join(cache, 'build-'))
    try {
      await build(fresh)
    } catch (error) {
      process.stderr.write(`${error.message}\n`)
      process.exitCode = 1
    } finally {
      await rm(fresh, { recursive: true, force: true })
    }
  })
}

async function build(fresh) {
  if (!existsSync(tsc)) throw new Error('TypeScript is not installed: run npm ci first.')
  const compiled = join(cache, 'build/compiled')
  const incremental = ['--incremental', '--tsBuildInfoFile', join(cache, 'build/info.json'), '--outDir', compiled]
  const { status } = spawnSync(process.execPath, [tsc, '-p', root, ...incremental], { cwd: root, stdio: 'inherit' })
  if (status !== 0) throw new Error('The sources do not compile; dist/ was not touched.')
  const next = join(fresh, 'dist')
  await cp(compiled, next, { recursive: true, filter: (path) => isFolder(path) || existsSync(sourceOf(path)) })
  await cp(source, next, { recursive: true, filter: (path) => isFolder(path) || !/\.m?ts$/.test(path) })
  if (existsSync(dist)) await rename(dist, join(fresh, 'before'))
  await rename(next, dist)

  /** What was compiled from a file that is no more stays behind in `compiled`. */
  function sourceOf(path) {
    return join(source, relative(compiled, path).replace(/\.js(\.map)?$/, '.ts'))
  }
}

function isFolder(path) {
  return statSync(path).isDirectory()
}
