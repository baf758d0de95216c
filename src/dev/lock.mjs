import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pid } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 50
const UNSIGNED_MS = 5000

/** Runs `work` while no other process on this machine runs it under the same `path`. A lock whose owner died is taken over. */
export async function withLock(path, work) {
  await mkdir(dirname(path), { recursive: true })
  while (!(await take(path))) {
    const owner = await ownerOf(path)
    if (owner === 'gone') await clear(path, owner)
    else if (typeof owner === 'number' && !isAlive(owner)) await clear(path, owner)
    else await delay(POLL_MS)
  }
  try {
    return await work()
  } finally {
    await rm(path, { recursive: true, force: true })
  }
}

/** Whether a process with this id runs, whoever owns it. */
export function isAlive(processId) {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

async function take(path) {
  try {
    await mkdir(path)
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
  await writeFile(`${path}/pid`, String(pid))
  return true
}

/** The owner's process id; 'new' between its mkdir and its signature; 'gone' when that signature never came. */
async function ownerOf(path) {
  const signed = Number(await readFile(`${path}/pid`, 'utf8').catch(() => ''))
  if (signed > 0) return signed
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
  return Date.now() - mtimeMs > UNSIGNED_MS ? 'gone' : 'new'
}

async function clear(path, seen) {
  const aside = `${path}.${pid}.${process.hrtime.bigint()}`
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  )
  if (!moved) return
  // Between the look and the rename somebody else may have cleared the lock and taken it: give theirs back.
  if ((await ownerOf(aside)) !== seen) await rename(aside, path).catch(() => {})
  await rm(aside, { recursive: true, force: true })
}
