import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { scripts } from '../src/calls/scripts.ts'
import { filesIn, parse, type Source, sourcesIn } from './sources.ts'

const root = new URL('..', import.meta.url)
const src = new URL('src/', root)
const tree = sourcesIn(src)
const ours = tree.filter(({ path }) => !path.startsWith('dev/'))

/** What each folder may import besides itself. The arrows point one way: along a call's life, then to who runs it. */
const ARROWS: Record<string, readonly string[]> = {
  ground: [],
  calls: ['ground'],
  admission: ['ground', 'calls'],
  leads: ['ground', 'calls', 'admission'],
  dialing: ['ground', 'calls', 'admission'],
  completions: ['ground', 'calls', 'dialing'],
  delivery: ['ground', 'calls', 'completions'],
  // The vendors: each knows the interface it implements, and nobody knows them.
  bland: ['ground', 'calls', 'dialing', 'completions'],
  convoso: ['ground', 'calls', 'completions', 'delivery'],
  ops: ['ground', 'calls', 'admission', 'delivery'],
  'app.ts': ['ground', 'calls', 'leads', 'dialing', 'completions', 'delivery', 'bland', 'convoso', 'admission', 'ops'],
  'server.ts': ['ground', 'app.ts'],
}
const GROUND = ['errors.ts', 'config.ts', 'environment.ts', 'answers.ts']

/** Files of more than 250 lines, with the reason for each; shorter ones have no place here. */
const LONG: Record<string, string> = {}

/** What else than dotfiles stands at the top of the repository. */
const TOP = [
  ...['src', 'test', 'docker-compose.yml', 'Dockerfile', 'package.json', 'package-lock.json', 'tsconfig.json'],
  ...['README.md', 'LICENSE'],
]

/** Words that say nothing of what a thing is. */
const EMPTY_WORDS = /^(service|manager|handler|helper|util|common|misc)s?$/

/** Where a vendor's name for something may stand, besides src/dev. */
const VENDORS = [
  { words: /bland\.ai|\/v1\/(calls|postcall)/, where: /^(bland\/|config\.ts$)/ },
  { words: /convoso\.com|\b(leads|log)\/update/, where: /^(convoso\/|config\.ts$)/ },
]

const partOf = (path: string) => {
  const [first = '', ...rest] = path.split('/')
  return rest.length > 0 ? first : GROUND.includes(first) ? 'ground' : first
}

function againstArrows(sources: Source[]): string[] {
  return sources.flatMap(({ path, imports }) => {
    const from = partOf(path)
    if (from === 'dev') return []
    const may = ARROWS[from]
    if (!may) return [`${from} has no arrows`]
    return imports
      .filter((target) => partOf(target) !== from && !may.includes(partOf(target)))
      .map((target) => `${path} → ${target}`)
  })
}

/** Each cycle once, as the path around it. */
function cycles(sources: Source[]): string[] {
  const importsOf = new Map(sources.map(({ path, imports }) => [path, imports]))
  const done = new Set<string>()
  const found: string[] = []
  function follow(path: string, way: string[]) {
    const before = way.indexOf(path)
    if (before >= 0) found.push([...way.slice(before), path].join(' → '))
    if (before >= 0 || done.has(path)) return
    for (const next of importsOf.get(path) ?? []) follow(next, [...way, path])
    done.add(path)
  }
  for (const path of importsOf.keys()) follow(path, [])
  return found
}

const isEmptyName = (name: string) =>
  name.split(/[^A-Za-z]+|(?<=[a-z])(?=[A-Z])/).some((word) => EMPTY_WORDS.test(word.toLowerCase()))

const emptyNames = (paths: string[]) => paths.filter(isEmptyName)

const emptyTypes = (sources: Source[]) =>
  sources.flatMap(({ path, exportedTypes }) => exportedTypes.filter(isEmptyName).map((name) => `${path}: ${name}`))

const tooLong = (lengths: [path: string, lines: number][]) =>
  lengths.filter(([path, lines]) => lines > 250 !== path in LONG).map(([path, lines]) => `${path}: ${lines} lines`)

