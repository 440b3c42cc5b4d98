import { deserialize } from 'node:v8'
import { clone } from './clone.js'

/**
 * Encodes a value by V8's structured clone, for which no module has to be loaded. A remote process may have another version of
 * Node, whose V8 must read the same format.
 *
 * @throws TypeError if the value cannot be cloned: a function, a symbol, a proxy
 */
export function encode(value: unknown): Buffer {
  return clone(value)
}

/** Decodes the bytes that `encode` returned. */
export function decode<T>(bytes: Uint8Array): T {
  return deserialize(bytes) as T
}
