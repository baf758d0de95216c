import Fastify, { type FastifyInstance } from 'fastify'
import Type from 'typebox'
import { type Clock, createTimers, wallClock } from '../simulator/clock.ts'
import { controlRoutes } from '../simulator/control.ts'
import { type Checked, check, createDials, exact, must } from '../simulator/dials.ts'
import { createLedger } from '../simulator/ledger.ts'
import { createListener } from '../simulator/listener.ts'
import { createAccount } from './account.ts'
import { ConvosoDials, EndpointFaults, GOOD_DAY } from './dials.ts'
import type { ConvosoEntry, ConvosoLedger } from './entries.ts'
import { createFaultPicker } from './faults.ts'
import { ENDPOINTS, type Endpoint, type Params } from './fields.ts'
import { convosoRoutes } from './routes.ts'
import { createLeadSender, type SendOrder, type Sent } from './sender.ts'
import { STATUSES } from './statuses.ts'
import { createMeter, sums } from './tally.ts'

export interface ConvosoSimulatorOptions {
  /** What `auth_token` must be. */
  token?: string
  seed?: number
  clock?: Clock
  /** What clocks the account's times are shown by; IANA name. */
  timeZone?: string
  /** Dials that differ from a good day. */
  dials?: Partial<ConvosoDials>
}

/** Faults for one lead alone, in place of the endpoint's. */
export interface LeadScript {
  lead_id: string
  faults: Partial<Record<Endpoint, EndpointFaults>>
}

export interface ConvosoSimulator {
  app: FastifyInstance
  readonly url: string
  listen(port?: number, host?: string): Promise<string>
  close(): Promise<void>
  /** As `GET /__ledger`; entries from number `from` on. */
  ledger(from?: number): ConvosoLedger
  /** Resolves with the first `times` entries that match, once they are there. */
  seen(matches: (entry: ConvosoEntry) => boolean, times?: number): Promise<ConvosoLedger['entries']>
  forget(): void
  /** Turns dials, returns those in force; throws on what `POST /__faults` would answer 400. */
  faults(patch: Partial<ConvosoDials>): ConvosoDials
  /** As `POST /__script`. */
  script(script: LeadScript): void
  /** As `POST /__leads`: leads exist from now on; `call_log_id` makes a call log known too. */
  leads(leads: LeadRow[]): void
  /** As `POST /__agent`: an agent sets the disposition of a lead, now. Throws on a status the account has not. */
  agent(order: AgentOrder): void
  /** As `POST /__send`: posts a lead to a webhook. Never rejects. */
  send(order: SendOrder): Promise<Sent>
  /** What Convoso has of a lead by now, by the names it was written under. */
  lead(leadId: string): Params | undefined
}

export interface AgentOrder {
  lead_id: string
  status: string
}

export type LeadRow = { lead_id: string | number; [field: string]: unknown }

const ID = Type.Union([Type.String({ minLength: 1 }), Type.Number()])
const Leads = Type.Array(Type.Object({ lead_id: ID }))
const AgentBody = exact({ lead_id: ID, status: Type.Enum(STATUSES.map(({ status }) => status)) })
const SendBody = exact({
  url: Type.String({ pattern: '^https?://' }),
  lead: Type.Record(Type.String(), Type.Unknown()),
  encoding: Type.Optional(Type.Enum(['json', 'form'])),
  secret: Type.Optional(Type.String()),
})
const ScriptBody = exact({
  lead_id: ID,
  faults: Type.Partial(exact(Object.fromEntries(ENDPOINTS.map((name) => [name, EndpointFaults]))), {
    additionalProperties: false,
  }),
})

/** A Convoso where agents do what they are told: same endpoints, envelopes and codes, with a memory and dials. */
export function createConvosoSimulator(options: ConvosoSimulatorOptions = {}): ConvosoSimulator {
  const { token = 'simulated-token', seed = 1, clock = wallClock, timeZone = 'America/Los_Angeles' } = options
  const timers = createTimers(clock)
  const ledger = createLedger<ConvosoEntry>(clock.now)
  const account = createAccount({ now: clock.now, timeZone })
  const meter = createMeter(clock.now)
  const sender = createLeadSender(clock, ledger)
  let outUntilMs = 0
  const dials = createDials(ConvosoDials, { ...GOOD_DAY, ...options.dials }, ({ outage_ms: ms }) => {
    picker.restart()
    if (ms !== undefined) outUntilMs = clock.now() + ms
  })
  const picker = createFaultPicker(seed, dials.now)
  const app = Fastify({ logger: false, forceCloseConnections: true, bodyLimit: 20_000_000 })
  const listener = createListener(app)

  const read = (from = 0): ConvosoLedger => ({
    ...meter.readings(),
    ...sums(ledger.entries()),
    entries: ledger.entries(from),
  })
  const forget = () => {
    ledger.clear()
    meter.reset()
  }

  function addLeads(body: unknown): Checked<{ added: number }> {
    const checked = check(Leads, body)
    if (!checked.ok) return checked
    for (const row of checked.value as LeadRow[]) {
      const fields = Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value ?? '')]))
      account.save(String(row.lead_id), fields)
      if (fields.call_log_id) account.callLogs.set(fields.call_log_id, {})
    }
    return { ok: true, value: { added: checked.value.length } }
  }
  function agent(body: unknown): Checked<AgentOrder> {
    const checked = check(AgentBody, body)
    if (!checked.ok) return checked
    const order = { lead_id: String(checked.value.lead_id), status: checked.value.status }
    account.save(order.lead_id, { status: order.status })
    ledger.record({ what: 'agent', ...order })
    return { ok: true, value: order }
  }
  function script(body: unknown): Checked<unknown> {
    const checked = check(ScriptBody, body)
    if (!checked.ok) return checked
    picker.give(String(checked.value.lead_id), checked.value.faults as LeadScript['faults'])
    return checked
  }
  async function send(body: unknown): Promise<Checked<Sent>> {
    const checked = check(SendBody, body)
    return checked.ok ? { ok: true, value: await sender.send(checked.value as SendOrder) } : checked
  }

  const posts = { leads: addLeads, agent, script, send }
  app.register(controlRoutes({ ledger: read, forget, dials, posts }))
  app.register(
    convosoRoutes({
      ...{ token, now: clock.now, timers, ledger, account, picker, meter },
      dials: dials.now,
      isOut: () => clock.now() < outUntilMs,
    }),
  )
  app.addHook('onClose', async () => {
    timers.clear()
    await sender.close()
  })

  return {
    app,
    get url() {
      return listener.url
    },
    listen: listener.listen,
    close: () => app.close(),
    ledger: read,
    seen: ledger.seen,
    forget,
    faults: (patch) => must(dials.patch(patch)),
    script: (given) => void must(script(given)),
    leads: (rows) => void must(addLeads(rows)),
    agent: (order) => void must(agent(order)),
    send: (order) => sender.send(order),
    lead: (leadId) => account.leads.get(leadId),
  }
}