const strangersAtTop = (paths: string[]) =>
  [...new Set(paths.map((path) => path.split('/')[0] as string))].filter(
    (name) => !name.startsWith('.') && !TOP.includes(name),
  )

/** Redis is reached through calls/, a script through its one caller. */
function pastTheStore(sources: Source[]): string[] {
  return sources.flatMap(({ path, imports, packages, uses }) => {
    const isRedis = ({ on }: { on: string }) => /^(redis|connection|prompt|patient)$/i.test(on)
    const runs = uses.filter((use) => isRedis(use) && (use.member === '[]' || Object.hasOwn(scripts, use.member)))
    const evals = uses.filter(({ member }) => /^(eval|evalsha|fcall|defineCommand)$/i.test(member))
    return [
      ...(packages.includes('ioredis') && partOf(path) !== 'calls' ? [`${path} opens Redis`] : []),
      ...(imports.includes('calls/scripts.ts') && !/^calls\/(redis|steps)\.ts$/.test(path)
        ? [`${path} has the scripts`]
        : []),
      ...(imports.includes('calls/steps.ts') && path !== 'calls/store.ts' ? [`${path} passes by the store`] : []),
      ...(path === 'calls/steps.ts' ? evals : [...evals, ...runs]).map((use) => `${path}: ${use.on}.${use.member}`),
    ]
  })
}

/** One function can dial, and every path goes through it. */
const otherDialers = (sources: Source[]) =>
  sources
    .filter(({ path }) => path !== 'dialing/dial.ts')
    .flatMap(({ path, uses }) =>
      uses
        .filter(({ on, member, called }) => member === 'dial' && (called || on === 'voice'))
        .map(({ on }) => `${path}: ${on}.dial`),
    )

const anys = (sources: Source[]) => sources.flatMap(({ path, anys }) => anys.map((line) => `${path}:${line}`))

const vendorWords = (sources: Source[]) =>
  sources.flatMap(({ path, texts }) =>
    VENDORS.filter(({ where }) => !where.test(path)).flatMap(({ words }) =>
      texts.filter((text) => words.test(text)).map((text) => `${path}: ${text}`),
    ),
  )

/** A tree made up to break a rule: text by path. */
const made = (files: Record<string, string>) => Object.entries(files).map(([path, text]) => parse(path, text))

t.test('arrows point one way', async (t) => {
  t.same(againstArrows(tree), [])
  t.same(
    againstArrows(
      made({
        'leads/a.ts': "import { b } from '../completions/b.ts'\nimport '../calls/call.ts'",
        'completions/b.ts': "import type { A } from '../leads/a.ts'\nimport '../dialing/voice.ts'",
        'calls/c.ts': "export { d } from '../dev/d.ts'",
        'ops/e.ts': "type F = import('../bland/f.ts').F\nconst g = await import('../convoso/g.ts')",
        'errors.ts': "import './app.ts'",
        'app.ts': "import './server.ts'\nimport './config.ts'",
        'phones/h.ts': '',
        'dev/i.ts': "import '../app.ts'",
      }),
    ),
    [
      'leads/a.ts → completions/b.ts',
      'completions/b.ts → leads/a.ts',
      'calls/c.ts → dev/d.ts',
      'ops/e.ts → bland/f.ts',
      'ops/e.ts → convoso/g.ts',
      'errors.ts → app.ts',
      'app.ts → server.ts',
      'phones has no arrows',
    ],
  )
  t.ok(tree.length > 50 && tree.flatMap(({ imports }) => imports).length > 100, 'the tree was read')
})

t.test('no cycles', async (t) => {
  t.same(cycles(tree), [])
  t.same(cycles(made({ 'a.ts': "import './b.ts'", 'b.ts': "import './c.ts'", 'c.ts': "export * from './b.ts'" })), [
    'b.ts → c.ts → b.ts',
  ])
})

