import fastifyEnv from '@fastify/env'
import fp from 'fastify-plugin'
import { Env } from './config.ts'

type Environment = Record<string, string | undefined>
interface SchemaError {
  instancePath: string
  message: string
  params: { missingProperty?: string; allowedValues?: string[] }
}

/** The environment cannot be started with. `faults` has one line for each variable at fault; none shows a value. */
export class BadEnvironment extends Error {
  readonly faults: string[]
  constructor(faults: string[]) {
    super(faults.join('\n'))
    this.faults = faults
  }
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/
const described = Env.properties as Record<string, { description?: string }>

function faultOf({ instancePath, message, params }: SchemaError): string {
  const name = params.missingProperty ?? instancePath.slice(1)
  const what = described[name]?.description ?? ''
  if (params.missingProperty) return `${name} is missing: ${what}`
  const wanted = params.allowedValues ? `must be ${params.allowedValues.join(' or ')}` : message
  return `${name} ${wanted}: ${what}`
}

/** What no single variable shows. Tolerant: it also runs when some of them are missing or wrong. */
function faultsTogether(env: Environment): string[] {
  const faults: string[] = []
  const url = env.BLAND_WEBHOOK_URL ? URL.parse(env.BLAND_WEBHOOK_URL) : undefined
  if (url === null) faults.push('BLAND_WEBHOOK_URL is not a URL')
  else if (url?.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    faults.push('BLAND_WEBHOOK_URL must be https: plain http is for loopback hosts only')
  }
  if (!env.BLAND_PATHWAY_ID && !env.BLAND_TASK_TEMPLATE) {
    faults.push('BLAND_PATHWAY_ID or BLAND_TASK_TEMPLATE is missing: without either a call has nothing to say')
  }
  if (env.BLAND_WEBHOOK_SECRET && !/[^\s,]/.test(env.BLAND_WEBHOOK_SECRET)) {
    faults.push('BLAND_WEBHOOK_SECRET is a list without a secret: every completion would be refused')
  }
  if (env.NODE_ENV === 'production' && !env.BLAND_WEBHOOK_SECRET && env.ALLOW_UNSIGNED_WEBHOOKS !== 'true') {
    faults.push(
      'BLAND_WEBHOOK_SECRET is missing: in production, unsigned completions need ALLOW_UNSIGNED_WEBHOOKS=true',
    )
  }
  if (env.ACCOUNT_TIME_ZONE && !isTimeZone(env.ACCOUNT_TIME_ZONE))
    faults.push('ACCOUNT_TIME_ZONE is not an IANA time zone')
  return faults
}

function isTimeZone(name: string) {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }))
  } catch {
    return false
  }
}

/**
 * Reads the configuration into `app.config`. A blank variable counts as not set. Throws `BadEnvironment` with everything
 * that is wrong at once; `checks` are what the parts of the application have to say about it.
 */
export const environment = fp<{ data: Environment; checks: ((env: Environment) => string[])[] }>(
  async (app, { data, checks }) => {
    const given = Object.fromEntries(Object.entries(data).filter(([, value]) => value?.trim()))
    const faults = [faultsTogether, ...checks].flatMap((check) => check(given))
    try {
      await app.register(fastifyEnv, { schema: Env, data: given, env: false, dotenv: false })
    } catch (error) {
      const { errors } = error as { errors?: SchemaError[] }
      if (!errors) throw error
      faults.unshift(...errors.map(faultOf))
    }
    if (faults.length) throw new BadEnvironment([...new Set(faults)])
  },
  { name: 'environment' },
)
