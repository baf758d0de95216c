import type { Limits } from '../calls/claim.ts'
import type { Config } from '../config.ts'

/** Concurrent calls of Bland's plans, https://docs.bland.ai/platform/billing; enterprise is by contract. */
const PLAN_CONCURRENCY = { start: 10, build: 50, scale: 100, enterprise: 1_000_000 }

/** What all instances together may do: the plan's cap, unless the configuration names one. */
export function limitsOf(config: Config): Limits {
  return {
    maxConcurrent:
      config.BLAND_MAX_CONCURRENT ?? (config.BLAND_PLAN ? PLAN_CONCURRENCY[config.BLAND_PLAN] : PLAN_CONCURRENCY.build),
    dialsPerSecond: config.BLAND_MAX_PER_SECOND,
    crmPerSecond: config.CONVOSO_MAX_RPS,
  }
}
