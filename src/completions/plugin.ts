import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type, { type Static } from 'typebox'
import type { E164 } from '../calls/call.ts'
import type { Taking } from '../calls/claim.ts'
import { within } from '../calls/within.ts'
import { createSearch } from '../dialing/lost-answer.ts'
import { InvalidRequest, Unauthorized } from '../errors.ts'
import { inHand, pack } from './bytes.ts'
import { listen, optOutAt } from './heard.ts'
import { createOverdue } from './overdue.ts'

const COMPLETION_BODY_LIMIT = 10 * 1024 * 1024
/** A store takes at least so many bytes per ms: large completions get more time before a 503. */
const BYTES_PER_MS = 10_000

const Acknowledged = Type.Object({
  success: Type.Literal(true),
  message: Type.String(),
  request_id: Type.String(),
})

const messages = {
  new: 'Completion stored: its outcome will be delivered',
  duplicate: 'This completion was taken before',
  second_call: 'A second call for one request: stored, and delivered if it came to more than the first',
  unknown: 'Completion stored: no call of ours has this call_id yet',
  event: 'In-call event noted',
  enrichment: 'Enrichment noted',
  other_call: 'Not a call of ours: noted',
  inbound: 'Not a call of ours: noted',
  unrecognized: 'Not a completion: noted',
}

const acknowledge = (what: keyof typeof messages, request_id: string): Static<typeof Acknowledged> => ({
  success: true,
  message: messages[what],
  request_id,
})

/**
 * The completion webhook. It answers 200 once the bytes are stored, and goes on to deliver the outcome in the background.
 */
export const completions: FastifyPluginAsyncTypebox = async (app) => {
  const { store, work, runner, times, clock } = app.calls
  const { completionReader: reader, log } = app
  const overdue = createOverdue({ store: work, voice: app.voice, runner, times, log })
  const search = createSearch({ store: work, voice: app.voice, runner, times, log })
  // Looks: for a call whose dial was not answered, and for a completion that does not come.
  runner.works('look', (claim) => (claim.call.state === 'dialing' ? search(claim) : overdue(claim)))

  // Signatures are made over bytes, so bytes are what this plugin's routes get, whatever they are called.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: COMPLETION_BODY_LIMIT }, (_request, body, done) =>
    done(null, body),
  )

  app.post(
    '/webhooks/bland-callback',
    {
      bodyLimit: COMPLETION_BODY_LIMIT,
      schema: { querystring: Type.Object({ call: Type.Optional(Type.String()) }), response: { 200: Acknowledged } },
    },
    async (request) => {
      const bytes = request.body instanceof Buffer ? request.body : Buffer.alloc(0)
      const signature = request.headers['x-webhook-signature']
      if (!reader.signed(bytes, typeof signature === 'string' ? signature : undefined)) {
        throw new Unauthorized('X-Webhook-Signature is missing, or was not made over these bytes with our secret')
      }
      const mail = reader.open(bytes)
      if (mail.kind === 'garbage') throw new InvalidRequest(mail.reason)

      // The URL finds the call, the body confirms it; where they differ, the body wins: the URL is not signed.
      const fromUrl = request.query.call ?? null
      if (mail.kind === 'aside') {
        if (mail.what === 'inbound') await within(times.intake, heed(mail.caller, bytes), clock)
        request.log.info({ request_id: fromUrl, call_id: mail.callId, what: mail.what }, 'aside of a call noted')
        return acknowledge(mail.what, fromUrl ?? request.id)
      }
      const { callId, origin } = mail
      // One request more: what was written before has to be read.
      const rebuild = origin && { origin, writes: app.crm.writesFor(origin.lead) + 1 }
      const taking = pack(bytes).then((kept) =>
        runner.withRoom('deliver', async (permit) => {
          const taken = await store.takeCompletion(callId, mail.requestId ?? fromUrl, kept, rebuild, permit)
          return inHand(taken, bytes)
        }),
      )
      const goingOn = taking.then((taken) => goOn(taken, callId))
      const taken = await within(times.intake + bytes.length / BYTES_PER_MS, goingOn, clock)
      return acknowledge(taken.kind, taken.kind === 'unknown' ? request.id : taken.requestId)
    },
  )

  /** Who calls us and asks not to be called is not called, whoever they are. */
  async function heed(caller: E164 | null, bytes: Buffer) {
    const completion = reader.decode(bytes)
    if (!caller || !completion || optOutAt(listen(completion)) === null) return
    await store.doNotCall(caller)
    log.warn('somebody called us and asked not to be called again: the number is on the do-not-call list')
  }

  /** The instance that took the completion delivers it, unless it has no room, or the CRM's rate wants it to wait. */
  function goOn(taken: Taking & { waiting: number }, callId: string) {
    const requestId = taken.kind === 'unknown' ? null : taken.requestId
    const about = { request_id: requestId, call_id: callId, taken: taken.kind }
    if (taken.kind === 'second_call') app.log.error(about, 'a second call was placed for one request')
    else app.log.info(about, 'completion taken')
    const more = taken.kind === 'second_call' || (taken.kind === 'new' && (!taken.claim || taken.waiting > 0))
    if (more) runner.wake()
    return taken
  }
}
