import { types } from 'node:util'
import { className, type Kind } from './kinds.js'
import { PassedDescriptor } from './passed-descriptor.js'
import { describePath, type Step } from './value-path.js'

/**
 * Returns the error for a value that cannot be sent. Its message has the path of the value, and not the value.
 *
 * @param entry - its stack begins with the caller of this function
 */
export function unsendable(
  frameKind: number,
  path: readonly Step[],
  reason: string,
  entry: (...args: never[]) => unknown,
): TypeError {
  const error = new TypeError(`${describePath(frameKind, path)}: ${reason}`)
  Error.captureStackTrace(error, entry)
  return error
}

/** Returns why no serialiser carries a function or a symbol. */
export function reasonAgainstType(type: 'function' | 'symbol'): string {
  return `a ${type} cannot be sent to another process`
}

/** Returns why no built-in serialiser carries an object within another value; `undefined` if that depends. */
export function reasonAgainst(value: object, kind: Kind): string | undefined {
  if (kind === 'plain' || kind === 'array') return undefined
  if (kind === 'promise') return 'a promise cannot be sent to another process: await it first'
  if (kind === 'stream') return 'an iterator or async iterable can be sent only as an argument or a result'
  if (kind === 'handle') return `a ${className(value)} is passed to another process by fd()`
  if (value instanceof PassedDescriptor) return 'a descriptor made by fd() can be passed only once'
  if (types.isSharedArrayBuffer(value)) return 'a SharedArrayBuffer cannot be sent to another process'
  if (kind !== 'instance' || Object.keys(value).length) return undefined
  const hint = className(value) === 'AbortSignal' ? ': use the call option signal' : ''
  return `an object of the class ${className(value)} has no properties that can be sent to another process${hint}`
}
