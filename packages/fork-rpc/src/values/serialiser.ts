import { fileURLToPath } from 'node:url'
import type { Expectation } from '@anyfork/fdpass/internal'
import { resolveSpecifier } from '@anyfork/fork/internal'
import { requireModule } from '../entry-files.js'
import { LARGE_BYTES } from '../wire/frame.js'
import { CborCodec, type Codec, jsonCodec, v8Codec, WholeCodec } from './codec.js'
import { OctetsCodec } from './octets-codec.js'

/** Makes octets of lists of values and the other way round: what a module of your own exports. */
export interface Serialiser {
  /** @returns borrowed until the next call. @throws for a value that it cannot carry */
  encode(values: readonly unknown[]): Uint8Array
  /** @param bytes - borrowed: nothing that is returned may share their memory */
  decode(bytes: Uint8Array): unknown[]
}

/** The serialisers that come along, by name. */
export type SerialiserName = 'cbor' | 'json' | 'octets' | 'v8'

const builtIn: Record<SerialiserName, () => Codec> = {
  cbor: () => new CborCodec(),
  json: jsonCodec,
  octets: () => new OctetsCodec(),
  v8: v8Codec,
}

/** What the option `serialiser` must be. */
export const aSerialiser: Expectation = {
  test: value => value instanceof URL || (typeof value === 'string' && Object.hasOwn(builtIn, value)),
  text: "'cbor', 'json', 'octets', 'v8', or the URL of a module",
}

/**
 * Returns how to name a serialiser to another process: by its own name, or by the URL of its module.
 *
 * @throws TypeError if the URL is neither a `file:` nor a `data:` URL
 */
export function serialiserReference(serialiser: SerialiserName | URL): string {
  return serialiser instanceof URL ? resolveSpecifier(serialiser) : serialiser
}

/**
 * Makes a serialiser ready for use.
 *
 * @param reference - what `serialiserReference` returned
 * @throws TypeError when the module has no functions `encode` and `decode`; what goes wrong while it loads
 */
export function codecOf(reference: string): Codec {
  if (Object.hasOwn(builtIn, reference)) return builtIn[reference as SerialiserName]()
  const { encode, decode } = requireModule(fileURLToPath(reference)) as Partial<Serialiser>
  if (typeof encode !== 'function' || typeof decode !== 'function')
    throw new TypeError(`${reference} does not export the functions encode and decode`)
  return new WholeCodec(values => toKeep(encode(values)), decode)
}

/** What is large is not copied when it is queued. */
function toKeep(bytes: Uint8Array): Uint8Array {
  return bytes instanceof Uint8Array && bytes.length >= LARGE_BYTES ? Uint8Array.prototype.slice.call(bytes) : bytes
}
