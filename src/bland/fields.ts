/*
 * Tolerant reading of vendor JSON. Everything answers null for what it cannot read; nothing here throws.
 */

export type Fields = Record<string, unknown>

/** Longer than any id of ours or Bland's; what exceeds it is no id and must not become a Redis key. */
const LONGEST_ID = 200

/** The value of a JSON text; undefined when it is none. */
export function parsed(json: string | Buffer): unknown {
  try {
    return JSON.parse(json.toString())
  } catch {
    return undefined
  }
}

/** The JSON text of a value; null when it has none (a body nested deeper than the stack, for one). */
export function written(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? null
  } catch {
    return null
  }
}

export const fieldsOf = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null

export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** Trimmed text, or a number as text. Blank is null. */
export function textOf(value: unknown): string | null {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null
  return typeof value === 'string' ? value.trim() || null : null
}

/** A number, or a text that is nothing but a decimal number: '' and '1e3' are none. */
export function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null
  return typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : null
}

export const isTrue = (value: unknown): boolean => value === true || textOf(value)?.toLowerCase() === 'true'

export function idOf(value: unknown): string | null {
  const id = textOf(value)
  return id !== null && id.length <= LONGEST_ID ? id : null
}
