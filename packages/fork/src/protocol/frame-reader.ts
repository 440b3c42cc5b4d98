import { type Accepted, At, type Frame, HEADER_BYTES, MARK } from './frame.js'

/** A frame whose header has arrived. */
interface Incomplete {
  type: number
  id: number
  descriptors: number
  payload: Buffer
  filled: number
}

const NO_BYTES: Buffer = Buffer.alloc(0)

/** Splits a stream of bytes and descriptors into frames, no matter how the stream was cut. */
export class FrameReader<D> {
  /** Bytes that belong to no frame yet. */
  #bytes = NO_BYTES
  readonly #descriptors: D[] = []
  #incomplete: Incomplete | undefined
  readonly #accepted: Accepted

  /** @param accepted - what the peer may send */
  constructor(accepted: Accepted) {
    this.#accepted = accepted
  }

  /** The rest of the payload that is being received. Bytes that are received directly into it need not be copied. */
  get room(): Buffer | undefined {
    return this.#incomplete?.payload.subarray(this.#incomplete.filled)
  }

  /** Adds bytes that were not received into `room`. They are kept, not copied. */
  push(bytes: Buffer, descriptors: readonly D[]): void {
    this.#bytes = this.#bytes.length ? Buffer.concat([this.#bytes, bytes]) : bytes
    this.#descriptors.push(...descriptors)
  }

  /** Adds a number of bytes that were received into `room`. */
  fill(bytes: number, descriptors: readonly D[]): void {
    this.#incomplete!.filled += bytes
    this.#descriptors.push(...descriptors)
  }

  /**
   * Returns the next frame; `undefined` until all of it has arrived. From a peer that is not trusted, it may have fewer
   * descriptors than its header declares.
   *
   * @throws TypeError if its header is invalid, as soon as the first byte has arrived that shows it, or descriptors have
   *   come that no header declares
   */
  next(): Frame<D> | undefined {
    if (!this.#incomplete && !this.#begin()) {
      this.#checkBeginning()
      return undefined
    }
    const { type, id, descriptors, payload, filled } = this.#incomplete!
    if (filled < payload.length) {
      // No later frame has begun. More descriptors would take slots for as long as the payload is awaited.
      if (this.#descriptors.length > descriptors) throw undeclared()
      return undefined
    }
    this.#incomplete = undefined
    return { type, id, payload, descriptors: this.#descriptors.splice(0, descriptors) }
  }

  /** Whether no frame has arrived in part. */
  get isEmpty(): boolean {
    return this.#bytes.length === 0 && !this.#incomplete
  }

  /** Returns the descriptors that belong to no frame yet. The caller owns them. */
  takeDescriptors(): D[] {
    return this.#descriptors.splice(0)
  }

  /** Forgets all that has arrived. Returns the descriptors, which the caller owns. */
  reset(): D[] {
    this.#bytes = NO_BYTES
    this.#incomplete = undefined
    return this.takeDescriptors()
  }

  /** Checks what has arrived of a header. */
  #checkBeginning(): void {
    const { length } = this.#bytes
    // Descriptors come with the first byte of the header that declares them.
    if (this.#descriptors.length && (length === 0 || this.#descriptors.length > mostDescriptors(this.#accepted)))
      throw undeclared()
    if (length > At.type && !this.#accepted.has(this.#bytes[At.type]!)) throw noHeader()
    if (length >= At.mark + 2 && this.#bytes.readUInt16LE(At.mark) !== MARK) throw noHeader()
  }

  #check(length: number): void {
    const type = this.#bytes[At.type]!
    const descriptors = this.#bytes[At.descriptors]!
    if (this.#bytes.readUInt16LE(At.mark) !== MARK) throw noHeader()
    const most = this.#accepted.get(type)
    if (!most || length > most.bytes || descriptors > most.descriptors)
      throw new TypeError(
        `it has sent an invalid header: type ${type} with ${length} bytes, ${descriptors} descriptors`,
      )
  }

  /** Reads a header. A payload that has arrived whole stays where it is; for another, room is allocated. */
  #begin(): boolean {
    const bytes = this.#bytes
    if (bytes.length < HEADER_BYTES) return false
    const length = bytes.readUInt32LE(At.length)
    this.#check(length)
    const end = HEADER_BYTES + length
    const isWhole = bytes.length >= end
    const payload = isWhole ? bytes.subarray(HEADER_BYTES, end) : Buffer.allocUnsafeSlow(length)
    if (!isWhole) bytes.copy(payload, 0, HEADER_BYTES)
    this.#bytes = bytes.subarray(Math.min(end, bytes.length))
    this.#incomplete = {
      type: bytes[At.type]!,
      id: bytes.readUInt32LE(At.id),
      descriptors: bytes[At.descriptors]!,
      payload,
      filled: isWhole ? length : bytes.length - HEADER_BYTES,
    }
    return true
  }
}

function mostDescriptors(accepted: Accepted): number {
  return Math.max(...[...accepted.values()].map(({ descriptors }) => descriptors))
}

function undeclared(): TypeError {
  return new TypeError('it has sent descriptors that no header declares')
}

function noHeader(): TypeError {
  return new TypeError('it has sent bytes that are not the header of a frame')
}
