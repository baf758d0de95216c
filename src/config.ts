import type {} from 'fastify'
import Type, { type Static } from 'typebox'

/*
 * The environment, as one schema: @fastify/env validates it at boot, and README's table and .env.example are generated
 * from it. Durations whose name has no unit are in seconds.
 */

const LARGEST = 1_000_000

const seconds = (description: string, fallback?: number) =>
  Type.Integer({ minimum: 1, maximum: LARGEST, description, ...(fallback === undefined ? {} : { default: fallback }) })
const rest = (description: string, fallback: number) =>
  Type.Integer({ minimum: 0, maximum: LARGEST, description, default: fallback })
const count = (description: string, fallback?: number) =>
  Type.Integer({ minimum: 1, maximum: LARGEST, description, ...(fallback === undefined ? {} : { default: fallback }) })
const flag = (description: string, fallback: boolean) => Type.Boolean({ description, default: fallback })
const text = (description: string) => Type.Optional(Type.String({ description }))
const secret = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))
const origin = (description: string, fallback: string) =>
  Type.String({ pattern: '^https?://[^/?#]+/?$', description, default: fallback })

export const Env = Type.Object({
  NODE_ENV: text(
    '`production` refuses to start without webhook signatures, and on a Redis without an append-only file',
  ),
  HOST: Type.String({ description: 'Address to listen on; the image sets 0.0.0.0', default: '127.0.0.1' }),
  PORT: Type.Integer({ minimum: 0, maximum: 65535, description: 'Port to listen on', default: 3000 }),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    description: 'pino level',
    default: 'info',
  }),
  ADMIN_TOKEN: secret('Bearer token of `/calls` and `/control`; unset, those routes answer 401 to everybody'),

  REDIS_URL: Type.Optional(
    Type.String({
      pattern: '^rediss?://',
      description:
        'Redis 7.0 or newer with `maxmemory-policy noeviction`, `rediss://` for TLS; this, REDIS_SENTINELS or REDIS_CLUSTER is required',
    }),
  ),
  REDIS_SENTINELS: text('Sentinels that know the primary, `host:port,host:port`'),
  REDIS_MASTER: Type.String({
    minLength: 1,
    description: 'Name the Sentinels know the primary by',
    default: 'mymaster',
  }),
  REDIS_CLUSTER: text('Some nodes of a Redis Cluster, `host:port,host:port`'),
  REDIS_USERNAME: text('ACL user of Redis, where REDIS_URL names none'),
  REDIS_PASSWORD: secret('Password of Redis, where REDIS_URL has none'),
  REDIS_SENTINEL_PASSWORD: secret('Password of the Sentinels themselves'),
  REDIS_TLS: flag('TLS to Sentinels, primary and cluster nodes; with REDIS_URL, `rediss://` says it', false),
  REDIS_WAIT_REPLICAS: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 10,
      description: 'So many replicas must have a dial on record before Bland is asked; 1 with REDIS_SENTINELS, else 0',
    }),
  ),
  REDIS_ACCEPT: text(
    'Dangers of this Redis you know and take, comma-separated: `eviction` (it may evict calls), `no_persistence` (no append-only file, in production)',
  ),
  KEY_PREFIX: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'Begins every key; the braces keep all keys in one cluster slot',
    default: '{awh}',
  }),

  BLAND_API_KEY: Type.String({ minLength: 1, description: 'Bland’s API key, sent raw in `authorization`' }),
  BLAND_BASE_URL: origin('Origin of Bland’s API', 'https://api.bland.ai'),
  BLAND_WEBHOOK_URL: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description:
        'Our `/webhooks/bland-callback` as Bland reaches it: https, or http on a loopback host. Unset, Bland is polled',
    }),
  ),
  BLAND_POLL_INTERVAL: Type.Integer({
    minimum: 100,
    maximum: LARGEST,
    description:
      'Without BLAND_WEBHOOK_URL: ms between two looks at a call, or a twentieth of its age if that is longer',
    default: 5000,
  }),
  BLAND_POLL_MAX_ATTEMPTS: count(
    'Without BLAND_WEBHOOK_URL: most looks at a call; the last one comes at its deadline',
    120,
  ),
  BLAND_WEBHOOK_SECRET: secret('Bland’s webhook signing secrets, comma-separated; any of them may have signed'),
  ALLOW_UNSIGNED_WEBHOOKS: flag('Lets production start without BLAND_WEBHOOK_SECRET', false),
  BLAND_PATHWAY_ID: text('Conversation pathway; this or BLAND_TASK_TEMPLATE'),
  BLAND_START_NODE_ID: text('Node the pathway starts at'),
  BLAND_TASK_TEMPLATE: text(
    'Prompt of a call without a pathway; `{{first_name}}` and other lead fields are filled in by Bland',
  ),
  BLAND_FIRST_SENTENCE_TEMPLATE: text('Opening line; `{{first_name}}` and other lead fields are filled in by Bland'),
  BLAND_FROM: text('Caller id, a number of yours at Bland; unset, Bland picks one'),
  BLAND_TRANSFER_PHONE_NUMBER: text('Where calls without a pathway are transferred to'),
  BLAND_VOICE_ID: text('Voice'),
  BLAND_MAX_DURATION: Type.Integer({
    minimum: 1,
    maximum: 720,
    description: 'Longest call, in minutes',
    default: 30,
  }),
  BLAND_ANSWERING_MACHINE_DETECTION: flag('Bland’s older `amd` flag', false),
  BLAND_ANSWERED_BY_ENABLED: flag('Ask Bland who answered', true),
  BLAND_WAIT_FOR_GREETING: flag('The agent waits for the callee to speak', false),
  BLAND_BLOCK_INTERRUPTIONS: flag('The agent finishes its sentences', false),
  BLAND_RECORD: flag('Record the call: some states want every party’s consent', false),
  BLAND_VOICEMAIL_ACTION: Type.Enum(['hangup', 'leave_message', 'ignore'], {
    description: 'What to do at a voicemail; without BLAND_VOICEMAIL_MESSAGE, `leave_message` hangs up',
    default: 'leave_message',
  }),
  BLAND_VOICEMAIL_MESSAGE: text('Message to leave; `{{first_name}}` and other lead fields are filled in by us'),
  BLAND_SENSITIVE_VOICEMAIL_DETECTION: flag('Bland’s more sensitive voicemail detection', false),
  BLAND_PLAN: Type.Optional(
    Type.Enum(['start', 'build', 'scale', 'enterprise'], {
      description:
        'Your plan at Bland: concurrent calls 10, 50, 100, or no cap, unless BLAND_MAX_CONCURRENT says otherwise',
    }),
  ),
  BLAND_MAX_CONCURRENT: Type.Optional(count('Most calls under way at once, all instances together; 50 without a plan')),
  BLAND_MAX_PER_SECOND: count('Most dials per second, all instances together', 5),

  CONVOSO_AUTH_TOKEN: Type.String({
    minLength: 1,
    description:
      'Convoso’s API token, sent in the request body; it must be let into `leads/update`, `leads/search` and `log/update`',
  }),
  CONVOSO_BASE_URL: origin('Origin of Convoso’s API', 'https://api.convoso.com'),
  CONVOSO_WEBHOOK_SECRET: secret('What a lead must carry in header `x-webhook-secret` or in `?secret=`'),
  CONVOSO_MAX_RPS: count('Most Convoso requests per second, all instances together', 10),
  CONVOSO_STATUS_MAP: text('JSON that overrides outcome → Convoso status, e.g. `{"VOICEMAIL":"AM"}`'),
  ACCOUNT_TIME_ZONE: Type.String({
    description: 'Time zone of the Convoso account (IANA name)',
    default: 'America/Los_Angeles',
  }),

  CALLING_HOURS: Type.Enum(['off'], {
    description:
      'Only `off` exists yet: leads are dialed at any hour. No default, so that nobody dials at night believing hours are kept',
  }),
  SIBLINGS: Type.Enum(['write', 'ignore'], {
    description:
      'Another lead with a number under way: `write` gives it that call’s outcome, `ignore` answers `duplicate` and leaves it',
    default: 'write',
  }),
  DNC_SOURCE: Type.Optional(
    Type.Enum(['none'], {
      description:
        '`none`: a store without a do-not-call list may dial. Unset, a new or emptied Redis takes leads and dials nobody until `POST /control/resume`',
    }),
  ),

  CALL_DEADLINE_SECONDS: Type.Optional(
    seconds('When a completion is overdue, counted from Bland’s answer; unset, BLAND_MAX_DURATION plus 5 minutes'),
  ),
  COMPLETED_TTL: seconds('How long a completed call can be looked at', 172_800),
  FAILED_TTL: seconds('How long a failed call can be replayed', 604_800),
  LINE_HOLD: rest('How long a number rests after a call', 120),
  LINE_HOLD_TRANSFERRED: rest('How long a number rests after a transfer: an agent may still be talking', 4800),
  LEASE: seconds(
    'How long an instance may work on a call before another takes over; vendor time-outs derive from it',
    15,
  ),
  RETRY_INITIAL_DELAY: Type.Integer({
    minimum: 1,
    maximum: LARGEST,
    description: 'First wait after Convoso failed, in ms; doubles from there',
    default: 1000,
  }),
  RETRY_MAX_DELAY: Type.Integer({
    minimum: 1,
    maximum: LARGEST,
    description: 'Longest wait between two tries at Convoso, in ms',
    default: 900_000,
  }),
})

export type Config = Static<typeof Env>

declare module 'fastify' {
  interface FastifyInstance {
    config: Config
  }
}
