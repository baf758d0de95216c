import type { BlandLedger } from '../bland-simulator/entries.ts'
import type { ConvosoLedger } from '../convoso-simulator/entries.ts'

/** A kill -9 as it happened: epoch ms, and the hosts under which the victim knew the vendors (none: it was Redis). */
export interface Struck {
  atMs: number
  hosts: string[]
}

/** All that is known of a storm from outside the service. */
export interface Witness {
  bland: BlandLedger
  convoso: ConvosoLedger
  kills: Struck[]
  /** Instances that ended though nobody killed them. */
  fallen: string[]
  startedMs: number
  tookMs: number
}
