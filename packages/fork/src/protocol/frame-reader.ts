import { type Accepted, type Frame, HEADER_BYTES } from './frame.js'

/** A frame whose header has arrived. */
interface Incomplete {
  type: number
  id: number
  descriptors: number
  payload: Buffer
  filled: number
}

/** Splits a stream of bytes and descriptors into frames, no matter how the stream was cut. */
export class FrameReader<D> {
  /** Bytes that belong to no frame yet. */
  #bytes: Buffer = Buffer.alloc(0)
  readonly #descriptors: D[] = []
  #incomplete: Incomplete | undefined
  readonly #accepted: Accepted | undefined

  /** @param accepted - for a peer that is not trusted: what it may send, always without descriptors */
  constructor(accepted?: Accepted) {
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
   * Returns the next frame; `undefined` until all of it has arrived.
   *
   * @throws TypeError if its header is invalid, or descriptors have come from a peer that is not trusted
   */
  next(): Frame<D> | undefined {
    if (this.#accepted && this.#descriptors.length) throw new TypeError('it has sent descriptors')
    if (!this.#incomplete && !this.#begin()) return undefined
    const { type, id, descriptors, payload, filled } = this.#incomplete!
    if (filled < payload.length) return undefined
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

  #check(length: number): void {
    const type = this.#bytes[4]!
    if (length > (this.#accepted!.get(type) ?? -1) || this.#bytes[5])
      throw new TypeError(`it has sent an invalid report: type ${type} with ${length} bytes`)
  }

  /** Reads a header. A payload that has arrived whole stays where it is; for another, room is allocated. */
  #begin(): boolean {
    const bytes = this.#bytes
    if (bytes.length < HEADER_BYTES) return false
    const length = bytes.readUInt32LE(0)
    if (this.#accepted) this.#check(length)
    const end = HEADER_BYTES + length
    const isWhole = bytes.length >= end
    const payload = isWhole ? bytes.subarray(HEADER_BYTES, end) : Buffer.allocUnsafeSlow(length)
    if (!isWhole) bytes.copy(payload, 0, HEADER_BYTES)
    this.#bytes = bytes.subarray(Math.min(end, bytes.length))
    this.#incomplete = {
      type: bytes[4]!,
      id: bytes.readUInt32LE(8),
      descriptors: bytes[5]!,
      payload,
      filled: isWhole ? length : bytes.length - HEADER_BYTES,
    }
    return true
  }
}
