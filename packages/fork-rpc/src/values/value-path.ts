import { Kind } from '../wire/frame.js'

/** A step from a value to a part of it: an index, a key, or an entry of a map or a set. */
export type Step = number | string | Entry

/** An entry of a map or a set, by its position. Of a map, the `part` 0 is the key and 1 the value. */
export interface Entry {
  entry: number
  part?: 0 | 1
}

/** How many characters of a path an error shows. */
const MOST_SHOWN = 200

/**
 * Describes a path as a JavaScript expression, such as `args[0].user.signal`. Never contains a value.
 *
 * @param frameKind - the kind of the message: a call has `args`, an event `values`, a result or a stream one value
 */
export function describePath(frameKind: number, path: readonly Step[]): string {
  const [first, ...rest] = path
  const origin = frameKind === Kind.call ? 'args' : frameKind === Kind.event ? 'values' : undefined
  let text = origin ? `${origin}[${first as number}]` : frameKind === Kind.item ? 'value' : 'result'
  for (const step of rest) {
    if (typeof step === 'number') text += `[${step}]`
    else if (typeof step === 'object')
      text = `[...${text}][${step.entry}]${step.part === undefined ? '' : `[${step.part}]`}`
    else text += /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
  }
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN / 2)} … ${text.slice(-MOST_SHOWN / 2)}` : text
}
