import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { cp } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import Value from 'typebox/value'
import { parse } from 'yaml'
import { Env } from '../src/config.ts'
import { buildStages, commandOf, environment, parseDockerfile, workdir } from './dockerfile.ts'
import { FULL } from './full.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

function present<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`There is no ${name}`)
  return value
}

const instructions = parseDockerfile(read('Dockerfile'))
const the = (name: string) => instructions.filter((instruction) => instruction.name === name)
const last = (name: string) => present(the(name).at(-1), name)
const defaults = Value.Default(Env, {}) as Record<string, unknown>

interface Service {
  image: string
  build?: string
  command?: string | string[]
  deploy?: { replicas: number }
  environment?: Record<string, string>
  ports?: string[]
  profiles?: string[]
  networks?: string[] | Record<string, unknown>
  network_mode?: string
  volumes?: string[]
  depends_on?: string[] | Record<string, unknown>
  configs?: { source: string }[]
  healthcheck?: { test: string[] }
}
interface Compose {
  services: Record<string, Service>
  networks: Record<string, { internal?: boolean }>
  volumes: Record<string, unknown>
  configs: Record<string, { content: string }>
}
const compose: Compose = parse(read('docker-compose.yml'), { merge: true })
const services = Object.entries(compose.services)
const service = (name: string) => present(compose.services[name], name)
const namesOf = (list: string[] | Record<string, unknown> = []) => (Array.isArray(list) ? list : Object.keys(list))
const balancer = compose.configs.balancer?.content ?? ''

/** Runs a program to its end; never rejects. */
const exitOf = (file: string, args: string[], options: { cwd?: string; env: Record<string, string> }) =>
  new Promise<{ code: number; output: string }>((resolve) => {
    const child = execFile(file, args, options, (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    )
  })

t.test('the image', async (t) => {
  const [base] = the('FROM')
  t.match(base?.text, /^node:\d+\.\d+\.\d+-bookworm-slim AS base$/)
  t.same(commandOf(last('CMD')), ['node', 'dist/server.js'])
  t.equal(last('USER').text, 'node')
  t.equal(last('STOPSIGNAL').text, 'SIGTERM')
  t.equal(last('EXPOSE').text, String(defaults.PORT))
  for (const pair of last('ENV').text.split(' ')) t.hasProp(Env.properties, pair.split('=')[0] as string)

  const [file = '', ...args] = commandOf(last('HEALTHCHECK'))
  const answers: Record<string, number> = { '/health/live': 200 }
  const server = createServer(({ url = '' }, reply) => reply.writeHead(answers[url] ?? 404).end()).listen(
    0,
    '127.0.0.1',
  )
  t.teardown(() => server.close())
  await once(server, 'listening')
  const env = { PATH: process.env.PATH ?? '', PORT: String((server.address() as AddressInfo).port) }
  t.equal((await exitOf(file, args, { env })).code, 0, 'alive')
  answers['/health/live'] = 500
  t.equal((await exitOf(file, args, { env })).code, 1, 'answers badly')
  t.equal((await exitOf(file, args, { env: { ...env, PORT: '1' } })).code, 1, 'does not answer')
})

t.test('compose names only what exists', async (t) => {
  const simulators = existsSync(join(root, 'src/dev/simulators.ts')) ? read('src/dev/simulators.ts') : ''
  if (!simulators) t.comment('src/dev/simulators.ts is not there yet: the names of its own variables are not checked')
  for (const [name, { image, build, environment = {}, healthcheck, ...rest }] of services) {
    t.ok(build ? the('HEALTHCHECK').length : healthcheck, `${name} has a health check`)
    if (!build) t.match(image, /:\d+\.\d+\.\d+-alpine$/, `${name} is pinned`)
    for (const other of namesOf(rest.depends_on)) t.ok(compose.services[other], `${name} depends on ${other}`)
    for (const network of namesOf(rest.networks)) t.hasProp(compose.networks, network)
    for (const volume of rest.volumes ?? []) t.hasProp(compose.volumes, volume.split(':')[0] as string)
    for (const { source } of rest.configs ?? []) t.hasProp(compose.configs, source)
    for (const variable of Object.keys(environment)) {
      const known = variable in Env.properties
      if (!known && name === 'demo-simulators') t.ok(!simulators || simulators.includes(variable), variable)
      else t.ok(known, `${name}: ${variable} is a variable of ours`)
    }
  }
  for (const [, variable = '', fallback] of read('docker-compose.yml').matchAll(/\$\{(\w+):-([^}]*)\}/g)) {
    t.equal(fallback, String(defaults[variable]), `${variable} has the default of config.ts`)
  }
})

