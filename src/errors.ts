import createError from '@fastify/error'

/*
 * Every answer that is not a yes, by what happens next. Messages go to the sender as they are: they name fields, never values.
 */

/** The sender has to change the request: nothing was stored, sending it again as it is will not help. */
export const InvalidRequest = createError<[string]>('AWH_INVALID', 'Invalid payload: %s', 400)

/** The sender has to prove who it is. */
export const Unauthorized = createError<[string]>('AWH_UNAUTHORIZED', '%s', 401)

export const NotFound = createError<[string]>('AWH_NOT_FOUND', '%s', 404)

/** The call is not in a state in which this can be asked. */
export const Conflict = createError<[string]>('AWH_CONFLICT', '%s', 409)

/** Nothing is wrong with the request, and nothing was lost: send it again after Retry-After. */
export const Unavailable = createError('AWH_UNAVAILABLE', 'The store cannot be reached: send it again in a second', 503)
