import type { Config } from '../config.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const DAY = 24 * 60 * MINUTE

/** Every time-out, lease and window, in whole ms. Nothing else in the tree invents one. */
export interface Times {
  /** How long a claim keeps other instances away from a call. */
  lease: number
  /** Longest age of a permission to dial, from before Redis was asked to the moment of the POST. */
  permit: number
  /** The one POST to the voice vendor is aborted after this. */
  post: number
  /** When somebody looks after a call that is still dialing: later than any POST of its dialer can last. */
  firstLook: number
  /** Between two looks that found nothing. */
  nextLook: number
  /** When a completion is overdue, counted from the vendor's answer. */
  deadline: number
  /** When the vendor is first asked what became of a call, counted from its answer: at the deadline, unless we poll. */
  firstReport: number
  /** Between two looks at a call that goes on: at least so long, and at least this share of how long it has lasted. */
  lookLive: number
  lookLiveShare: number
  /** Most looks at a call when we poll; without polling there is no such number. */
  polls: number
  /** How long a dial may keep the line: the longest call, and the transfer that may follow it. */
  line: number
  /** A call the vendor calls live for longer than this never ended. */
  endless: number
  hold: number
  holdTransferred: number
  /** One request to the CRM is aborted after this. */
  write: number
  /** How far the CRM's clock may be from ours, with what becomes of a lead in the moment it is dialed. */
  skew: number
  /** First and longest wait between two writes that failed, and when to give up. */
  retryFirst: number
  retryLongest: number
  retryWindow: number
  completedTtl: number
  failedTtl: number
  /** A taken completion is remembered this long. */
  taken: number
  /** A completion nobody knows is kept this long. */
  parked: number
  attempts: number
  /** A turn at a shared rate may be reserved this far ahead. */
  horizon: number
  /** The runner asks at least this often for what is due. */
  idle: number
  /** The runner waits this long for more to come due before it asks. */
  gather: number
  /** A webhook whose script has not answered by then gets a 503: together with the answer's way below 250 ms. */
  intake: number
  /** The same for an operator's question, who would rather wait than ask again. */
  operator: number
  /** Replicas may take so long to acknowledge what precedes a dial; a dial may have to sit out another's wait first. */
  witness: number
  /** Nobody is dialed for so long after the vendor refused the account or our settings. */
  rest: number
  /** A start waits this long for Redis before it listens without it. */
  boot: number
  /** A connection to Redis has this long to part politely. */
  quit: number
  /** Work in hand may go on this long after SIGTERM. */
  shutdown: number
}

/** Derives all times from the configuration. */
export function timesOf(config: Config): Times {
  const lease = config.LEASE * SECOND
  const deadline = config.CALL_DEADLINE_SECONDS
    ? config.CALL_DEADLINE_SECONDS * SECOND
    : config.BLAND_MAX_DURATION * MINUTE + 5 * MINUTE
  const polling = !config.BLAND_WEBHOOK_URL
  const hold = config.LINE_HOLD * SECOND
  // A transfer never rests shorter than any other call.
  const holdTransferred = Math.max(config.LINE_HOLD_TRANSFERRED * SECOND, hold)
  return {
    lease,
    permit: Math.round(lease / 2),
    post: Math.round((lease * 2) / 3),
    firstLook: Math.round((lease * 4) / 3),
    nextLook: lease * 4,
    deadline,
    firstReport: polling && config.BLAND_POLL_MAX_ATTEMPTS > 1 ? config.BLAND_POLL_INTERVAL : deadline,
    lookLive: polling ? config.BLAND_POLL_INTERVAL : Math.min(Math.round(deadline / 5), 5 * MINUTE),
    lookLiveShare: polling ? 1 / 20 : 0,
    polls: polling ? config.BLAND_POLL_MAX_ATTEMPTS : Number.POSITIVE_INFINITY,
    line: deadline + holdTransferred,
    endless: Math.max(deadline, config.BLAND_MAX_DURATION * MINUTE) + holdTransferred + deadline,
    hold,
    holdTransferred,
    write: Math.round((lease * 2) / 3),
    skew: 10 * SECOND,
    retryFirst: config.RETRY_INITIAL_DELAY,
    retryLongest: Math.max(config.RETRY_MAX_DELAY, config.RETRY_INITIAL_DELAY),
    retryWindow: DAY,
    completedTtl: config.COMPLETED_TTL * SECOND,
    failedTtl: config.FAILED_TTL * SECOND,
    taken: 30 * DAY,
    parked: DAY,
    attempts: 8 * DAY,
    horizon: 250,
    idle: SECOND,
    gather: 20,
    intake: 200,
    operator: 2 * SECOND,
    witness: Math.round(lease / 10),
    rest: MINUTE,
    boot: 2 * SECOND,
    quit: SECOND / 2,
    shutdown: 8 * SECOND,
  }
}

/** How a connection to Redis behaves, whatever is configured; in ms. */
export const REDIS = {
  /** Between two tries to connect, first and longest: a Redis that is back is noticed within a second. */
  retryFirst: 50,
  retryLongest: SECOND,
  retryMoved: 20,
  connect: 2 * SECOND,
  /** Awaited answers that stay out so long: the connection is dead. */
  silence: 5 * SECOND,
  /** A cluster is asked this often which node has which slots. */
  refresh: SECOND,
} as const

/** What is wrong with these times taken together: a list of sentences, empty when they fit. */
export function timeFaults(times: Times): string[] {
  const faults: string[] = []
  if (times.permit + times.post >= times.firstLook) faults.push('LEASE: a POST could outlast the first look after it')
  if (times.write >= times.lease) faults.push('LEASE: a write to the CRM could outlast its lease')
  if (2 * times.witness >= times.permit) {
    faults.push('LEASE: replicas could take longer than a permission to dial lasts')
  }
  return faults
}
