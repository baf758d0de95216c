import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { Claim } from '../calls/claim.ts'

const GZIP_FROM = 16 * 1024
const LARGEST = 64 * 1024 * 1024

/** Completions as they are kept in Redis: gzipped above 16 kB, off the event loop; smaller ones stay readable. */
export async function pack(bytes: Buffer): Promise<Buffer> {
  return bytes.length > GZIP_FROM ? await promisify(gzip)(bytes) : bytes
}

/** The bytes as they came. JSON never begins with gzip's 0x1f. Rejects when what was kept is damaged. */
export async function unpack(kept: Buffer): Promise<Buffer> {
  return kept[0] === 0x1f ? await promisify(gunzip)(kept, { maxOutputLength: LARGEST }) : kept
}

/** What was taken, with the bytes at hand for whoever delivers it now. */
export const inHand = <T extends { claim?: Claim | null }>(taken: T, bytes: Buffer): T =>
  taken.claim ? { ...taken, claim: { ...taken.claim, bytes } } : taken
