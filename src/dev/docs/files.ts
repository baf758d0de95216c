import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { keyList } from '../../calls/keys.ts'
import { type Blocks, fill } from './blocks.ts'
import { defaultOf, environmentTable, exampleFile } from './environment.ts'
import { movesTable } from './moves.ts'
import { outcomeTable } from './outcomes.ts'
import { code, table } from './table.ts'

/** The generated blocks of README.md. */
export const blocks: Blocks = {
  environment: environmentTable(),
  outcomes: outcomeTable(),
  moves: movesTable(),
  keys: table(
    ['Key', 'Type', 'Holds'],
    keyList(defaultOf('KEY_PREFIX') ?? '').map(({ key, type, holds }) => [code(key), type, holds]),
  ),
}

const README = 'README.md'
const EXAMPLE = '.env.example'

const read = (folder: string, name: string) =>
  readFile(join(folder, name), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })

/** What in `folder` is not as `write` would leave it: a line each, empty when all is. Writes nothing. */
export async function drift(folder: string): Promise<string[]> {
  const [readme, example] = await Promise.all([read(folder, README), read(folder, EXAMPLE)])
  const filled = fill(readme ?? '', blocks)
  return [
    ...filled.absent.map((fault) => `${README}: ${fault}`),
    ...filled.changed.map((name) => `${README}: block ${name} is out of date`),
    ...(example === exampleFile() ? [] : [`${EXAMPLE} is ${example === null ? 'missing' : 'out of date'}`]),
  ]
}

/** Writes .env.example and the blocks that README.md has room for. Answers with a line for each it has none for. */
export async function write(folder: string): Promise<string[]> {
  const readme = await read(folder, README)
  const { page, absent } = fill(readme ?? '', blocks)
  if (readme !== null && page !== readme) await writeFile(join(folder, README), page)
  await writeFile(join(folder, EXAMPLE), exampleFile())
  return absent.map((fault) => `${README}: ${fault}`)
}
