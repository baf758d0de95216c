import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import t from 'tap'
import Value from 'typebox/value'
import { OUTCOMES } from '../src/calls/call.ts'
import { keyList, keysOf } from '../src/calls/keys.ts'
import { scripts } from '../src/calls/scripts.ts'
import { RULES } from '../src/completions/outcome.ts'
import { Env } from '../src/config.ts'
import { fill } from '../src/dev/docs/blocks.ts'
import { environmentTable, exampleFile } from '../src/dev/docs/environment.ts'
import { blocks, drift, write } from '../src/dev/docs/files.ts'
import { outcomeTable, WITHOUT_COMPLETION } from '../src/dev/docs/outcomes.ts'
import { sourcesIn } from './sources.ts'

const names = Object.keys(Env.properties)
const defaults = Value.Default(Env, {}) as Record<string, unknown>
const required = Env.required.filter((name) => !(name in defaults))

t.test('the environment’s table', async (t) => {
  const rows = environmentTable()
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  t.same(
    rows.map((row) => /^\| `(\w+)` /.exec(row)?.[1]),
    names,
    'every variable once, in the order of the schema',
  )
  t.same(rows.filter((row) => row.includes('| **required** |')).length, required.length)
  t.ok(rows.every((row) => /^\| `\w+` \| \S.* \| \S.* \|$/.test(row)))
  t.ok(rows.some((row) => row.startsWith('| `LEASE` | `15` | How long an instance may work on a call')))
  t.match(environmentTable(), /pino level\. One of `fatal`, .* `silent` \|/)
})

t.test('.env.example', async (t) => {
  const text = exampleFile()
  const empty = Object.fromEntries(
    [...required, 'REDIS_URL', 'BLAND_PATHWAY_ID', 'DNC_SOURCE'].map((name) => [name, '']),
  )
  t.same(parseEnv(text), empty, 'a copy sets nothing, and has a place for all that is required')

  const uncommented = parseEnv(text.replaceAll(/^#(?=[A-Z_]+=)/gm, ''))
  t.same(new Set(Object.keys(uncommented)), new Set(names))
  for (const [name, value] of Object.entries(uncommented)) t.equal(value, String(defaults[name] ?? ''), name)
  t.ok(text.split('\n').every((line) => line.length <= 100))
})

t.test('the documented keys are what the scripts use', async (t) => {
  const commands = { hash: 'H', string: '(GET|SET|PTTL)', zset: 'Z', set: 'S(ADD|REM|ISMEMBER|CARD|MEMBERS)' }
  const typeOf = new Map(keyList('p').map(({ key, type }) => [key.replace(/:<.*>$/, ''), type]))
  const keys = keysOf('p')
  const used = Object.values(scripts).flatMap(({ lua }) => [...lua.matchAll(/redis\.call\('(\w+)', key\.(\w+)/g)])
  t.ok(used.length > 40)
  const misfits = new Set<string>()
  for (const [, command = '', name = ''] of used) {
    const key = keys[name as keyof typeof keys]
    const type = typeOf.get((typeof key === 'function' ? key('') : key).replace(/:$/, ''))
    const fits = new RegExp(`^(${type && commands[type]}|DEL|EXISTS|PEXPIRE)`).test(command)
    if (!fits) misfits.add(`${command} of ${name}, which is documented as a ${type}`)
  }
  t.same([...misfits], [])
})

t.test('the documented rules are those in the code', async (t) => {
  const elsewhere = sourcesIn(new URL('../src/', import.meta.url))
    .filter(({ path }) => path !== 'completions/outcome.ts' && !path.startsWith('dev/'))
    .flatMap(({ rules }) => rules)
  const inLua = Object.values(scripts).flatMap(({ lua }) => [...lua.matchAll(/\brule = '(\w+)'/g)].map(([, it]) => it))
  t.same(new Set([...elsewhere, ...inLua]), new Set(WITHOUT_COMPLETION.map(({ rule }) => rule)))
  const text = outcomeTable()
  for (const { rule } of RULES) t.ok(text.includes(`\`${rule}\``), rule)
  const rows = [...text.matchAll(/^\| `(\w+)`/gm)].map(([, outcome]) => outcome)
  t.same(rows, OUTCOMES, 'each outcome has one row, in their order')
})

t.test('generated blocks', async (t) => {
  t.same(fill('a <!-- generated:x --><!-- /generated:x --> b', { x: '$& | $1' }), {
    page: 'a <!-- generated:x -->\n\n$& | $1\n\n<!-- /generated:x --> b',
    changed: ['x'],
    absent: [],
  })
  const room = (name: string) => `<!-- generated:${name} -->\nold\n<!-- /generated:${name} -->`
  const folder = t.testdir({ 'README.md': `# Title\n${room('keys')}\nbetween\n${room('environment')}\nend\n` })
  const page = () => readFile(join(folder, 'README.md'), 'utf8')
  const noRoom = ['outcomes', 'moves'].map(
    (name) => `README.md: there is no block <!-- generated:${name} --> … <!-- /generated:${name} -->`,
  )
  t.same(await drift(folder), [
    ...noRoom,
    'README.md: block environment is out of date',
    'README.md: block keys is out of date',
    '.env.example is missing',
  ])
  t.match(await page(), /old/, 'comparing writes nothing')

  t.same(await write(folder), noRoom)
  t.same(await drift(folder), noRoom, 'what was written is up to date')
  const written = await page()
  t.match(written, /^# Title\n<!-- generated:keys -->\n\n\| Key /)
  t.match(written, /<!-- \/generated:keys -->\nbetween\n/)
  t.ok(written.includes(blocks.environment as string))
  await write(folder)
  t.equal(await page(), written, 'writing again changes nothing')

  await rm(join(folder, 'README.md'))
  t.equal((await drift(folder)).length, Object.keys(blocks).length, 'without a README every block is absent')
  t.same(fill(room('y'), {}).absent, ['nothing is generated for block y'])
})
