import { types } from 'node:util'
import { deserialize, getHeapStatistics } from 'node:v8'
import { clone } from '@anyfork/fork/internal/clone'
import { checkClone } from '@anyfork/fork/internal/error-codec'
import { requireModule } from '../entry-files.js'
import { LARGE_BYTES } from '../wire/frame.js'
import { BackOff, LARGE_PASS } from './back-off.js'
import { checkCbor } from './cbor-check.js'
import type { CborSupport } from './cbor-packer.js'
import { CborReader, NOT_READ } from './cbor-reader.js'
import { addOwnTags, OwnTags } from './cbor-tags.js'
import { CborWriter } from './cbor-writer.js'
import { type CheckedSerialiser, checkValues, explainFailure } from './check-values.js'
import { reasonAgainstType } from './unsendable.js'

/** A serialiser in the form that messages use: it creates no object per message. */
export interface Codec {
  /**
   * Holds the last encoded message, from `start` to `end`, until the next `encode`. From `LARGE_BYTES` on, the memory
   * belongs to the caller of `encode`.
   */
  bytes: Buffer
  start: number
  end: number
  /**
   * Which large binaries that are elements of the list may bypass the serialiser because they arrive the same either
   * way.
   */
  readonly attachable: 'all' | 'buffers' | 'none'
  /** Only of cbor: replaces what cbor-x would change before it is encoded. */
  readonly cbor?: CborSupport
  /**
   * Only of cbor: encodes values if all of them are usual ones, which need no replacement.
   *
   * @param most - how many bytes the message may have
   * @returns whether it has
   */
  encodeUsual?(values: readonly unknown[], most: number): boolean
  /**
   * @param frameKind - the kind of the message, for an error
   * @throws if it cannot carry a value
   */
  encode(values: readonly unknown[], frameKind: number): void
  /** @param bytes - borrowed: no returned value shares its memory */
  decode(bytes: Buffer, start: number, end: number): unknown[]
}

/** Small messages are copied here to be decoded, because cbor-x caches its view of memory that it sees again. */
const SCRATCH_BYTES = 512
/** Options of `encode` in cbor-x (encode.js): returns its own memory, and starts at its beginning again next time. */
const REUSE_AND_RESET = 512 | 1024
const ENCODER_BYTES = 8192

type Cbor = typeof import('cbor-x')
type EncoderOptions = ConstructorParameters<Cbor['Encoder']>[0]

let cbor: Cbor | undefined

/**
 * Loads cbor-x, which takes longer than anything else that calls need. A program does so while its template starts, at
 * the latest with its first connection. By `require`, it is one file instead of five.
 */
export function loadCbor(): Cbor {
  if (!cbor) {
    cbor = requireModule('cbor-x') as Cbor
    cbor.addExtension({ tag: 2, decode: bigIntOf } as never)
    cbor.addExtension({ tag: 3, decode: (bytes: Buffer) => -1n - bigIntOf(bytes) } as never)
    addOwnTags(cbor.addExtension as never)
  }
  return cbor
}

