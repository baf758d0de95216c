import Type, { type Static, type TObject, type TSchema } from 'typebox'
import { Value } from 'typebox/value'

/** What a simulator does wrong, or how long it takes: read at every use, turned from outside. */
export interface Dials<T> {
  now(): T
  /** Turns the dials named in `patch`; with a message and no effect when one is unknown or out of range. */
  patch(patch: unknown): Checked<T>
}

export type Checked<T> = { ok: true; value: T } | { ok: false; error: string }

export const probability = (description: string) => Type.Number({ minimum: 0, maximum: 1, description })
export const milliseconds = (description: string) => Type.Number({ minimum: 0, description })
export const count = (description: string) => Type.Integer({ minimum: 0, description })
/** Least and most, drawn evenly. */
export const range = (description: string) =>
  Type.Tuple([Type.Number({ minimum: 0 }), Type.Number({ minimum: 0 })], { description })

/** An object that takes no other keys. */
export const exact = <P extends Record<string, TSchema>>(properties: P) =>
  Type.Object(properties, { additionalProperties: false })

/** `value` as the schema has it, or one line that names everything at fault. Converts nothing and drops nothing. */
export function check<S extends TSchema>(schema: S, value: unknown): Checked<Static<S>> {
  const errors = Value.Errors(schema, value)
  if (errors.length === 0) return { ok: true, value: value as Static<S> }
  const complaints = errors
    .filter(({ keyword }) => keyword !== 'additionalProperties')
    .map(({ keyword, instancePath, message }) => {
      const where = instancePath.slice(1).replaceAll('~1', '/').replaceAll('~0', '~')
      return keyword === 'boolean' ? `unknown: ${where}` : `${where || 'body'} ${message}`
    })
  return { ok: false, error: [...new Set(complaints)].join(', ') }
}

/** The value, or a RangeError: for callers in the same process. */
export function must<T>(checked: Checked<T>): T {
  if (!checked.ok) throw new RangeError(checked.error)
  return checked.value
}

/** Dials that start at `initial`. `onPatch` hears of every accepted patch. */
export function createDials<S extends TObject>(
  schema: S,
  initial: Static<S>,
  onPatch: (patch: Partial<Static<S>>) => void = () => {},
): Dials<Static<S>> {
  const patches = Type.Partial(schema, { additionalProperties: false })
  let current = initial
  return {
    now: () => current,
    patch(patch) {
      const checked = check(patches, patch)
      if (!checked.ok) return checked
      const turned = checked.value as Partial<Static<S>>
      current = Object.assign({}, current, turned)
      onPatch(turned)
      return { ok: true, value: current }
    },
  }
}
