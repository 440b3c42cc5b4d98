import { fileURLToPath } from 'node:url'
import { types } from 'node:util'
import { type Expectation, isUrl } from '@anyfork/fdpass/internal'
import { resolveSpecifier } from '@anyfork/fork/internal/child'
import { requireModule } from '../entry-files.js'
import { LARGE_BYTES } from '../wire/frame.js'
import { CborCodec, type Codec, JsonCodec, v8Codec, WholeCodec } from './codec.js'
import { OctetsCodec } from './octets-codec.js'

/** What the module of a custom serialiser exports. See the option `serialiser`. */
export interface Serialiser {
  /**
   * Encodes a list of values.
   *
   * @returns the bytes; used before the next call of `encode`, so it may reuse its memory
   * @throws an error for a value that it cannot carry. It rejects the call, or is thrown by `event()`
   */
  encode(values: readonly unknown[]): Uint8Array
  /**
   * Decodes a list of values.
   *
   * @param bytes - from another process, so they may be anything; borrowed: no returned value may share its memory
   * @returns an array of the same values
   * @throws an error for bytes that `encode` cannot have returned
   */
  decode(bytes: Uint8Array): unknown[]
}

/** The names of the built-in serialisers. */
export type SerialiserName = 'cbor' | 'json' | 'octets' | 'v8'

const builtIn: Record<SerialiserName, (budget?: number) => Codec> = {
  cbor: budget => new CborCodec(budget),
  json: budget => new JsonCodec(budget === undefined),
  octets: budget => new OctetsCodec(budget),
  v8: budget => v8Codec(budget),
}

/** What the option `serialiser` must be. */
export const aSerialiser: Expectation = {
  test: value => isUrl(value) || (typeof value === 'string' && Object.hasOwn(builtIn, value)),
  text: "'cbor', 'json', 'octets', 'v8', or the URL of a module",
}

/**
 * Returns what names a serialiser to another process: its own name, or the URL of its module.
 *
 * @throws TypeError if the URL is neither a `file:` nor a `data:` URL
 */
export function serialiserReference(serialiser: SerialiserName | URL): string {
  return isUrl(serialiser) ? resolveSpecifier(serialiser) : serialiser
}

/**
 * Loads a serialiser.
 *
 * @param reference - what `serialiserReference` returned
 * @param budget - for messages that are not trusted: how much memory their values may take, in bytes
 * @throws TypeError if the module does not export the functions `encode` and `decode`
 * @throws the module's own error if it does not load
 */
export function codecOf(reference: string, budget?: number): Codec {
  if (Object.hasOwn(builtIn, reference)) return builtIn[reference as SerialiserName](budget)
  const { encode, decode } = requireModule(fileURLToPath(reference)) as Partial<Serialiser>
  if (typeof encode !== 'function' || typeof decode !== 'function')
    throw new TypeError(`the serialiser ${reference} does not export the functions encode and decode`)
  return new WholeCodec(values => toKeep(encode(values)), decode)
}

/** Copies large messages, because the frame writer does not. */
function toKeep(bytes: Uint8Array): Uint8Array {
  return types.isUint8Array(bytes) && bytes.length >= LARGE_BYTES ? Uint8Array.prototype.slice.call(bytes) : bytes
}
