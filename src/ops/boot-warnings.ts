import type { Config } from '../config.ts'

/** What an operator should hear at every start: settings that are lawful, and dangerous to forget. */
export function bootWarnings(config: Config, nodeVersion: string): string[] {
  const warnings: string[] = []
  const node = Number(nodeVersion.split('.')[0]?.replace('v', ''))
  if (node < 22) warnings.push(`Node ${nodeVersion} is past its end of life: no more fixes, and time zones that age`)
  if (config.CALLING_HOURS === 'off') warnings.push('CALLING_HOURS=off: leads are dialed at any hour of the day')
  if ((config.CALL_DEADLINE_SECONDS ?? Infinity) < config.BLAND_MAX_DURATION * 60) {
    warnings.push(
      'CALL_DEADLINE_SECONDS is shorter than BLAND_MAX_DURATION: a call nobody heard of may still be live when its line is freed',
    )
  }
  if (!config.BLAND_WEBHOOK_URL) {
    warnings.push(
      'BLAND_WEBHOOK_URL is not set: Bland is POLLED for every call, instead of telling us when one is over',
    )
  }
  if (!config.BLAND_WEBHOOK_SECRET) warnings.push('BLAND_WEBHOOK_SECRET is not set: anybody can post a completion')
  if (!config.CONVOSO_WEBHOOK_SECRET)
    warnings.push('CONVOSO_WEBHOOK_SECRET is not set: anybody can have a number called')
  if (!config.ADMIN_TOKEN)
    warnings.push('ADMIN_TOKEN is not set: /calls is closed, and dead letters cannot be replayed')
  return warnings
}
