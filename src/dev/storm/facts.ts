import type { LeadBook } from './book.ts'

/** Everything both vendors saw of a lead, oldest first; seconds after the start. */
export function factsOf(lead: LeadBook, startedMs: number): string[] {
  const facts: [atMs: number, text: string][] = [
    ...lead.postings.map(({ atMs, as, requestId }): [number, string] => [atMs, `202 ${as} ${requestId}`]),
    ...lead.calls.flatMap(({ dials, requestId }) =>
      dials.flatMap(({ atMs, answeredMs, answer, placed }): [number, string][] => [
        [atMs, `dialed for ${requestId}`],
        ...(answer === null ? [] : [[answeredMs, `dial answered ${answer}`] as [number, string]]),
        ...(placed
          ? ([
              [placed.atMs, `placed ${placed.callId} ${placed.scene}${placed.forgotten ? ', forgotten' : ''}`],
              [placed.endedMs, 'call ended'],
              [placed.takenMs, 'completion answered 2xx'],
            ] as [number, string][])
          : []),
      ]),
    ),
    ...[...lead.writes, ...lead.logs].map(({ atMs, applied, fault, outcome, status }): [number, string] => [
      atMs,
      `${applied ? 'written' : 'not written'} ${outcome} ${status}${fault === null ? '' : `, ${fault}`}`,
    ]),
  ]
  return facts
    .filter(([atMs]) => Number.isFinite(atMs))
    .sort(([a], [b]) => a - b)
    .map(([atMs, text]) => `${((atMs - startedMs) / 1000).toFixed(1).padStart(7)} s  ${text}`)
}
