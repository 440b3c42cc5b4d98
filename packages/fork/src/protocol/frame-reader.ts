import { type Frame, HEADER_BYTES } from './frame.js'

/** A frame whose header has come. */
interface Begun {
  type: number
  id: number
  descriptors: number
  payload: Buffer
  filled: number
}

/** Cuts a stream of bytes and descriptors into frames, whatever the pieces in which it comes. */
export class FrameReader<D> {
  /** What has come and is not read yet. */
  #bytes: Buffer = Buffer.alloc(0)
  readonly #descriptors: D[] = []
  #begun: Begun | undefined

  /** Where the next bytes may go so that they need not be copied: they are all of one frame. */
  get room(): Buffer | undefined {
    return this.#begun && this.#begun.payload.subarray(this.#begun.filled)
  }

  /** Takes what was received elsewhere than in `room`; the bytes are kept, not copied. */
  push(bytes: Buffer, descriptors: readonly D[]): void {
    this.#bytes = this.#bytes.length ? Buffer.concat([this.#bytes, bytes]) : bytes
    this.#descriptors.push(...descriptors)
  }

  /** Takes so many bytes that were received in `room`. */
  fill(bytes: number, descriptors: readonly D[]): void {
    this.#begun!.filled += bytes
    this.#descriptors.push(...descriptors)
  }

  /** The next whole frame, or undefined while it has not all come. */
  next(): Frame<D> | undefined {
    if (!this.#begun && !this.#begin()) return undefined
    const { type, id, descriptors, payload, filled } = this.#begun!
    if (filled < payload.length) return undefined
    this.#begun = undefined
    return { type, id, payload, descriptors: this.#descriptors.splice(0, descriptors) }
  }

  /** Whether nothing is kept of a frame that has come in part. */
  get isEmpty(): boolean {
    return this.#bytes.length === 0 && !this.#begun
  }

  /** Descriptors that came and belong to no frame yet. */
  takeDescriptors(): D[] {
    return this.#descriptors.splice(0)
  }

  /** Reads a header. A payload that is all there stays where it is; for another one there is room made. */
  #begin(): boolean {
    const bytes = this.#bytes
    if (bytes.length < HEADER_BYTES) return false
    const length = bytes.readUInt32LE(0)
    const end = HEADER_BYTES + length
    const isWhole = bytes.length >= end
    const payload = isWhole ? bytes.subarray(HEADER_BYTES, end) : Buffer.allocUnsafeSlow(length)
    if (!isWhole) bytes.copy(payload, 0, HEADER_BYTES)
    this.#bytes = bytes.subarray(Math.min(end, bytes.length))
    this.#begun = {
      type: bytes[4]!,
      id: bytes.readUInt32LE(8),
      descriptors: bytes[5]!,
      payload,
      filled: isWhole ? length : bytes.length - HEADER_BYTES,
    }
    return true
  }
}
