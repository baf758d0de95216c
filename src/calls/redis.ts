import { Redis } from 'ioredis'
import { type ScriptName, scripts } from './scripts.ts'

/** What a script answers: JSON, and the call's hash (of claimDue one hash for each claim). */
type ScriptReply = [string, string[] | string[][]]
type Scripted = Record<ScriptName, (prefix: string, ...args: (string | number)[]) => Promise<ScriptReply>>
export type Connection = Redis & Scripted

/**
 * Opens a connection. `patient` ones, for the runner, hold commands back until Redis returns; the others, for webhooks,
 * fail at once, so that a sender hears 503 instead of waiting. Both come back by themselves within a second of Redis.
 * A command whose answer was lost is sent again: every script is safe to run twice.
 */
export function connect(url: string, kind: 'prompt' | 'patient', onError: (error: Error) => void): Connection {
  const redis = new Redis(url, {
    scripts,
    connectionName: `awh-${kind}`,
    enableOfflineQueue: kind === 'patient',
    maxRetriesPerRequest: kind === 'patient' ? null : 1,
    retryStrategy: (attempt) => Math.min(attempt * 50, 1000),
    connectTimeout: 2000,
    // A connection that died without saying so: only while an answer is awaited, idle ones are left alone.
    socketTimeout: 5000,
  })
  redis.on('error', onError)
  return redis as Connection
}

/** Closes a connection that may be down, busy or half open: politely within `boundMs`, by force after. */
export async function disconnect(redis: Connection, boundMs: number): Promise<void> {
  if (redis.status !== 'ready') return redis.disconnect()
  const bound = setTimeout(() => redis.disconnect(), boundMs)
  await redis.quit().catch(() => redis.disconnect())
  clearTimeout(bound)
}
