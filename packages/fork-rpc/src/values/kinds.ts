import { types } from 'node:util'
import { Descriptor } from '@anyfork/fdpass'
import { isHandle } from '@anyfork/fdpass/internal'
import { binaryClass } from './binary-types.js'
import { isPlain } from './is-plain.js'

/** What an object is, whichever realm has made it, and whether or not its class is a subclass. */
export type Kind =
  | 'array'
  | 'binary'
  | 'boxed primitive'
  | 'date'
  | 'error'
  | 'handle'
  | 'instance'
  | 'map'
  | 'plain'
  | 'promise'
  | 'regexp'
  | 'set'
  | 'stream'

/** Determines what an object is. An `'instance'` is any object of a class that is not built in. */
export function kindOf(value: object): Kind {
  if (Array.isArray(value)) return 'array'
  if (types.isPromise(value)) return 'promise'
  if (isStream(value)) return 'stream'
  if (isPlain(value)) return 'plain'
  if (binaryClass(value) !== undefined) return 'binary'
  if (types.isDate(value)) return 'date'
  if (types.isMap(value)) return 'map'
  if (types.isSet(value)) return 'set'
  if (types.isRegExp(value)) return 'regexp'
  if (isError(value)) return 'error'
  if (types.isBoxedPrimitive(value)) return 'boxed primitive'
  return hasDescriptor(value) ? 'handle' : 'instance'
}

/**
 * Reports whether a value is an async iterable or an iterator: it can be iterated over only once, or only by waiting.
 */
export function isStream(value: object): boolean {
  const {
    [Symbol.asyncIterator]: asynchronous,
    [Symbol.iterator]: synchronous,
    next,
  } = value as Partial<AsyncIterable<unknown> & IterableIterator<unknown>>
  return typeof asynchronous === 'function' || (typeof synchronous === 'function' && typeof next === 'function')
}

/** `instanceof` finds what is not a native error, such as a `DOMException` of some versions of Node. */
function isError(value: object): boolean {
  return types.isNativeError(value) || value instanceof Error
}

/** Reports whether an object of a class of Node stands for a descriptor, such as a socket or a `FileHandle`. */
function hasDescriptor(value: object): boolean {
  try {
    return value instanceof Descriptor || isListener(value) || (!Object.hasOwn(value, 'fd') && isHandle(value))
  } catch {
    return false // a getter of an unrelated class
  }
}

/** Reports whether an object is a server of `node:net`, without loading that module. It may not be listening. */
function isListener(value: object): boolean {
  return '_handle' in value && 'listen' in value && typeof (value as { listening?: unknown }).listening === 'boolean'
}

/** Returns the name of the class of an object, for an error message. */
export function className(value: object): string {
  const Class: unknown = (value as { constructor?: unknown }).constructor
  const name = typeof Class === 'function' ? Class.name : ''
  return name || Object.prototype.toString.call(value).slice('[object '.length, -1)
}
