import type { BlandDials } from '../../src/dev/bland-simulator/dials.ts'
import type { SceneName } from '../../src/dev/bland-simulator/scenes.ts'
import type { EndpointFaults } from '../../src/dev/convoso-simulator/dials.ts'
import type { Endpoint } from '../../src/dev/convoso-simulator/fields.ts'

/** One way a call can go, and what it comes to when nobody dies. */
export interface Story {
  name: string
  /** What happens on the call, and what Bland does wrong with it. */
  scene?: SceneName
  bland?: Partial<BlandDials>
  /** The same, of the account as a whole. */
  account?: Partial<BlandDials>
  /** Bland's faults end after so many dials. */
  faultyDials?: number
  convoso?: Partial<Record<Endpoint, EndpointFaults>>
  /** The lead came with a call log: it takes two writes. */
  callLog?: boolean
  /** The number is on the do-not-call list from the start. */
  doNotCall?: boolean
  /** When a completion is overdue, in seconds after the dial's answer; 1. */
  deadline?: number
  /** Played in FULL only, and there as others are in short. */
  long?: boolean
  ends: 'completed' | 'failed'
  outcome: string
  status: string | undefined
  /** Dial requests, and requests for each write, of a play without a fault; one each. */
  dials?: number
  writes?: Partial<Record<Endpoint, number>>
  /** Effects that must be among its points, in this order. */
  effects: string[]
}

const overdue = { never: 1, call_ms: [30, 60] } satisfies Partial<BlandDials>
const delivered = ['crm.leads/update', 'store.settle']
const dialed = ['store.admit', 'voice.dial', 'store.confirmDial']

/** The longest first: most of a play is waiting. */
export const STORIES: readonly Story[] = [
  {
    name: 'Bland forgets the call',
    long: true,
    scene: 'BUSY',
    bland: { ...overdue, forgotten: 1 },
    ...{ ends: 'completed', outcome: 'NO_COMPLETION', status: 'INCOMP' },
    effects: [...dialed, 'store.claimDue', 'voice.report', 'store.lookLater', 'store.conclude', ...delivered],
  },
  {
    name: 'Bland wants fewer calls, and takes the second',
    scene: 'VOICEMAIL',
    bland: { rate_limited: 1, call_ms: [30, 60] },
    ...{ faultyDials: 1, dials: 2 },
    ...{ ends: 'completed', outcome: 'VOICEMAIL', status: 'A' },
    effects: ['store.admit', 'voice.dial', 'store.undial', 'store.claimDue', 'voice.dial', 'store.confirmDial'],
  },
  {
    name: 'a lost answer, its call seen at the second look',
    scene: 'ANSWERED',
    bland: { drop_after: 1, call_ms: [5000, 5000] },
    account: { list_lag_ms: 3400 },
    deadline: 4,
    ...{ ends: 'completed', outcome: 'ANSWERED', status: 'CD' },
    effects: ['voice.find', 'store.lookLater', 'voice.find', 'store.confirmDial', 'store.takeCompletion', ...delivered],
  },
  {
    name: 'a lost answer, its call seen at once',
    scene: 'CALLBACK',
    bland: { drop_after: 1, call_ms: [3500, 3500] },
    deadline: 3,
    ...{ ends: 'completed', outcome: 'CALLBACK', status: 'CB' },
    effects: ['voice.dial', 'store.lookLater', 'voice.find', 'store.confirmDial', 'store.takeCompletion', ...delivered],
  },
  {
    name: 'a call longer than its deadline',
    scene: 'NOT_INTERESTED',
    bland: { never: 1, call_ms: [2600, 2600] },
    ...{ ends: 'completed', outcome: 'NOT_INTERESTED', status: 'NI' },
    effects: [...dialed, 'voice.report', 'store.lookLater', 'voice.report', 'store.takeCompletion', ...delivered],
  },
  {
    name: 'a dial nobody hears of again',
    bland: { drop_before: 1 },
    ...{ ends: 'completed', outcome: 'DIAL_UNCONFIRMED', status: 'N' },
    effects: ['voice.dial', 'store.lookLater', 'voice.find', 'store.conclude', ...delivered],
  },
  {
    name: 'a completion that does not come',
    scene: 'NO_ANSWER',
    bland: overdue,
    ...{ ends: 'completed', outcome: 'NO_ANSWER', status: 'NA' },
    effects: [...dialed, 'store.claimDue', 'voice.report', 'store.takeCompletion', ...delivered],
  },
  {
    name: 'a completion by webhook',
    scene: 'NOT_INTERESTED',
    ...{ ends: 'completed', outcome: 'NOT_INTERESTED', status: 'NI' },
    effects: [...dialed, 'store.takeCompletion', ...delivered],
  },
  {
    name: 'a completion before the answer',
    scene: 'DO_NOT_CALL',
    bland: { early: 1 },
    ...{ ends: 'completed', outcome: 'DO_NOT_CALL', status: 'DNC' },
    effects: ['voice.dial', 'store.takeCompletion', 'crm.leads/update', 'store.confirmDial'],
  },
  {
    name: 'a completion before an answer that is lost',
    scene: 'VOICEMAIL',
    bland: { early: 1, drop_after: 1 },
    ...{ ends: 'completed', outcome: 'VOICEMAIL', status: 'A' },
    effects: ['voice.dial', 'store.takeCompletion', 'crm.leads/update', 'store.lookLater'],
  },
  {
    name: 'a lead with a call log',
    scene: 'TRANSFERRED',
    callLog: true,
    ...{ ends: 'completed', outcome: 'TRANSFERRED', status: 'ACA', writes: { 'log/update': 1 } },
    effects: [...dialed, 'store.takeCompletion', 'crm.leads/update', 'crm.log/update', 'store.settle'],
  },
  {
    name: 'Convoso fails once',
    scene: 'BUSY',
    convoso: { 'leads/update': { server_error: { first: 1 } } },
    ...{ ends: 'completed', outcome: 'BUSY', status: 'B', writes: { 'leads/update': 2 } },
    effects: ['crm.leads/update', 'store.writeLater', 'store.claimDue', 'store.completionBytes', ...delivered],
  },
  {
    name: 'Convoso fails at the second of two writes',
    scene: 'BAD_NUMBER',
    convoso: { 'log/update': { reset_after: { first: 1 } } },
    callLog: true,
    ...{ ends: 'completed', outcome: 'BAD_NUMBER', status: 'DC', writes: { 'log/update': 2 } },
    effects: ['crm.leads/update', 'crm.log/update', 'store.writeLater', 'crm.log/update', 'store.settle'],
  },
  {
    name: 'Convoso does not know the lead',
    scene: 'FAILED',
    convoso: { 'leads/update': { success_false: { first: 9, code: 6001 } } },
    ...{ ends: 'failed', outcome: 'FAILED', status: undefined },
    effects: [...dialed, 'store.takeCompletion', 'crm.leads/update', 'store.fail'],
  },
  {
    name: 'Bland refuses the number',
    bland: { refusals: { '*': 'dnc' } },
    ...{ ends: 'completed', outcome: 'REFUSED', status: 'DNC' },
    effects: ['store.admit', 'voice.dial', 'store.conclude', 'store.claimDue', ...delivered],
  },
  {
    name: 'a number nobody may call',
    doNotCall: true,
    ...{ ends: 'completed', outcome: 'REFUSED', status: 'DNC', dials: 0 },
    effects: ['store.admit', 'store.claimDue', ...delivered],
  },
]
