import type { FastifyError } from 'fastify'
import fp from 'fastify-plugin'

/** An error as it may be logged: ioredis hangs the command on its errors, with phone numbers and passwords in it. */
export const bareError = ({ name, message, stack, code }: Error & { code?: string }) => ({
  type: name,
  message,
  stack,
  code,
})

/**
 * What a sender hears when the answer is not a yes: a reason it can act on, the id to ask about, never a stack. Fastify's
 * own refusals (cut-off JSON, too large, unknown media type) answer in the same form as ours.
 */
export const answers = fp(
  async (app) => {
    app.setErrorHandler<FastifyError>((error, request, reply) => {
      const status = error.statusCode && error.statusCode >= 400 ? error.statusCode : 500
      if (status >= 500) request.log.error({ err: error, request_id: request.id }, 'request failed')
      if (status === 503) reply.header('retry-after', '1')
      const reason = status === 500 ? 'Internal error: it was logged under this request_id' : error.message
      return reply.code(status).send({ success: false, error: reason, request_id: request.id })
    })

    app.setNotFoundHandler((request, reply) =>
      reply
        .code(404)
        .send({ success: false, error: 'Not Found', path: request.url.split('?')[0], request_id: request.id }),
    )
  },
  { name: 'answers' },
)
