import bearerAuth from '@fastify/bearer-auth'
import fp from 'fastify-plugin'
import { InvalidRequest, Unauthorized } from '../errors.ts'

/** Closes the routes of the plugin it is registered in to everybody without ADMIN_TOKEN; unset, to everybody. */
export const adminOnly = fp(async (app) => {
  // Nobody has to send a body to press a button.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(body as string))
    } catch {
      done(new InvalidRequest('the body is not JSON'))
    }
  })
  app.addHook('preValidation', async (request) => {
    request.body ??= {}
  })
  const token = app.config.ADMIN_TOKEN
  if (token) {
    const error = 'Authorization: Bearer does not carry ADMIN_TOKEN'
    await app.register(bearerAuth, {
      keys: new Set([token]),
      errorResponse: () => ({ success: false, error }),
      verifyErrorLogLevel: 'info',
    })
    return
  }
  app.addHook('onRequest', async () => {
    throw new Unauthorized('These routes are closed until ADMIN_TOKEN is set')
  })
})
