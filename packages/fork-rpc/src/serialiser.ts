import { deserialize, serialize } from 'node:v8'
import { Encoder } from 'cbor-x'

/** Makes octets of lists of values and the other way round. */
export interface Serialiser {
  /** @throws for a value that it cannot carry */
  encode(values: unknown[]): Uint8Array
  /** @param bytes - borrowed: nothing that is returned may share their memory */
  decode(bytes: Uint8Array): unknown[]
}

/** The serialisers that come along, by name. */
export type SerialiserName = 'cbor' | 'json' | 'v8'

const cbor = new Encoder({ useRecords: false, copyBuffers: true } as ConstructorParameters<typeof Encoder>[0])

export const serialisers: Record<SerialiserName, Serialiser> = {
  /** RFC 8949, by cbor-x: plain values, buffers and typed arrays, dates, maps, sets, big integers. */
  cbor: {
    encode: values => cbor.encode(refuseFunctions(values)),
    decode: bytes => cbor.decode(bytes) as unknown[],
  },
  json: {
    encode: values => Buffer.from(JSON.stringify(values)),
    decode: bytes => JSON.parse(bytesAsBuffer(bytes).toString()) as unknown[],
  },
  /** V8's structured clone: all that `postMessage` takes, cycles included. */
  v8: {
    encode: values => serialize(values),
    decode: bytes => deserialize(Uint8Array.prototype.slice.call(bytes)) as unknown[],
  },
}

/** cbor-x makes `undefined` of a function, silently; at the top level that is surely a mistake. */
function refuseFunctions(values: unknown[]): unknown[] {
  for (const value of values) if (typeof value === 'function' || typeof value === 'symbol') throw new TypeError(`a ${typeof value} cannot be sent to another process`)
  return values
}

function bytesAsBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
