import type { Payload } from './payloads.ts'

/** Quotes, an escaped control character, a line separator, an astral character: bytes differ from characters here. */
const ODD = 'Well, "hold on" \u2028 so \u0000 I said: déjà vu 😀 again. '
const LINE_TEXT = ODD.repeat(4)
const LONG_TEXT = `user: ${ODD} \n `.repeat(4000)
const DECISION = JSON.stringify({ reason: ODD.repeat(20) })

/**
 * `payload` with transcript and pathway log lengthened until its JSON is at least `bytes` long, as after a call of half
 * an hour. The repeated texts are shared, so keeping many such payloads costs little memory.
 */
export function padded(payload: Payload, bytes: number): Payload {
  const text = `${payload.concatenated_transcript ?? ''}${LONG_TEXT}`
  const transcripts = Array.isArray(payload.transcripts) ? [...payload.transcripts] : []
  const logs: object[] = []
  const turn = (id: number) => ({ id, user: 'user', text: LINE_TEXT, created_at: payload.created_at })
  const step = { tag: null, role: null, text: null, decision: DECISION, created_at: payload.created_at }
  const size = (value: unknown) => Buffer.byteLength(JSON.stringify(value)) + 1

  for (let left = bytes - size(payload) - size(text); left > 0; left -= size(turn(99)) + size(step)) {
    transcripts.push(turn(transcripts.length + 1))
    logs.push(step)
  }
  return { ...payload, transcripts, concatenated_transcript: text, pathway_logs: logs }
}
