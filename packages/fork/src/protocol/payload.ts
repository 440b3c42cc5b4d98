import { deserialize, serialize } from 'node:v8'

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
