/** An HTTP answer; a string body is an HTML page. */
export interface Answer {
  status: number
  body: object | string
}

const error = (status: number, message: string): Answer => ({ status, body: { status: 'error', message } })

/*
 * The texts are those of "Error Codes Reference" on https://docs.bland.ai/api-v1/post/calls; the bodies differ from each
 * other as they do there.
 */
const refusals = {
  dnc: {
    status: 400,
    body: {
      status: 'DNC Error',
      message:
        'Number found in DNC list. You cannot dial sensitive numbers. More attempts will result in being blocked.',
    },
  },
  sensitive: error(400, 'Cannot dial sensitive numbers. More attempts will result in being blocked.'),
  blacklisted: error(429, 'This number is blacklisted.'),
  no_balance: error(402, 'Insufficient balance.'),
  flagged: error(403, 'The Bland Team has flagged your account. Please contact support.'),
  pathway_not_found: error(404, 'Pathway with ID "00000000-0000-4000-a000-000000000000" not found'),
  objective: { status: 418, body: { error: 'OBJECTIVE_VALIDATION_ERROR', details: 'task' } },
  invalid_number: { status: 400, body: { error: 'Invalid phone number format' } },
  international: {
    status: 400,
    body: {
      status: 'error',
      message: 'International calls are not available.',
      errors: [{ error: 'CALL_UNPAID_INTL_BLOCK', message: 'International calls are not available.' }],
    },
  },
} satisfies Record<string, Answer>

/** Why Bland will not dial a number, whatever is asked. */
export type Refusal = keyof typeof refusals
export const REFUSALS = Object.keys(refusals) as Refusal[]
export const refusal = (kind: Refusal): Answer => refusals[kind]

export const UNAUTHORIZED: Answer = {
  status: 401,
  body: { data: null, errors: [{ error: 'AUTH_FAILURE', message: 'Unauthorized' }] },
}
export const SAME_NUMBER = error(
  429,
  'Calls can only be sent every 10 seconds to the same number. Please try again in a few seconds.',
)
export const TOO_MANY_LIVE: Answer = {
  status: 429,
  body: {
    status: 'error',
    message: 'Rate limit exceeded',
    errors: [{ error: 'CALL_RL_PLAN_CONCURRENCY', message: 'Rate limit exceeded' }],
  },
}
export const RATE_LIMITED = error(429, 'Rate limit exceeded')
export const SERVER_ERROR = error(500, 'Error in fetching user data')
export const TRIGGER_ERROR = error(500, 'Error triggering call.')
export const UNABLE = error(400, 'Unable to queue call.')
export const GATEWAY: Answer = {
  status: 502,
  body: '<html><head><title>502 Bad Gateway</title></head><body><center>502 Bad Gateway</center></body></html>',
}
export const NO_SUCH_CALL = error(404, 'Call not found.')
export const NOT_LIVE = error(400, 'SID not found for the given c_id.')
export const ENDED: Answer = { status: 200, body: { status: 'success', message: 'Call ended successfully.' } }

const queued = { status: 'success', message: 'Call successfully queued.' }
export const QUEUED_WITHOUT_ID: Answer = { status: 200, body: queued }
export const placed = (callId: string): Answer => ({
  status: 200,
  body: { ...queued, call_id: callId, batch_id: null },
})
export const invalid = (message: string): Answer => error(400, message)
/** The one validation error whose `errors` are plain strings. */
export const missing = (parameter: string): Answer => {
  const text = `Missing required parameter: ${parameter}.`
  return {
    status: 400,
    body: { status: 'error', message: `Invalid parameters. Error: ["${text}"]`, errors: [text] },
  }
}
