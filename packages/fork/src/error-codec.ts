import { deserialize, serialize } from 'node:v8'

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
 * The built-in classes whose instances stay instances of them. `Error` is the last one; all other errors become an
 * `Error` with their name.
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
const structural = new Set(['name', 'message', 'stack', 'cause', 'errors'])
const DOM_EXCEPTION = 'DOMException'

/**
 * Converts an error to plain values.
 *
 * @param error - whatever was thrown; a value that is not an error is wrapped in one
 * @param isClonable - returns whether the value of a property can be encoded
 */
export function toPlainError(error: unknown, isClonable: (value: unknown) => boolean, depth = 0): PlainError {
  if (!isA(error, Error)) {
    const plain = toPlainError(new Error(`thrown: ${describe(error)}`), isClonable)
    return isClonable(error) ? { ...plain, cause: { value: error } } : plain
  }
  const nested = (value: unknown): PlainError | { value: unknown } => {
    const isError = isA(value, Error)
    if (isError && depth < MOST_CAUSES) return toPlainError(value, isClonable, depth + 1)
    return { value: !isError && isClonable(value) ? value : describe(value) }
  }
  const properties: Record<string, unknown> = {}
  for (const key of keysOf(error)) {
    if (structural.has(key)) continue
    const value = readProperty(error, key)
    if (isClonable(value)) properties[key] = value
  }
  const plain: PlainError = {
    class: builtinClass(error),
    name: describe(readProperty(error, 'name')),
    message: describe(readProperty(error, 'message')),
    stack: textOf(readProperty(error, 'stack')),
    properties,
  }
  const cause = readProperty(error, 'cause')
  const errors = isA(error, AggregateError) ? listOf(readProperty(error, 'errors')) : undefined
  if (cause !== undefined) plain.cause = nested(cause)
  if (errors) plain.errors = errors.map(nested)
  return plain
}

/** Makes an error of what `toPlainError` returned. */
export function fromPlainError(plain: PlainError): Error {
  const { class: className, name, message, stack, properties, cause, errors } = plain
  const error = construct(className, name, message, errors)
  if (error.name !== name) define(error, 'name', name)
  define(error, 'stack', stack)
  if (cause) define(error, 'cause', fromNested(cause))
  for (const [key, value] of Object.entries(properties)) define(error, key, value, true) // some are read-only in their class
  return error
}

function construct(className: string, name: string, message: string, errors: PlainError['errors']): Error {
  if (errors) return new AggregateError(errors.map(fromNested), message)
  if (className === DOM_EXCEPTION) return new DOMException(message, name)
  return new (Object.hasOwn(classes, className) ? classes[className]! : Error)(message)
}

function fromNested(nested: PlainError | { value: unknown }): unknown {
  return 'value' in nested ? nested.value : fromPlainError(nested)
}

function define(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, writable: true, configurable: true, enumerable })
}

function builtinClass(error: Error): string {
  if (isA(error, DOMException)) return DOM_EXCEPTION // an abort or a timeout
  return Object.keys(classes).find(name => isA(error, classes[name]!)) ?? 'Error'
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

function describe(value: unknown): string {
  try {
    return String(value)
  } catch {
    return typeof value
  }
}

/** Encodes an error by V8's structured clone. Own properties that cannot be cloned are left out. */
export function encodeError(error: unknown): Buffer {
  return serialize(toPlainError(error, isClonable))
}

/** Decodes the bytes that `encodeError` returned. */
export function decodeError(bytes: Uint8Array): Error {
  return fromPlainError(deserialize(bytes) as PlainError)
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