/** CBOR, RFC 8949, by cbor-x: plain values, buffers and typed arrays, dates, maps, sets, big integers. */
export class CborCodec implements Codec {
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  readonly attachable = 'all'
  readonly cbor: CborSupport = {
    tags: new OwnTags(loadCbor().Tag),
    probe: value => void this.#encode(value),
  }
  // Without variableMapSize, cbor-x writes a wrong size for objects of more than 65,535 keys.
  readonly #cbor = new (loadCbor().Encoder)({
    useRecords: false,
    variableMapSize: true,
    copyBuffers: true,
  } as EncoderOptions)
  readonly #reader = new CborReader()
  readonly #writer = new CborWriter()
  readonly #readBackOff = new BackOff()
  readonly #writeBackOff = new BackOff()
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  readonly #budget: number | undefined

  /** @param budget - for messages that are not trusted: how much memory their values may take, in bytes */
  constructor(budget?: number) {
    this.#budget = budget
  }

  encodeUsual(values: readonly unknown[], most: number): boolean {
    const writer = this.#writer
    const isWritten = writer.write(values, Math.min(most, this.#writeBackOff.most))
    if (writer.end > LARGE_PASS) this.#writeBackOff.report(isWritten, writer.end)
    if (!isWritten) return false
    this.bytes = writer.bytes
    this.start = 0
    this.end = writer.end
    return true
  }

  encode(values: readonly unknown[]): void {
    let bytes
    try {
      bytes = this.#encode(values)
    } catch (error) {
      const [, type] = /^Unknown type: (function|symbol)$/.exec((error as Error).message) ?? [] // from a getter
      throw type === undefined ? error : new TypeError(reasonAgainstType(type as 'function' | 'symbol'))
    }
    this.bytes = bytes
    this.start = bytes.start
    this.end = bytes.end
    if (this.end - this.start >= LARGE_BYTES) this.#encoder.useBuffer(Buffer.allocUnsafeSlow(ENCODER_BYTES))
  }

  #encode(value: unknown): Buffer & { start: number; end: number } {
    return this.#encoder.encode(value, REUSE_AND_RESET)
  }

  /** The parts of cbor-x that its types lack. */
  get #encoder(): {
    encode(value: unknown, options: number): Buffer & { start: number; end: number }
    useBuffer(buffer: Buffer): void
  } {
    return this.#cbor as never
  }

  decode(bytes: Buffer, start: number, end: number): unknown[] {
    const values = this.#readUsual(bytes, start, end)
    return (values === NOT_READ ? this.#decodeAny(bytes, start, end) : values) as unknown[]
  }

  #readUsual(bytes: Buffer, start: number, end: number): unknown {
    const reader = this.#reader
    const size = end - start
    const budget = this.#budget ?? Infinity
    if (size <= LARGE_PASS) return reader.read(bytes, start, end, budget)
    const isTried = size <= this.#readBackOff.most
    const values = isTried ? reader.read(bytes, start, end, budget) : NOT_READ
    this.#readBackOff.report(values !== NOT_READ, isTried ? reader.at - start : size)
    return values
  }

  /** Decodes any message by cbor-x. */
  #decodeAny(bytes: Buffer, start: number, end: number): unknown[] {
    const size = end - start
    if (this.#budget !== undefined) checkHeapRoom(checkCbor(bytes, start, end, this.#budget))
    if (size > SCRATCH_BYTES) return this.#cbor.decode(bytes.subarray(start, end)) as unknown[]
    const scratch = this.#scratch
    for (let i = 0; i < size; i++) scratch[i] = bytes[start + i]!
    return (this.#cbor as unknown as { decode(bytes: Buffer, end: number): unknown[] }).decode(scratch, size)
  }
}

/** Adapts a serialiser that encodes a whole list of values into memory of its own. */
export class WholeCodec implements Codec {
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  readonly attachable: 'all' | 'none'
  readonly #encode: (values: readonly unknown[], frameKind: number) => Uint8Array
  readonly #decode: (bytes: Buffer) => unknown

  constructor(
    encode: (values: readonly unknown[], frameKind: number) => Uint8Array,
    decode: (bytes: Buffer) => unknown,
    attachable: 'all' | 'none' = 'none',
  ) {
    this.attachable = attachable
    this.#encode = encode
    this.#decode = decode
  }

  encode(values: readonly unknown[], frameKind: number): void {
    const bytes = this.#encode(values, frameKind)
    if (!types.isUint8Array(bytes)) throw new TypeError('encode() of the serialiser did not return a Uint8Array')
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.end = this.bytes.length
  }

  decode(bytes: Buffer, start: number, end: number): unknown[] {
    return this.#decode(bytes.subarray(start, end)) as unknown[]
  }
}

/**
 * V8's structured clone: the values that `postMessage` takes, including cycles.
 *
 * @param budget - for messages that are not trusted: how much memory their values may take, in bytes
 */
