import { createHmac } from 'node:crypto'

/**
 * What Bland sends in `X-Webhook-Signature`: HMAC-SHA256 of exactly the bytes of the body, lower-case hex, no prefix and
 * no timestamp. https://docs.bland.ai/tutorials/webhook-signing
 */
export const sign = (bytes: Buffer, secret: string): string => createHmac('sha256', secret).update(bytes).digest('hex')