t.test('names say what a thing is', async (t) => {
  t.same(emptyNames([...filesIn(src), ...filesIn(new URL('test/', root))]), [])
  t.same(emptyTypes(tree), [])
  const bad = ['leads/lead-service.ts', 'utils/phone.ts', 'calls/misc.lua', 'common.ts']
  t.same(emptyNames([...bad, 'calls/store.ts', 'leads/miscall.ts']), bad)
  t.same(
    emptyTypes(made({ 'a.ts': 'export interface CallManager {}\nexport class Utils {}\nexport type Handled = 1' })),
    ['a.ts: CallManager', 'a.ts: Utils'],
  )
})

t.test('files are short', async (t) => {
  const linesOf = (path: string) => readFileSync(new URL(path, src), 'utf8').split('\n').length - 1
  t.same(tooLong(filesIn(src).map((path) => [path, linesOf(path)])), [])
  t.same(
    tooLong([
      ['a.ts', 251],
      ['b.lua', 250],
    ]),
    ['a.ts: 251 lines'],
  )
})

t.test('the top of the repository', async (t) => {
  let listed = ''
  try {
    listed = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    t.comment('not a git checkout: what stands at the top is not checked')
  }
  t.same(strangersAtTop(listed.split('\n').filter(Boolean)), [])
  t.same(strangersAtTop(['src/app.ts', '.env.example', 'docs/a.md', 'docs/b.md', 'notes.md']), ['docs', 'notes.md'])
})

t.test('one door to Redis, one to the telephone', async (t) => {
  t.same(pastTheStore(ours), [])
  t.same(otherDialers(ours), [])
  const doctored = made({
    'calls/views.ts': "import type { Redis } from 'ioredis'\nredis.get('a'); redis[name]('{awh}'); store.settle(claim)",
    'leads/a.ts': "import { Redis } from 'ioredis'\nimport { scripts } from '../calls/scripts.ts'",
    'leads/b.ts': "import { createSteps } from '../calls/steps.ts'",
    'ops/b.ts': "app.calls.redis.settle('{awh}'); app.calls.redis.eval('return 1')",
    'calls/steps.ts': "redis[script](prefix); redis.eval('return 1')",
    'calls/store.ts': "import { createSteps } from './steps.ts'\nredis[script](prefix)",
    'dialing/dial.ts': 'await voice.dial(order, signal)',
    'leads/c.ts': 'await app.voice.dial(order, signal)',
    'ops/d.ts': "const { dial } = app.voice; const ring = voice['dial']; runner.reserve('dial'); room.dial",
  })
  t.same(pastTheStore(doctored), [
    'calls/views.ts: redis.[]',
    'leads/a.ts opens Redis',
    'leads/a.ts has the scripts',
    'leads/b.ts passes by the store',
    'ops/b.ts: redis.eval',
    'ops/b.ts: redis.settle',
    'calls/steps.ts: redis.eval',
    'calls/store.ts: redis.[]',
  ])
  t.same(otherDialers(doctored), ['leads/c.ts: voice.dial', 'ops/d.ts: voice.dial', 'ops/d.ts: voice.dial'])
  t.ok(
    tree.some(({ path, uses }) => path === 'dialing/dial.ts' && uses.some(({ member }) => member === 'dial')),
    'the one that may does',
  )
})

t.test('no any, no vendor outside its folder', async (t) => {
  t.same(anys(tree), [])
  t.same(vendorWords(ours), [])
  const doctored = made({
    'a.ts': 'let a: number\nlet any = 1\nlet b = any as any',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a program
    'ops/b.ts': 'fetch(`https://api.bland.ai/v1/calls/${id}`) // https://api.convoso.com',
    'delivery/c.ts': "post('/v1/leads/update'); see('/calls/updates')",
    'bland/d.ts': "post('/v1/calls'); post('/v1/log/update')",
  })
  t.same(anys(doctored), ['a.ts:3'])
  t.same(vendorWords(doctored), [
    'ops/b.ts: https://api.bland.ai/v1/calls/',
    'delivery/c.ts: /v1/leads/update',
    'bland/d.ts: /v1/log/update',
  ])
})
