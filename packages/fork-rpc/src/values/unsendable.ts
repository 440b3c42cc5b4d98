import { Descriptor } from '@anyfork/fdpass'
import { PassedDescriptor } from './passed-descriptor.js'

/**
 * Checks for values that cannot be sent to another process, or that would arrive as empty objects.
 *
 * @returns the same values
 * @throws TypeError if there is one; the message says what to do instead
 */
export function rejectUnsendable(values: readonly unknown[]): readonly unknown[] {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value === 'function' || typeof value === 'symbol') throw unsendableError(typeof value)
    if (typeof value === 'object' && value !== null) rejectObject(value)
  }
  return values
}

/** Returns the error for a value of this type. */
export function unsendableError(type: string): TypeError {
  return new TypeError(`a ${type} cannot be sent to another process`)
}

function rejectObject(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === Array.prototype || prototype === null) return
  if (value instanceof Descriptor || isListener(value))
    throw new TypeError(`a ${value.constructor.name} is passed to another process by fd()`)
  // The others were taken out before.
  if (value instanceof PassedDescriptor) throw new TypeError('a descriptor made by fd() can be passed only once')
  if (value instanceof Promise) throw new TypeError('a promise cannot be sent to another process: await it first')
}

/**
 * Reports whether an object is a server of `node:net`, without loading that module. Sockets are async iterables: they
 * are sent as streams.
 */
function isListener(value: object): boolean {
  return '_handle' in value && 'listen' in value && typeof (value as { listening?: unknown }).listening === 'boolean'
}
