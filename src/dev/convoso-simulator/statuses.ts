/** A disposition as `status/search` shows it; the misspelt key is spelt so on the wire. */
export interface Status {
  status: string
  name: string
  final: 'Y' | 'N'
  reached: 'Y' | 'N'
  success: 'Y' | 'N'
  dnc: 'Y' | 'N'
  callback: 'Y' | 'N'
  contact: 'Y' | 'N'
  voicemail: 'Y' | 'N'
  workflow_dispositon_event_option: 'Y' | 'N'
  custom_status: 'Y' | 'N'
}

/*
 * Code, name, and the flags that are Y (f final, r reached, s success, d dnc, b callback, c contact, v voicemail,
 * x custom). Only NEW's flags are documented; the others follow from the meaning.
 * https://help.convoso.com/hc/en-us/articles/37901922321819
 */
const rows = `
NEW   -     New lead
A     v     Answering machine
AA    v     Answering machine detected
AM    v     Answering machine, message sent
AL    v     Answering machine, message played
B     -     Busy
NA    -     No answer
N     -     No answer, dead air
DC    -     Disconnected number
OI    -     Operator intercept
CG    -     Congestion
CGD   -     Congestion, disconnected
CPDINV -    Call progress, invalid number
REJ   -     Rejected
FORBID -    Forbidden
ERI   -     Agent error
DNC   fd    Do not call
DNCA  fdx   Do not call, asked by the customer
DNCL  fd    Do not call, hopper list
CALLBK b    Callback
CBHOLD b    Callback on hold
CB    rbx   Callback requested
SALE  frsc  Sale
XFER  r     Transferred
ACA   rscx  Transferred to an agent
NI    rcx   Not interested
NOTA  x     Not available
PIKER rx    Declined
WRONG rx    Wrong number
BPN   x     Bad phone number
CD    rx    Customer disconnected
CALLHU r    Caller hung up
HU    r     Hung up
AH    r     Answered and hung up
DROP  -     Dropped
INCOMP -    Incomplete
INCALL -    In a call
DONE  f     Done
`

export const STATUSES: Status[] = rows
  .trim()
  .split('\n')
  .map((row) => {
    const [status = '', flags = '', ...name] = row.split(/\s+/)
    const is = (flag: string) => (flags.includes(flag) ? 'Y' : 'N')
    return {
      ...{ status, name: name.join(' '), final: is('f'), reached: is('r'), success: is('s'), dnc: is('d') },
      ...{ callback: is('b'), contact: is('c'), voicemail: is('v'), workflow_dispositon_event_option: 'Y' },
      custom_status: is('x'),
    }
  })

export const isStatus = (code: string): boolean => STATUSES.some(({ status }) => status === code)
