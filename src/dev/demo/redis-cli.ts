import { existsSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { findRedis } from '../redis/find.ts'

/** What to type for `redis-cli`, where that is not simply in PATH: the client beside the server that was found. */
export async function redisCli(env: NodeJS.ProcessEnv): Promise<string> {
  const program = await findRedis({ env, say: () => {} })
  if (program.kind === 'image') return `docker run --rm --network host ${program.image} valkey-cli`
  const folder = dirname(program.bin)
  const client = join(folder, basename(program.bin).replace('server', 'cli'))
  const isInPath = (env.PATH ?? '').split(delimiter).includes(folder)
  if (!existsSync(client) || (isInPath && basename(client) === 'redis-cli')) return 'redis-cli'
  const libraries = Object.entries(program.env).map(([name, value]) => `${name}=${value}`)
  return libraries.length > 0 ? ['env', ...libraries, client].join(' ') : client
}
