import { deserialize, serialize } from 'node:v8'
import { requireModule } from '../entry-files.js'
import { LARGE_BYTES } from '../wire/frame.js'
import { rejectUnsendable, unsendableError } from './unsendable.js'

/** A serialiser as it is used here: without making an object for each message. */
export interface Codec {
  /** What `encode` made lies here, from `start` to `end`, until the next `encode`; from `LARGE_BYTES` on it is the user's to keep. */
  bytes: Buffer
  start: number
  end: number
  /** Which large binaries need not go through it: those that come out as they went in. Everywhere, or (all, buffers) as values of the list. */
  readonly attachable: 'everywhere' | 'all' | 'buffers' | 'none'
  /** @throws for values that it cannot carry */
  encode(values: readonly unknown[]): void
  /** @param bytes - borrowed: nothing that is returned shares their memory */
  decode(bytes: Buffer, start: number, end: number): unknown[]
}

/** Small messages are decoded here: cbor-x caches a view of memory that it sees again. */
const SCRATCH_BYTES = 512
/** Let cbor-x return its own memory, and begin there again next time; from its encode.js. */
const REUSE_AND_RESET = 512 | 1024
const ENCODER_BYTES = 8192

type Cbor = typeof import('cbor-x')
type EncoderOptions = ConstructorParameters<Cbor['Encoder']>[0]

let cbor: Cbor | undefined

/**
 * cbor-x takes longest to load of all that calls need: a program does that while its template
 * starts, at the latest with its first connection. By `require`, as one file instead of five.
 */
export const loadCbor = (): Cbor => (cbor ??= requireModule('cbor-x') as Cbor)

/** RFC 8949, by cbor-x: plain values, buffers and typed arrays, dates, maps, sets, big integers. */
export class CborCodec implements Codec {
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  readonly attachable = 'everywhere'
  // Without variableMapSize, objects of more than 65,535 keys are written with a wrong size.
  readonly #cbor = new (loadCbor().Encoder)({
    useRecords: false,
    variableMapSize: true,
    copyBuffers: true,
  } as EncoderOptions)
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)

  encode(values: readonly unknown[]): void {
    rejectUnsendable(values)
    const encoder = this.#cbor as unknown as {
      encode(value: unknown, options: number): Buffer & { start: number; end: number }
      useBuffer(buffer: Buffer): void
    }
    let bytes
    try {
      bytes = encoder.encode(values, REUSE_AND_RESET)
    } catch (error) {
      const [, type] = /^Unknown type: (function|symbol)$/.exec((error as Error).message) ?? []
      throw type === undefined ? error : unsendableError(type)
    }
    this.bytes = bytes
    this.start = bytes.start
    this.end = bytes.end
    if (this.end - this.start >= LARGE_BYTES) encoder.useBuffer(Buffer.allocUnsafeSlow(ENCODER_BYTES))
  }

  decode(bytes: Buffer, start: number, end: number): unknown[] {
    const size = end - start
    if (size > SCRATCH_BYTES) return this.#cbor.decode(bytes.subarray(start, end)) as unknown[]
    const scratch = this.#scratch
    for (let i = 0; i < size; i++) scratch[i] = bytes[start + i]!
    return (this.#cbor as unknown as { decode(bytes: Buffer, end: number): unknown[] }).decode(scratch, size)
  }
}

/** What others make: a list of values at once, in memory of its own. */
export class WholeCodec implements Codec {
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  readonly attachable: 'all' | 'none'
  readonly #encode: (values: readonly unknown[]) => Uint8Array
  readonly #decode: (bytes: Buffer) => unknown

  constructor(
    encode: (values: readonly unknown[]) => Uint8Array,
    decode: (bytes: Buffer) => unknown,
    attachable: 'all' | 'none' = 'none',
  ) {
    this.attachable = attachable
    this.#encode = encode
    this.#decode = decode
  }

  encode(values: readonly unknown[]): void {
    const bytes = this.#encode(values)
    if (!(bytes instanceof Uint8Array)) throw new TypeError('a serialiser makes a Uint8Array')
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.end = this.bytes.length
  }

  decode(bytes: Buffer, start: number, end: number): unknown[] {
    const values = this.#decode(bytes.subarray(start, end))
    if (!Array.isArray(values)) throw new TypeError('a serialiser makes an array of what it made octets of')
    return values as unknown[]
  }
}

/** V8's structured clone: all that `postMessage` takes, cycles included. */
export const v8Codec = (): Codec =>
  new WholeCodec(
    values => serialize(rejectUnsendable(values)),
    bytes => deserialize(Uint8Array.prototype.slice.call(bytes)),
    'all',
  )

/** JSON, RFC 8259. */
export const jsonCodec = (): Codec =>
  new WholeCodec(
    values => Buffer.from(JSON.stringify(rejectUnsendable(values))),
    bytes => JSON.parse(bytes.toString()),
  )
