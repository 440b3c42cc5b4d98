import { deserialize, serialize } from 'node:v8'
import { fromPlainError, type PlainError, toPlainError } from '../error-codec.js'

/**
 * Values as octets, by V8's structured clone: it is there without loading
 * anything, and both ends are the same program.
 *
 * @throws TypeError when a value cannot be cloned: a function, a symbol, a proxy
 */
export function encode(value: unknown): Buffer {
  try {
    return serialize(value)
  } catch (cause) {
    throw new TypeError(`cannot be sent to another process: ${(cause as Error).message}`, { cause })
  }
}

/** The value that `encode` made octets of. */
export function decode<T>(bytes: Uint8Array): T {
  return deserialize(bytes) as T
}

/** An error as octets. */
export function encodeError(error: unknown): Buffer {
  return encode(toPlainError(error, isClonable))
}

/** The error that `encodeError` made octets of. */
export function decodeError(bytes: Uint8Array): Error {
  return fromPlainError(decode<PlainError>(bytes))
}

/** Whether a value can go to another process. */
export function isClonable(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false
  }
}
