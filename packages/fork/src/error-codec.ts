import { types } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { describeValue } from '@anyfork/fdpass/internal'
import { checkClone } from './clone-check.js'
import { ForkError, type ForkErrorCode } from './errors.js'

export { checkClone } from './clone-check.js'
export { IndexKeys, indexOfText } from './index-keys.js'
export { hashOfDigit, hashOfDouble, hashOfIndex, hashOfNumber, KeyHashes, MOST_COMPARISONS } from './key-hashes.js'
export { memoryOfProperties, REG_EXP_CHARACTER } from './reg-exp-memory.js'

/** An error as plain values, which can be sent to another process. Properties that cannot be cloned are left out. */
export interface PlainError {
  /** The built-in class that the error is an instance of. */
  class: string
  name: string
  message: string
  stack: string | undefined
  /** The own enumerable properties. */
  properties: Record<string, unknown>
  cause?: PlainError | { value: unknown }
  /** Only of an AggregateError. */
  errors?: (PlainError | { value: unknown })[]
}

/**
 * The built-in classes whose instances stay instances of them. `Error` is the last one; all other errors except a
 * `ForkError` become an `Error` with their name.
 */
const classes: Record<string, new (message?: string) => Error> = {
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  Error,
}

/** The longest chain of causes that is encoded. */
const MOST_CAUSES = 16
/** How many errors within an error are encoded, and accepted. */
const MOST_ERRORS = 2000
/** How many of them may be in one AggregateError. */
const MOST_LISTED = 1000
/** The largest encoded error, in bytes. */
const MOST_BYTES = 3 << 22
/** How much memory a decoded error may take, in bytes. */
const MOST_MEMORY = 1 << 26
/** The longest text in an error that is too large to be encoded as it is, in characters. */
const MOST_TEXT = 1 << 14
/** How many properties such an error keeps. */
const MOST_PROPERTIES = 100
const structural = new Set(['name', 'message', 'stack', 'cause', 'errors'])
const DOM_EXCEPTION = 'DOMException'

/**
 * Converts an error to plain values. An error that is referred to several times becomes one object.
 *
 * @param error - whatever was thrown; a value that is not an error is wrapped in one
 * @param isClonable - returns whether the value of a property can be encoded
 */
export function toPlainError(error: unknown, isClonable: (value: unknown) => boolean): PlainError {
  const converted = new Map<unknown, PlainError>()
  if (isError(error)) return convert(error, isClonable, converted, 0)
  const plain = convert(new Error(`thrown: ${describe(error)}`), isClonable, converted, 0)
  return isClonable(error) ? { ...plain, cause: { value: error } } : plain
}

function convert(
  error: Error,
  isClonable: (value: unknown) => boolean,
  converted: Map<unknown, PlainError>,
  depth: number,
): PlainError {
  const plain: PlainError = {
    class: builtinClass(error),
    name: describe(readProperty(error, 'name')),
    message: describe(readProperty(error, 'message')),
    stack: textOf(readProperty(error, 'stack')),
    properties: {},
  }
  converted.set(error, plain)
  const nested = (value: unknown): PlainError | { value: unknown } => {
    const known = converted.get(value)
    if (known) return known
    const isNested = isError(value)
    if (isNested && depth < MOST_CAUSES && converted.size <= MOST_ERRORS)
      return convert(value, isClonable, converted, depth + 1)
    return { value: !isNested && isClonable(value) ? value : describe(value) }
  }
  for (const key of keysOf(error)) {
    if (structural.has(key)) continue
    const value = readProperty(error, key)
    if (isClonable(value)) Object.defineProperty(plain.properties, key, { value, enumerable: true })
  }
  const cause = readProperty(error, 'cause')
  const errors = isAggregate(error) ? listOf(readProperty(error, 'errors')) : undefined
  if (cause !== undefined) plain.cause = nested(cause)
  if (errors) {
    const rest = errors.length - MOST_LISTED
    plain.errors = rest > 0 ? errors.slice(0, MOST_LISTED - 1).map(nested) : errors.map(nested)
    if (rest > 0) plain.errors.push({ value: `${rest + 1} more errors` })
  }
  return plain
}

function isAggregate(error: Error): boolean {
  return isA(error, AggregateError) || readProperty(error, 'name') === 'AggregateError'
}

/**
 * Makes an error of what `toPlainError` returned.
 *
 * @throws TypeError if it is anything else
 */
export function fromPlainError(plain: unknown): Error {
  return restore(plain, new Map())
}

function restore(plain: unknown, restored: Map<unknown, Error>): Error {
  const known = restored.get(plain)
  if (known) return known
  if (!isPlainError(plain) || restored.size > MOST_ERRORS)
    throw new TypeError('the other process sent something that is not an error')
  const { name, stack, properties, cause, errors } = plain
  const error = construct(plain)
  restored.set(plain, error)
  const nested = (value: PlainError | { value: unknown }): unknown =>
    Object.hasOwn(value, 'value') ? (value as { value: unknown }).value : restore(value, restored)
  if (errors) (error as AggregateError).errors = errors.map(nested)
  if (error.name !== name) define(error, 'name', name)
  define(error, 'stack', stack)
  if (cause) define(error, 'cause', nested(cause))
  for (const [key, value] of Object.entries(properties)) {
    if (!structural.has(key)) define(error, key, value, true) // some are read-only in their class
  }
  return error
}

