import type { IncomingHttpHeaders } from 'node:http'
import type { Dispatcher } from 'undici'

/** One HTTP request, by how far it came. */
export type Exchange =
  | { kind: 'answered'; status: number; headers: IncomingHttpHeaders; body: Buffer }
  /** Not one byte was written, and none will be. */
  | { kind: 'unsent'; reason: string }
  /** Bytes may have left, and no whole answer came back. */
  | { kind: 'broken'; reason: string }

export interface Ask {
  method: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body?: string
  /** A longer answer is cut off and counts as broken. */
  maxBytes: number
  signal: AbortSignal
}

const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ENOTFOUND: 'name_not_found',
  EAI_AGAIN: 'name_not_found',
  UND_ERR_CONNECT_TIMEOUT: 'connect_timeout',
  UND_ERR_HEADERS_TIMEOUT: 'answer_timeout',
  UND_ERR_BODY_TIMEOUT: 'answer_timeout',
  UND_ERR_SOCKET: 'connection_closed',
  UND_ERR_INVALID_ARG: 'invalid_request',
  UND_ERR_CLOSED: 'closed',
  UND_ERR_DESTROYED: 'closed',
}

/** A stable word for an error; its message could quote an address or a header. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return (typeof code === 'string' && REASONS[code]) || 'connection_failed'
}

/**
 * Sends one request, once, and never rejects. `signal` settles it at any stage.
 *
 * Error codes do not tell a request that was never written from one that was (a reset can be either), so this looks at
 * undici's `onRequestStart` instead: it runs right before the first byte of a request is written, and may still stop it.
 */
export function exchange(dispatcher: Dispatcher, { maxBytes, signal, ...request }: Ask): Promise<Exchange> {
  return new Promise((resolve) => {
    let controller: Dispatcher.DispatchController | undefined
    let settled = false
    let answer: { status: number; headers: IncomingHttpHeaders } | undefined
    let size = 0
    const chunks: Buffer[] = []

    const settle = (outcome: Exchange) => {
      if (settled) return
      settled = true
      signal.removeEventListener('abort', abort)
      resolve(outcome)
    }
    const end = (reason: string) => settle({ kind: controller === undefined ? 'unsent' : 'broken', reason })
    const abort = () => {
      end('aborted')
      controller?.abort(new Error('aborted'))
    }

    if (signal.aborted) return end('aborted')
    signal.addEventListener('abort', abort)
    dispatcher.dispatch(request, {
      onRequestStart(started) {
        // Settled while it waited for a socket: it counts as unsent and must stay so. Started before: never write twice.
        if (settled || controller !== undefined) return started.abort(new Error('aborted'))
        controller = started
      },
      onResponseStart(_, status, headers) {
        if (status >= 200) answer = { status, headers }
      },
      onResponseData(started, chunk) {
        size += chunk.length
        if (size <= maxBytes) return void chunks.push(chunk)
        end('answer_too_large')
        started.abort(new Error('answer too large'))
      },
      onResponseEnd() {
        if (answer === undefined) end('connection_failed')
        else settle({ kind: 'answered', ...answer, body: Buffer.concat(chunks) })
      },
      onResponseError(_, error) {
        end(reasonOf(error))
      },
    })
  })
}
