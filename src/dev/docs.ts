import { fileURLToPath } from 'node:url'
import { drift, write } from './docs/files.ts'

/*
 * `npm run docs` writes what is generated: blocks of README.md, and .env.example. With `--check` it writes nothing, and
 * ends with 1 when something is not as it would be written.
 */
const root = fileURLToPath(new URL('../../', import.meta.url))
const checking = process.argv.includes('--check')

const faults = checking ? await drift(root) : await write(root)
for (const fault of faults) process.stderr.write(`${fault}\n`)
if (checking && faults.length > 0) {
  process.stderr.write('Run `npm run docs`.\n')
  process.exitCode = 1
}