t.test('compose: three instances behind a balancer, on a Redis that keeps what it took', async (t) => {
  const port = last('EXPOSE').text
  for (const name of ['orchestrator', 'demo-orchestrator']) {
    const instance = service(name)
    t.equal(instance.environment?.PORT, port)
    t.equal(instance.environment?.HOST, '0.0.0.0')
    t.notOk(instance.ports, 'reached through the balancer')
    t.match(balancer, `server-template ready ${instance.deploy?.replicas} orchestrator:${port} check`)
  }
  t.match(balancer, `bind :${port}`)
  t.match(service('balancer').ports, [`:${port}`])
  t.match(balancer, 'httpchk GET /health/ready')
  for (const name of ['redis', 'demo-redis']) {
    t.match(service(name).command, /--appendonly yes --appendfsync always .*--maxmemory-policy noeviction/)
  }
  t.same(service('redis').volumes, ['redis-data:/data'])
  t.notOk(service('redis').ports)
})

t.test('compose: the demo starts without an .env and cannot reach a vendor', async (t) => {
  const demo = service('demo-orchestrator')
  const env = Value.Default(Env, Value.Convert(Env, { ...demo.environment }))
  t.same([...Value.Errors(Env, env)], [], 'nothing is missing')
  t.notMatch(read('docker-compose.yml').split('demo-orchestrator:')[1]?.split('demo-simulators:')[0], 'env_file')
  t.same(namesOf(demo.networks), ['demo'])
  t.equal(compose.networks.demo?.internal, true)
  const simulators = service('demo-simulators')
  for (const vendor of ['BLAND', 'CONVOSO']) {
    const url = new URL(demo.environment?.[`${vendor}_BASE_URL`] ?? '')
    t.equal(url.hostname, 'demo-simulators')
    t.equal(url.port, simulators.environment?.[`${vendor}_SIMULATOR_PORT`])
  }
  t.equal(service('demo').network_mode, 'service:demo-simulators', 'the webhook’s loopback is the balancer’s')
  for (const [name, { profiles }] of services) t.equal(profiles?.[0] === 'demo', name.startsWith('demo'), name)
})

/** Installs and builds anew, which takes half a minute: `npm run test:full` and CI do it. */
async function cleanBuild(t: Test) {
  const folder = t.testdir({ context: {}, stages: {} })
  const context = join(folder, 'context')
  const [everything, ...allowed] = read('.dockerignore').trim().split('\n')
  t.equal(everything, '*', 'only what is named enters the image')
  for (const line of allowed) {
    t.match(line, /^![^/*]+$/)
    await cp(join(root, line.slice(1)), join(context, line.slice(1)), { recursive: true })
  }
  const stage = await buildStages(instructions, context, join(folder, 'stages'))
  t.same(readdirSync(workdir(stage)).sort(), ['dist', 'node_modules', 'package.json'])
  t.notOk(existsSync(join(workdir(stage), 'node_modules/typescript')), 'production dependencies only')
  for (const file of readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!/\.(ts|mts)$/.test(file)) t.ok(existsSync(join(workdir(stage), 'dist', file)), `dist/${file}`)
  }

  await t.test('starts, and says which variables it lacks', async (t) => {
    const [file = '', ...args] = commandOf(last('CMD'))
    const { code, output } = await exitOf(file, args, { cwd: workdir(stage), env: environment(stage) })
    t.equal(code, 1)
    for (const name of Env.required) if (!(name in defaults)) t.match(output, name)
    t.notMatch(output, /^\s+at /m, 'no stack')
  })
}
if (FULL) t.test('the Dockerfile’s steps, in a clean folder', cleanBuild)
