import { timingSafeEqual } from 'node:crypto'
import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Lead } from '../calls/call.ts'
import type { Admission } from '../calls/claim.ts'
import { within } from '../calls/within.ts'
import { InvalidRequest, Unauthorized } from '../errors.ts'
import { LeadBody, readLead } from './schema.ts'

const LEAD_BODY_LIMIT = 256 * 1024

const Accepted = Type.Object({
  success: Type.Literal(true),
  message: Type.String(),
  request_id: Type.String(),
  duplicate: Type.Optional(Type.Literal(true)),
  sibling_of: Type.Optional(Type.String()),
  state: Type.Optional(Type.Literal('refused')),
  rule: Type.Optional(Type.String()),
})

/** What the lead webhook answers for each way a lead can be taken in. */
function answer(admission: Admission): Static<typeof Accepted> {
  const { requestId: request_id } = admission
  if (admission.kind === 'duplicate') {
    return { success: true, message: 'This lead or its number is under way already', request_id, duplicate: true }
  }
  if (admission.kind === 'sibling') {
    const message = 'Lead stored: its number is being called for another lead, whose outcome it will get'
    return { success: true, message, request_id, sibling_of: admission.siblingOf }
  }
  if (admission.kind === 'refused') {
    return { success: true, message: 'This number is not called', request_id, state: 'refused', rule: admission.rule }
  }
  return { success: true, message: 'Lead stored: its number will be called', request_id }
}

function same(given: string, secret: string) {
  const [a, b] = [Buffer.from(given), Buffer.from(secret)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * The lead webhook. It answers 202 once the lead is stored, and goes on to dial in the background.
 */
export const leads: FastifyPluginAsyncTypebox = async (app) => {
  const { store, work, runner, times, clock } = app.calls
  const secret = app.config.CONVOSO_WEBHOOK_SECRET
  const siblings = app.config.SIBLINGS === 'write'
  await app.register(formbody, { bodyLimit: LEAD_BODY_LIMIT })
  app.removeContentTypeParser('text/plain')

  app.addHook('onRequest', async (request) => {
    if (!secret) return
    const { secret: fromQuery } = request.query as { secret?: string }
    const given = request.headers['x-webhook-secret'] ?? fromQuery
    if (typeof given !== 'string' || !same(given, secret)) {
      throw new Unauthorized('Header x-webhook-secret (or ?secret=) does not carry the webhook secret')
    }
  })

  /** Stores a lead, and goes on with it: its dial starts at once where there is a permit for it. */
  async function takeIn(requestId: string, lead: Lead, log: FastifyBaseLogger): Promise<Admission> {
    const permit = runner.reserve('dial')
    const admission = await store
      .admit(requestId, lead, app.crm.writesFor(lead), { permit, siblings })
      .catch((error) => {
        if (permit) {
          runner.release('dial')
          giveBack(requestId).catch((lost) =>
            log.error({ err: lost, request_id: requestId }, 'a lead may wait in dialing'),
          )
        }
        throw error
      })
    const { kind, requestId: taken } = admission
    log.info({ stage: 'INIT', request_id: taken, lead_id: lead.leadId, admission: kind }, 'lead taken in')
    if (kind === 'new' && admission.claim) runner.start(admission.claim)
    else if (permit) runner.release('dial')
    // Something is due that nobody waits for yet: an outcome to deliver, or a turn to dial at the shared pace.
    if (kind === 'refused' || kind === 'sibling' || (kind === 'new' && admission.waitsFor === 'pace')) runner.wake()
    return admission
  }

  /**
   * The lead may have been stored, and be ours to dial, although the answer that said so was lost: then nobody would.
   * The claim is given back as soon as Redis is there.
   */
  async function giveBack(requestId: string) {
    const claim = await work.lostAdmission(requestId)
    if (claim && (await work.undial(claim, 'admission_answer_lost', 0))) runner.wake()
  }

  app.post(
    '/webhooks/awhealth-outbound',
    {
      bodyLimit: LEAD_BODY_LIMIT,
      attachValidation: true,
      schema: { body: LeadBody, response: { 202: Accepted } },
    },
    async (request, reply) => {
      const read = readLead(request.body)
      if ('faults' in read) throw new InvalidRequest(read.faults.join(', '))
      // An answer that comes too late for this sender is still acted on: the lead is stored then.
      const admission = await within(times.intake, takeIn(request.id, read.lead, request.log), clock)
      return reply.code(202).send(answer(admission))
    },
  )
}
