/*
 * Runs `npm ci` when node_modules is missing or older than the lockfile. npm runs its pre-scripts before anything is
 * installed, so this imports nothing but what Node brings.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { withLock } from './lock.mjs'

const root = fileURLToPath(new URL('../../', import.meta.url))
const installed = `${root}node_modules/.package-lock.json`

const isCurrent = () =>
  existsSync(installed) && statSync(installed).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs

if (!isCurrent()) {
  await withLock(`${root}.cache/install.lock`, async () => {
    // Another process may have installed while this one waited.
    if (!isCurrent()) install()
  })
}

function install() {
  process.stderr.write('Installing dependencies (npm ci).\n')
  // `npm start` may have to build, and NODE_ENV=production would leave the compiler out.
  const args = ['ci', '--include=dev', '--ignore-scripts', '--loglevel=error']
  const npm = process.env.npm_execpath
  const { status, error, stdout, stderr } = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, encoding: 'utf8' })
    : spawnSync('npm', args, { cwd: root, encoding: 'utf8' })
  if (status === 0) return
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}npm ci failed.\n`)
  process.exitCode = 1
}
