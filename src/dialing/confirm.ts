import type { Claim } from '../calls/claim.ts'
import type { Log, Runner } from '../calls/runner.ts'
import type { Store } from '../calls/store.ts'

/** The vendor has the call: → pending, and on at once when its completion was here before anybody knew whose it was. */
export function createConfirm({ store, runner, log }: { store: Store; runner: Runner; log: Log }) {
  return async function confirm({ call }: Claim, callId: string, how: string): Promise<void> {
    const { kind, claim } = await store.confirmDial(call.requestId, call.lead, call.writes, callId)
    const about = {
      stage: 'WEBHOOK_REGISTERED',
      request_id: call.requestId,
      lead_id: call.lead.leadId,
      call_id: callId,
      confirmed: kind,
    }
    if (kind === 'second_call') log.error(about, 'two calls for one request')
    else log.info(about, how)
    if (claim) runner.startNow(claim)
    else if (kind === 'joined' || kind === 'second_call') runner.wake()
  }
}
