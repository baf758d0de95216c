import type { Completion } from './completion.ts'
import { MAILBOX, OPT_OUT, TELLERS } from './phrases.ts'
import { contains, type Phrasebook, plain } from './wording.ts'

/** One line of the customer's side, in plain words. */
interface Saying {
  number: number
  words: string
  /** It follows a line of the agent's. */
  reply: boolean
  /** Only a mailbox or a call screener says this. */
  machine: boolean
}

/** A completion with what was heard in it: worked out once, read by many rules. */
export interface Heard extends Completion {
  customer: Saying[]
  /** The line by which two people were talking with each other; null when they were not. */
  dialogueAt: number | null
}

/** Answers that make a dialogue. A greeting cut in two by an agent who speaks too early makes one. */
const REPLIES = 2

/** Number of the first customer line with one of `phrases`. */
export const heardAt = (call: Heard, phrases: Phrasebook): number | null =>
  call.customer.find(({ words }) => contains(words, phrases))?.number ?? null

/** Number of the first customer line that asks for no more calls. */
export const optOutAt = (call: Heard): number | null =>
  call.customer.find(({ words }) => contains(words, OPT_OUT, TELLERS))?.number ?? null

/** Number of the first line that gives a machine away. */
export const machineAt = (call: Heard): number | null => call.customer.find(({ machine }) => machine)?.number ?? null

/**
 * A dialogue has to stand before all machine phrases or after them: a screener may let a human through, and a human may
 * say "leave a message".
 */
function dialogueAt(customer: readonly Saying[]): number | null {
  const machine = customer.map((saying) => saying.machine)
  const first = machine.indexOf(true)
  const parts = first === -1 ? [customer] : [customer.slice(0, first), customer.slice(machine.lastIndexOf(true) + 1)]
  const proofs = parts.map((part) => part.filter(({ reply }) => reply)[REPLIES - 1])
  return proofs.find((saying) => saying !== undefined)?.number ?? null
}

/** Listens to a completion: what the customer's side said, and whether it was a conversation. */
export function listen(completion: Completion): Heard {
  const customer: Saying[] = []
  let before = ''
  for (const { number, who, text } of completion.lines) {
    if (who === 'other') continue
    if (who === 'customer') {
      const words = plain(text)
      customer.push({ number, words, reply: before === 'agent', machine: contains(words, MAILBOX) })
    }
    before = who
  }
  return { ...completion, customer, dialogueAt: dialogueAt(customer) }
}
