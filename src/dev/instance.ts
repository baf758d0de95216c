import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/*
 * An instance runs under a shell that holds one end of a pipe: when this process ends, however it ends, the pipe closes
 * and the shell tells the instance to close, which takes it 9.5 s at most. Its folder is removed then: nobody is left
 * who could read the log.
 */
const KEEPER = `
dir=$1; shift; cd "$dir" || exit 1
exec 3<&0
"$@" < /dev/null 3<&- >> log 2>&1 & server=$!
echo $server
(read -r _ <&3; : > ended; kill -TERM $server) 2>/dev/null & watch=$!
wait $server; code=$?
kill $watch 2>/dev/null
[ -e ended ] && { cd /; rm -rf "$dir"; rmdir "\${dir%/*}" 2>/dev/null; }
exit $code
`

const READY_MS = 15_000
const STOP_MS = 5000
const POLL_MS = 25

export interface Instance {
  pid: number
  port: number
  log: string
  /** Whether it still runs, though nobody has asked it to end. */
  alive(): boolean
  /** The last lines of its log. */
  tail(lines: number): Promise<string>
  /** SIGTERM, and SIGKILL when that takes too long. Resolves when the process is gone. */
  stop(): Promise<void>
  /** SIGKILL: it closes nothing and says nothing. Resolves when the process is gone; its log stays. */
  kill(): Promise<void>
}

export interface InstanceOptions {
  /** The production entry, `dist/server.js`. */
  entry: string
  /** Made for it, and where it runs: without an .env. */
  dir: string
  /** All it gets to see, beside PATH. PORT is always 0. */
  env: Record<string, string>
}

/** Starts one instance of the service; resolves when it listens, throws with the end of its log when it does not. */
export async function startInstance({ entry, dir, env }: InstanceOptions): Promise<Instance> {
  await mkdir(dir, { recursive: true })
  const log = join(dir, 'log')
  const shell = spawn('/bin/sh', ['-c', KEEPER, 'instance', dir, process.execPath, '--enable-source-maps', entry], {
    env: { PATH: process.env.PATH, ...env, HOST: '127.0.0.1', PORT: '0' },
    stdio: ['pipe', 'pipe', 'ignore'],
    // A process group of its own: Ctrl-C reaches us first, and we end our instances in order.
    detached: true,
  })
  // EPIPE when the shell has gone first.
  shell.stdin.on('error', () => {})
  const gone = once(shell, 'exit')
  const alive = () => shell.exitCode === null && shell.signalCode === null
  const tail = async (lines: number) =>
    (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n').slice(-lines).join('\n')
  async function stop() {
    shell.stdin.end()
    const late = setTimeout(() => alive() && process.kill(-(shell.pid as number), 'SIGKILL'), STOP_MS)
    await gone
    clearTimeout(late)
  }
  async function kill() {
    if (alive()) process.kill(pid, 'SIGKILL')
    await gone
  }

  const [said] = (await Promise.race([once(shell.stdout, 'data'), gone])) as [unknown]
  const pid = Number(said)
  const deadline = performance.now() + READY_MS
  while (alive() && performance.now() < deadline) {
    const port = /listening at http:\/\/127\.0\.0\.1:(\d+)/.exec(await tail(1000))?.[1]
    if (port) return { pid, port: Number(port), log, alive, tail, stop, kill }
    await delay(POLL_MS)
  }
  const end = await tail(8)
  await stop()
  throw new Error(`An instance did not start:\n${end}`)
}
