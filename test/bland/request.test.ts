import t from 'tap'
import { type CallSettings, dialBody, webhookOf } from '../../src/bland/request.ts'
import type { E164 } from '../../src/calls/call.ts'
import type { DialOrder } from '../../src/dialing/voice.ts'

const settings: CallSettings = {
  BLAND_WEBHOOK_URL: 'https://calls.example.com/webhooks/bland-callback',
  BLAND_PATHWAY_ID: 'pathway-1',
  BLAND_MAX_DURATION: 30,
  BLAND_ANSWERING_MACHINE_DETECTION: false,
  BLAND_ANSWERED_BY_ENABLED: true,
  BLAND_WAIT_FOR_GREETING: false,
  BLAND_BLOCK_INTERRUPTIONS: false,
  BLAND_RECORD: true,
  BLAND_VOICEMAIL_ACTION: 'hangup',
  BLAND_SENSITIVE_VOICEMAIL_DETECTION: false,
}

const order: DialOrder = {
  requestId: 'req-1',
  lead: {
    leadId: '8763211',
    listId: '16529',
    phone: '+12125550101' as E164,
    callLogId: null,
    fields: { first_name: 'Ana', state: 'NY', empty: '', request_id: 'theirs' },
  },
}

const body = (changes: Partial<CallSettings> = {}, lead: Partial<DialOrder['lead']> = {}) =>
  JSON.parse(dialBody({ ...settings, ...changes }, { ...order, lead: { ...order.lead, ...lead } }))

t.test('what is not set is not sent', async (t) => {
  t.strictSame(body({ BLAND_FROM: '', BLAND_START_NODE_ID: '' }), {
    phone_number: '+12125550101',
    pathway_id: 'pathway-1',
    max_duration: 30,
    record: true,
    wait_for_greeting: false,
    block_interruptions: false,
    answered_by_enabled: true,
    voicemail: { action: 'hangup', sensitive: false },
    request_data: {
      first_name: 'Ana',
      state: 'NY',
      empty: '',
      phone_number: '+12125550101',
      request_id: 'req-1',
      lead_id: '8763211',
      list_id: '16529',
    },
    metadata: { request_id: 'req-1', lead_id: '8763211', list_id: '16529' },
    webhook: 'https://calls.example.com/webhooks/bland-callback?call=req-1',
  })
})

t.test('what is set is sent', async (t) => {
  const all = body(
    {
      BLAND_START_NODE_ID: 'node_1',
      BLAND_TASK_TEMPLATE: 'not with a pathway',
      BLAND_FIRST_SENTENCE_TEMPLATE: 'Hi {{first_name}}!',
      BLAND_FROM: '+12125550190',
      BLAND_TRANSFER_PHONE_NUMBER: '+12125550177',
      BLAND_VOICE_ID: 'June',
      BLAND_ANSWERING_MACHINE_DETECTION: true,
      BLAND_SENSITIVE_VOICEMAIL_DETECTION: true,
      BLAND_VOICEMAIL_ACTION: 'ignore',
      BLAND_VOICEMAIL_MESSAGE: 'not left',
    },
    { callLogId: '99' },
  )
  t.match(all, {
    start_node_id: 'node_1',
    task: undefined,
    first_sentence: 'Hi {{first_name}}!',
    from: '+12125550190',
    transfer_phone_number: '+12125550177',
    voice: 'June',
    amd: true,
    metadata: { call_log_id: '99' },
  })
  t.strictSame(all.voicemail, { action: 'ignore', sensitive: true })

  const task = body({ BLAND_PATHWAY_ID: '', BLAND_TASK_TEMPLATE: 'Ask {{first_name}}.', BLAND_START_NODE_ID: 'node_1' })
  t.match(task, { task: 'Ask {{first_name}}.', pathway_id: undefined, start_node_id: undefined })
})

t.test('a voicemail message is filled in by us', async (t) => {
  const left = (message: string, fields: Record<string, string> = { first_name: 'Ana' }) =>
    body({ BLAND_VOICEMAIL_ACTION: 'leave_message', BLAND_VOICEMAIL_MESSAGE: message }, { fields }).voicemail
  t.strictSame(left('Hi {{first_name}}, call {{ phone_number }}.'), {
    action: 'leave_message',
    message: 'Hi Ana, call +12125550101.',
    sensitive: false,
  })
  t.equal(left('Hi {{first_name}}, bye.', {}).message, 'Hi, bye.', 'a name nobody knows')
  t.equal(left('Hi {{toString}}{{__proto__}}.').message, 'Hi.', 'nor what every object has')
  t.equal(left('Hi {{first_name}}.', { first_name: "$& $1 $'" }).message, "Hi $& $1 $'.", 'names are not patterns')
  t.strictSame(left(' {{first_name}} ', {}), { action: 'hangup', sensitive: false }, 'nothing to say')
  t.strictSame(body({ BLAND_VOICEMAIL_ACTION: 'leave_message' }).voicemail, { action: 'hangup', sensitive: false })
})

t.test('our id joins the webhook’s own query', async (t) => {
  t.equal(webhookOf('http://127.0.0.1:3000/cb?a=1&call=old', 'r/2 &'), 'http://127.0.0.1:3000/cb?a=1&call=r%2F2+%26')
})
