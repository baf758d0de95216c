import type { Claim } from '../calls/claim.ts'
import type { Log, Runner } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'

/** The vendor has the call: → pending, and on at once when its completion was here before anybody knew whose it was. */
export function createConfirm({ store, runner, log }: { store: Store; runner: Runner; log: Log }) {
  return async function confirm({ call }: Claim, callId: string, how: string): Promise<void> {
    const { requestId, lead, writes } = call
    const { kind, claim } = await runner.withRoom('deliver', (permit) =>
      store.confirmDial(requestId, lead, writes, callId, permit),
    )
    const about = {
      stage: 'WEBHOOK_REGISTERED',
      request_id: requestId,
      lead_id: lead.leadId,
      call_id: callId,
      confirmed: kind,
    }
    if (kind === 'second_call') log.error(about, 'two calls for one request')
    else log.info(about, how)
    if (!claim && (kind === 'joined' || kind === 'second_call')) runner.wake()
  }
}
