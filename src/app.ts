import { TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { answers, bareError } from './answers.ts'
import { limitsOf } from './bland/limits.ts'
import { bland } from './bland/plugin.ts'
import { type Clock, systemClock } from './calls/clock.ts'
import { calls } from './calls/plugin.ts'
import { redisFaults } from './calls/redis-environment.ts'
import { timeFaults, timesOf } from './calls/times.ts'
import { completions } from './completions/plugin.ts'
import { convoso, statusFaults } from './convoso/plugin.ts'
import { delivery } from './delivery/plugin.ts'
import { dialing } from './dialing/plugin.ts'
import { BadEnvironment, environment } from './environment.ts'
import { leads } from './leads/plugin.ts'
import { bootWarnings } from './ops/boot-warnings.ts'
import { callsApi } from './ops/calls.ts'
import { control } from './ops/control.ts'
import { health } from './ops/health.ts'

/** Sockets to each vendor, and so what an instance does at once. A kill leaves at most so many dials unconfirmed. */
const DIALS = 16
const LOOKS = 4
const DELIVERIES = 32

export interface AppOptions {
  /** The environment, as process.env has it. */
  env: Record<string, string | undefined>
  /** A pino logger; without one nothing is logged. */
  log?: FastifyBaseLogger
  clock?: Clock
}

/**
 * The whole service, ready to listen: every part in the order a call flows through them.
 * Rejects with `BadEnvironment` when it cannot be started with this environment.
 */
export async function buildApp({ env, log, clock = systemClock }: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    ...(log ? { loggerInstance: log.child({}, { serializers: { err: bareError } }) } : {}),
    // A lead that comes in while we close is stored, and dialed by somebody else.
    return503OnClosing: false,
    routerOptions: { ignoreTrailingSlash: true },
    // A body that trickles in holds a socket, and nothing else.
    requestTimeout: 30_000,
    // One line for each step of a call says more than two for each request, and costs less.
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: () => `req_${clock.now()}_${clock.id()}`,
  })
  app.setValidatorCompiler(TypeBoxValidatorCompiler)
  await app.register(environment, { data: env, checks: [redisFaults, statusFaults] })
  const times = timesOf(app.config)
  const faults = timeFaults(times)
  if (faults.length) throw new BadEnvironment(faults)
  app.log.level = app.config.LOG_LEVEL
  for (const warning of bootWarnings(app.config, process.version)) app.log.warn(warning)

  // What everybody stands on: answers to senders, the state machine, the two vendors.
  await app.register(answers)
  await app.register(calls, {
    clock,
    times,
    limits: limitsOf(app.config),
    room: { dial: DIALS, look: LOOKS, deliver: DELIVERIES },
  })
  await app.register(bland, { permits: DIALS, postMs: times.post })
  await app.register(convoso, { timeoutMs: times.write, skewMs: times.skew, connections: DELIVERIES })

  // A call's way: lead in, dialed, completed, delivered.
  await app.register(leads)
  await app.register(dialing)
  await app.register(completions)
  await app.register(delivery)

  // For the people who run it.
  await app.register(health)
  await app.register(callsApi)
  await app.register(control)
  return app
}
