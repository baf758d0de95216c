import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { pid } from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'

const POLL_MS = 50

/** Runs `work` while no other process on this machine runs it under the same `path`. A lock whose owner died is taken over. */
export async function withLock(path, work) {
  await mkdir(dirname(path), { recursive: true })
  while (!(await take(path))) {
    const owner = await ownerOf(path)
    if (owner !== null && !isAlive(owner)) await clear(path, owner)
    else await delay(POLL_MS)
  }
  try {
    return await work()
  } finally {
    await setAside(path)
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

/** A lock is signed before it is there: a folder with an owner in it cannot be renamed over another. */
async function take(path) {
  const mine = beside(path)
  await mkdir(mine)
  await writeFile(`${mine}/pid`, String(pid))
  try {
    await rename(mine, path)
    return true
  } catch (error) {
    await rm(mine, { recursive: true, force: true })
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false
    throw error
  }
}

/** The owner's process id; null when the lock is gone. */
async function ownerOf(path) {
  return Number(await readFile(`${path}/pid`, 'utf8').catch(() => '')) || null
}

const beside = (path) => `${path}.${pid}.${process.hrtime.bigint()}`

/** Removes a lock in one step: one that is emptied where it stands could be taken before it is gone. */
async function setAside(path) {
  const aside = beside(path)
  await rename(path, aside).catch(() => {})
  await rm(aside, { recursive: true, force: true })
}

async function clear(path, seen) {
  const aside = beside(path)
  const moved = await rename(path, aside).then(
    () => true,
    () => false,
  )
  if (!moved) return
  // Between the look and the rename somebody else may have cleared the lock and taken it: give theirs back.
  if ((await ownerOf(aside)) !== seen) await rename(aside, path).catch(() => {})
  await rm(aside, { recursive: true, force: true })
}