function isPlainError(value: unknown): value is PlainError {
  if (!isObject(value)) return false
  const { class: className, name, message, stack, properties, cause, errors } = value as Partial<PlainError>
  return (
    [className, name, message].every(text => typeof text === 'string') &&
    (stack === undefined || typeof stack === 'string') &&
    isObject(properties) &&
    (cause === undefined || isObject(cause)) &&
    (errors === undefined || (Array.isArray(errors) && errors.length <= MOST_LISTED && errors.every(isObject)))
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function construct({ class: className, name, message, properties, errors }: PlainError): Error {
  if (errors) return new AggregateError([], message)
  if (name === ForkError.name && typeof properties['code'] === 'string')
    return new ForkError(properties['code'] as ForkErrorCode, message)
  if (className === DOM_EXCEPTION) return new DOMException(message, name)
  return new (Object.hasOwn(classes, className) ? classes[className]! : Error)(message)
}

function define(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable })
}

function builtinClass(error: Error): string {
  if (isA(error, DOMException)) return DOM_EXCEPTION // an abort or a timeout
  const own = Object.keys(classes).find(name => isA(error, classes[name]!))
  if (own) return own
  const name = describe(readProperty(error, 'name')) // an error of another realm, as of node:vm
  return Object.hasOwn(classes, name) ? name : 'Error'
}

/** Reports whether a value is an error of this realm or of another one. */
function isError(value: unknown): value is Error {
  return isA(value, Error) || types.isNativeError(value)
}

/** Like `instanceof`, but returns false for a proxy that throws. */
function isA<T>(value: unknown, someClass: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof someClass
  } catch {
    return false
  }
}

function keysOf(error: Error): string[] {
  try {
    return Object.keys(error)
  } catch {
    return []
  }
}

function listOf(value: unknown): unknown[] | undefined {
  try {
    return Array.isArray(value) ? [...(value as unknown[])] : undefined
  } catch {
    return undefined
  }
}

/** Returns a property, or `undefined` if its getter throws: that must not replace the error. */
function readProperty(error: Error, key: string): unknown {
  try {
    return (error as unknown as Record<string, unknown>)[key]
  } catch {
    return undefined
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Returns a text of a thrown value. Names only the kind of an object: its content may be secret. */
function describe(value: unknown): string {
  try {
    return typeof value === 'string' ? value : describeValue(value)
  } catch {
    return typeof value
  }
}

/** Returns the message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return describe(isError(error) ? readProperty(error, 'message') : error)
}

/**
 * Encodes an error by V8's structured clone. Own properties that cannot be cloned are left out. In an error that would
 * be too large, texts are cut, and properties that are objects or big integers are left out, and, if that does not suffice, its causes
 * and errors.
 */
export function encodeError(error: unknown): Buffer {
  const plain = toPlainError(error, isClonable)
  for (const make of [() => plain, () => reduce(plain, new Map()), () => withoutOthers(reduce(plain, new Map()))]) {
    const bytes = serialize(make())
    if (bytes.length <= MOST_BYTES && fitsInMemory(bytes)) return bytes
  }
  throw new RangeError('an error of bounded size is too large') // cannot be
}

/** Returns a copy of bounded size of an error and of those within it. */
function reduce(plain: PlainError, reduced: Map<PlainError, PlainError>): PlainError {
  const known = reduced.get(plain)
  if (known) return known
  const { class: className, name, message, stack, properties, cause, errors } = plain
  const small: PlainError = {
    class: className,
    name: cut(name),
    message: cut(message),
    stack: stack === undefined ? stack : cut(stack),
    properties: {},
  }
  reduced.set(plain, small)
  const nested = (value: PlainError | { value: unknown }): PlainError | { value: unknown } =>
    isPlainError(value) ? reduce(value, reduced) : { value: cut(describe(value.value)) }
  for (const [key, value] of Object.entries(properties).slice(0, MOST_PROPERTIES)) {
    if ((typeof value === 'object' && value !== null) || typeof value === 'bigint') continue
    Object.defineProperty(small.properties, cut(key), {
      value: typeof value === 'string' ? cut(value) : value,
      enumerable: true,
    })
  }
  if (cause) small.cause = nested(cause)
  if (errors) small.errors = errors.map(nested)
  return small
}

/** Reports whether the receiver would decode an error. */
function fitsInMemory(bytes: Uint8Array): boolean {
  try {
    checkClone(bytes, MOST_MEMORY)
    return true
  } catch {
    return false
  }
}

function withoutOthers({ cause: _, errors: __, ...plain }: PlainError): PlainError {
  return plain
}

function cut(text: string): string {
  return text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)}…` : text
}

/**
 * Decodes the bytes that `encodeError` returned.
 *
 * @throws TypeError if they are anything else
 * @throws RangeError if the error would take too much memory
 */
export function decodeError(bytes: Uint8Array): Error {
  if (bytes.length > MOST_BYTES) throw new TypeError('the other process sent an error that is too large')
  checkClone(bytes, MOST_MEMORY)
  return fromPlainError(deserialize(bytes))
}

/** Returns whether V8's structured clone can copy a value. */
export function isClonable(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false
  }
}
