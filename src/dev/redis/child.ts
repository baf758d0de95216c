import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import type { RedisProgram } from './find.ts'

/*
 * Redis runs under a shell that holds one end of a pipe: when this process ends, however it ends, the pipe closes and
 * the shell ends Redis. The shell also owns the data folder's pid file, for Redis itself does not lock that folder and
 * two servers on one append-only file destroy it. CONT, because a server that a test has stopped takes no TERM.
 */
const KEEPER = `
dir=$1 scrap=$2; shift 2
(set -C; echo $$ > "$dir/keeper.pid") 2>/dev/null || { echo locked; exit 75; }
exec 3<&0
"$@" < /dev/null 3<&- >> "$dir/redis.log" 2>&1 & server=$!
echo $server
(read -r _ <&3; kill -TERM $server; kill -CONT $server; exit 0) 2>/dev/null & watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
wait $watch && ended=1
rm -f "$dir/keeper.pid"
[ "$ended" ] && [ "$scrap" = scrap ] && rm -rf "$dir"
exit $code
`

const READY_MS = 10_000
const STOP_MS = 5000

export interface RedisChild {
  /** The server's own process, or docker's client. */
  pid: number
  gone: Promise<void>
  alive(): boolean
  /** Closes the pipe: the shell ends Redis. Resolves when both are gone. */
  end(): Promise<void>
}

export interface ChildOptions {
  program: RedisProgram
  dir: string
  port: number
  password: string
  /** The folder goes when the server is ended or this process dies. */
  scrap: boolean
  sentinel: boolean
}

/**
 * Runs a server on `dir/redis.conf` until it answers PING. Undefined when its port was taken meanwhile; throws with the
 * end of its log when it does not start, and when another server holds `dir`.
 */
export async function spawnRedis({ program, dir, port, password, scrap, sentinel }: ChildOptions) {
  const env = program.kind === 'program' ? { ...process.env, ...program.env } : process.env
  const shell = spawn(
    '/bin/sh',
    [
      '-c',
      KEEPER,
      'redis',
      dir,
      scrap ? 'scrap' : 'keep',
      ...command(program, dir, port),
      ...(sentinel ? ['--sentinel'] : []),
    ],
    {
      env,
      stdio: ['pipe', 'pipe', 'ignore'],
      // A process group of its own: Ctrl-C reaches the application first, and the application stops Redis last.
      detached: true,
    },
  )
  const child = follow(shell)
  const [line] = (await once(createInterface(shell.stdout), 'line')) as [string]
  if (line === 'locked') throw new Error(`${dir} is in use by another server`)
  const redis: RedisChild = { ...child, pid: Number(line) }
  const deadline = performance.now() + READY_MS
  while (redis.alive() && performance.now() < deadline) {
    if (await pings(port, password)) return redis
    await delay(10)
  }
  const log = await readFile(join(dir, 'redis.log'), 'utf8').catch(() => '')
  await redis.end()
  if (log.includes('Address already in use')) return undefined
  throw new Error(`${program.bin} did not start:\n${log.trimEnd().split('\n').slice(-8).join('\n')}`)
}

function command(program: RedisProgram, dir: string, port: number): string[] {
  if (program.kind === 'program') return [program.bin, join(dir, 'redis.conf')]
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  const publish = `127.0.0.1:${port}:${port}`
  const run = ['run', '--rm', '--user', user, '--publish', publish, '--volume', `${dir}:${dir}`, program.image]
  return [program.bin, ...run, 'valkey-server', join(dir, 'redis.conf'), '--bind', '0.0.0.0']
}

function follow(shell: ChildProcess): Omit<RedisChild, 'pid'> {
  const gone = once(shell, 'exit').then(() => {})
  // EPIPE when the shell has gone first.
  shell.stdin?.on('error', () => {})
  const alive = () => shell.exitCode === null && shell.signalCode === null
  return {
    gone,
    alive,
    async end() {
      shell.stdin?.end()
      const late = setTimeout(() => alive() && process.kill(-(shell.pid as number), 'SIGKILL'), STOP_MS)
      await gone
      clearTimeout(late)
    },
  }
}

/** Whether a server with this password, and not another one on the same port, is ready. */
function pings(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\nPING\r\n`))
    let answer = ''
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (chunk) => {
      answer += chunk
      if (answer.split('\r\n').length > 2) socket.destroy()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer === '+OK\r\n+PONG\r\n'))
  })
}
