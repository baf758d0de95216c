import { createHmac, timingSafeEqual } from 'node:crypto'

const digest = (bytes: Buffer, secret: string): Buffer => createHmac('sha256', secret).update(bytes).digest()

/** `X-Webhook-Signature` of a body, as Bland makes it: https://docs.bland.ai/tutorials/webhook-signing */
export const sign = (bytes: Buffer, secret: string): string => digest(bytes, secret).toString('hex')

/** The secrets of a comma-separated list. Bland replaces a secret without overlap, so the old one may still be signing. */
export const secretsOf = (list: string): string[] =>
  list
    .split(',')
    .map((secret) => secret.trim())
    .filter((secret) => secret !== '')

/** Whether `signature` (hex) was made over exactly these bytes with one of `secrets`. In constant time; false for no secrets. */
export function signedBy(bytes: Buffer, signature: string | undefined, secrets: readonly string[]): boolean {
  if (signature === undefined || !/^[0-9a-f]{64}$/i.test(signature)) return false
  const shown = Buffer.from(signature, 'hex')
  let matched = false
  for (const secret of secrets) matched = timingSafeEqual(shown, digest(bytes, secret)) || matched
  return matched
}
