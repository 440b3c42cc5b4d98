import { copyBytes } from '../wire/copy-bytes.js'
import { Kind, LARGE_BYTES } from '../wire/frame.js'
import type { Codec } from './codec.js'
import { type Attached, encodeValues } from './encode-values.js'
import { EncodedRequest } from './encoded-request.js'
import { codecOf, type SerialiserName, serialiserReference } from './serialiser.js'

/** Small requests share memory: a buffer of its own would take several times the size of one. */
const SHARED_BYTES = 8192
/** The largest request in shared memory, which exists as long as one of its requests does. */
const MOST_SHARED = SHARED_BYTES / 8

/** Encodes the arguments of calls that may have to wait before a connection can send them. */
export class RequestEncoder {
  readonly #serialiser: string
  readonly #maxBytes: number
  #codec: Codec | undefined
  #shared = Buffer.alloc(0)
  #used = 0

  /**
   * @param serialiser - that of the connections. It is loaded at the first call
   * @param maxMessageBytes - the largest request, in bytes, with its large binaries
   */
  constructor(serialiser: SerialiserName | URL, maxMessageBytes: number) {
    this.#serialiser = serialiserReference(serialiser)
    this.#maxBytes = maxMessageBytes
  }

  /**
   * Captures arguments: later changes do not affect the request, except for changes to large binaries, which are not
   * copied, and to iterables.
   *
   * @returns a request that holds the descriptors among the arguments: send or discard it
   * @throws what `encodeValues` throws
   * @throws the error of a custom serialiser's module if it does not load
   */
  encode(args: readonly unknown[]): EncodedRequest {
    const codec = (this.#codec ??= codecOf(this.#serialiser))
    return this.#keep(codec, encodeValues(codec, args, Kind.call, this.#maxBytes, true))
  }

  /** Copies the bytes out of the memory that the codec will use again. Large ones are not in such memory. */
  #keep({ bytes, start, end }: Codec, attached: Attached | undefined): EncodedRequest {
    const size = end - start
    if (size >= LARGE_BYTES) return new EncodedRequest(bytes, start, end, attached)
    if (size > MOST_SHARED) {
      const own = Buffer.allocUnsafeSlow(size)
      copyBytes(bytes, start, end, own, 0)
      return new EncodedRequest(own, 0, size, attached)
    }
    if (this.#used + size > this.#shared.length) {
      this.#shared = Buffer.allocUnsafeSlow(SHARED_BYTES)
      this.#used = 0
    }
    const at = this.#used
    this.#used += size
    copyBytes(bytes, start, end, this.#shared, at)
    return new EncodedRequest(this.#shared, at, this.#used, attached)
  }
}