export const v8Codec = (budget?: number): Codec =>
  new WholeCodec(
    (values, frameKind) => checked(values, frameKind, 'v8', clone),
    bytes => {
      if (budget !== undefined) checkHeapRoom(checkClone(bytes, budget))
      return deserialize(Uint8Array.prototype.slice.call(bytes))
    },
    'all',
  )

/** The longest text in JSON that is encoded into memory that is used again, in UTF-16 code units. */
const SHORT_JSON = 1024
/** The most bytes of UTF-8 that one UTF-16 code unit takes. */
const MOST_BYTES_A_UNIT = 3

/** JSON, RFC 8259. */
export class JsonCodec implements Codec {
  bytes: Buffer = Buffer.alloc(0)
  readonly start = 0
  end = 0
  readonly attachable = 'none'
  readonly #scratch = Buffer.allocUnsafeSlow(SHORT_JSON * MOST_BYTES_A_UNIT)
  readonly #isTrusted: boolean

  /** @param isTrusted - false: messages that could exhaust the heap are not decoded */
  constructor(isTrusted: boolean) {
    this.#isTrusted = isTrusted
  }

  encode(values: readonly unknown[], frameKind: number): void {
    const text = checked(values, frameKind, 'json', JSON.stringify)
    if (text.length <= SHORT_JSON) {
      this.bytes = this.#scratch
      this.end = this.#scratch.write(text)
    } else {
      this.bytes = Buffer.from(text)
      this.end = this.bytes.length
    }
  }

  decode(bytes: Buffer, start: number, end: number): unknown[] {
    if (!this.#isTrusted && (end - start + 1) * (MOST_BYTES_A_VALUE + 2) >= SMALL_BYTES)
      checkHeapRoom(countValues(bytes, start, end) * MOST_BYTES_A_VALUE + 2 * (end - start))
    try {
      return JSON.parse(bytes.toString('utf8', start, end)) as unknown[]
    } catch {
      throw new SyntaxError('a message is not valid JSON') // the error of JSON.parse would show a part of it
    }
  }
}

/** Encodes values after checking them. If that fails nevertheless, finds the reason. */
function checked<T>(
  values: readonly unknown[],
  frameKind: number,
  serialiser: CheckedSerialiser,
  encode: (values: readonly unknown[]) => T,
): T {
  checkValues(values, frameKind, serialiser)
  try {
    return encode(values)
  } catch (error) {
    explainFailure(values, frameKind, serialiser)
    throw error
  }
}

/** Values that take less memory than this fit in any heap. */
const SMALL_BYTES = 1 << 25
/** How many bytes the smallest value in JSON, such as an empty object in a list, can take. */
const MOST_BYTES_A_VALUE = 64

/**
 * Checks that the values of a message fit in the heap: if it were exhausted, the whole program would end.
 *
 * @param size - how many bytes the values may take
 * @throws RangeError if they may not fit
 */
function checkHeapRoom(size: number): void {
  if (size < SMALL_BYTES) return
  const { heap_size_limit, used_heap_size } = getHeapStatistics()
  if (size > heap_size_limit - used_heap_size) throw new RangeError('the values of a message may not fit in the heap')
}

/** Returns the number of values in JSON, or more: of the characters that begin or separate them. */
function countValues(json: Uint8Array, start: number, end: number): number {
  let count = 1
  for (let i = start; i < end; i++) {
    const byte = json[i]!
    if (byte === 0x2c || byte === 0x3a || byte === 0x5b || byte === 0x7b) count++ // , : [ {
  }
  return count
}

/** Returns the big integer of the magnitude of a bignum, RFC 8949 section 3.4.3. cbor-x takes quadratic time. */
function bigIntOf(bytes: Uint8Array): bigint {
  return bytes.length ? BigInt(`0x${Buffer.from(bytes).toString('hex')}`) : 0n
}
