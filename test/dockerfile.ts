import { execFile } from 'node:child_process'
import { cp, mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/*
 * As much of a Dockerfile as ours uses, so that its steps can be run where no Docker engine is: each stage is a folder
 * that stands for the image's root. The base image is this machine.
 */

export interface Instruction {
  name: string
  text: string
}

export interface Stage {
  /** The folder that stands for `/`. */
  root: string
  /** WORKDIR, as the image names it. */
  workdir: string
  env: Record<string, string>
}

/** Instructions in order; continued lines are joined, comments left out. */
export function parseDockerfile(source: string): Instruction[] {
  const lines = source.replace(/^#.*\n/gm, '').replace(/\\\n\s*/g, '')
  return lines.split('\n').flatMap((line) => {
    const found = /^([A-Z]+) (.+)$/.exec(line.trim())
    return found ? [{ name: found[1] as string, text: found[2] as string }] : []
  })
}

/** The JSON form of a CMD, also of the one inside a HEALTHCHECK. */
export function commandOf(instruction: Instruction): string[] {
  return JSON.parse(instruction.text.slice(instruction.text.indexOf('[')))
}

/** Runs every step with `context` as the build context and answers with the last stage. Throws at the first that fails. */
export async function buildStages(instructions: Instruction[], context: string, folder: string): Promise<Stage> {
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const { name, text } of instructions) {
    if (name === 'FROM') stage = await from(text, stages, folder)
    else if (!stage) throw new Error(`${name} before FROM`)
    else if (name === 'WORKDIR') await enter(text, stage)
    else if (name === 'ENV')
      Object.assign(stage.env, Object.fromEntries(text.split(' ').map((pair) => pair.split('='))))
    else if (name === 'COPY') await copy(text, stage, stages, context)
    else if (name === 'RUN') await run('/bin/sh', ['-c', text], { cwd: workdir(stage), env: environment(stage) })
    else if (!DESCRIBING.includes(name)) throw new Error(`${name} is not known here`)
  }
  if (!stage) throw new Error('No FROM')
  return stage
}

const DESCRIBING = ['USER', 'EXPOSE', 'STOPSIGNAL', 'HEALTHCHECK', 'CMD']

/** WORKDIR, as this machine names it. */
export const workdir = (stage: Stage) => join(stage.root, stage.workdir)

/** PATH and a home, so that npm finds its cache, and what the Dockerfile sets; nothing else of this process. */
export function environment(stage: Stage): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, npm_config_prefer_offline: 'true', ...stage.env }
}

async function from(text: string, stages: Map<string, Stage>, folder: string): Promise<Stage> {
  const [image = '', , name = ''] = text.split(' ')
  const parent = stages.get(image)
  const stage: Stage = { root: join(folder, name), workdir: parent?.workdir ?? '/', env: { ...parent?.env } }
  await mkdir(stage.root, { recursive: true })
  if (parent) await cp(parent.root, stage.root, { recursive: true })
  stages.set(name, stage)
  return stage
}

async function enter(folder: string, stage: Stage): Promise<void> {
  stage.workdir = folder
  await mkdir(workdir(stage), { recursive: true })
}

async function copy(text: string, stage: Stage, stages: Map<string, Stage>, context: string): Promise<void> {
  const words = text.split(' ')
  const option = words[0]?.startsWith('--from=') ? words.shift() : undefined
  const source = option ? stages.get(option.slice('--from='.length))?.root : context
  if (source === undefined) throw new Error(`COPY from a stage that is not there: ${text}`)
  const target = words.pop() ?? ''
  for (const word of words) {
    const to = target.endsWith('/') ? join(target, basename(word)) : target
    await cp(join(source, word), join(workdir(stage), to), { recursive: true, verbatimSymlinks: true })
  }
}
