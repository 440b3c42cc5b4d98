import { deserialize, serialize } from 'node:v8'
import { fromPlainError, type PlainError, toPlainError } from '@anyfork/fork/internal/error-codec'

/** An error as the payload of a frame. */
export function encodeError(error: unknown): Buffer {
  return serialize(toPlainError(error, isClonable))
}

/** The error that `encodeError` made a payload of. */
export function decodeError(payload: Buffer): Error {
  return fromPlainError(deserialize(payload) as PlainError)
}

function isClonable(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false
  }
}
