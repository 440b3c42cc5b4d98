import { receiveBuffer } from '@anyfork/fdpass'
import { RpcError } from '../errors.js'
import { type Accepted, At, FIXED_BITS, HEADER_BYTES, LARGE_BYTES, MARK, MARK_BITS } from './frame.js'

const BUFFER_BYTES = 1 << 16
/**
 * Memory for a payload beyond this size is allocated only as its bytes arrive, because the length could be false. The kernel
 * provides pages only for what has arrived, in either case. Growing has a price: both the old memory and the new are there.
 */
const TRUSTED_BYTES = 1 << 28
const NOTHING = Buffer.alloc(0)

/**
 * Cuts the bytes of a stream into frames. After `next`, the current frame is in `kind`, `id`, `flags`, and `number`,
 * and its payload is `bytes` from `start` to `end`.
 */
export class FrameParser {
  kind = 0
  id = 0
  flags = 0
  number = 0
  /**
   * The parser's own memory, valid until more bytes are received. Memory of a large payload belongs to the user of the
   * parser.
   */
  bytes: Buffer = NOTHING
  start = 0
  end = 0
  /** How many more bytes the payloads of the current message may have. */
  protected room: number
  readonly #accepted: Accepted
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  readonly #view = new DataView(this.#buffer.buffer)
  #from = 0
  #to = 0
  /** The payload of a frame that does not fit in the buffer, as far as it has arrived. */
  #large: Buffer | undefined
  /** Its header, kept while the payload arrives: `FrameReader` may move to kept frames meanwhile. */
  #largeHeader = { kind: 0, id: 0, flags: 0, number: 0 }
  #largeSize = 0
  #largeFilled = 0

  /**
   * @param accepted - the largest payload of each kind; `Infinity`: what `maxMessageBytes` leaves
   * @param maxMessageBytes - the largest message: a frame with its attachments
   */
  constructor(accepted: Accepted, maxMessageBytes: number) {
    this.#accepted = accepted
    this.room = maxMessageBytes
  }

  /** Whether the next bytes belong to the payload of a large frame, so that no other frame begins among them. */
  get isWithinPayload(): boolean {
    return this.#large !== undefined && this.#largeFilled < this.#largeSize
  }

  /**
   * Returns the memory for the next bytes, which go from `roomStart` to its end. Moves the remaining bytes to its
   * beginning.
   */
  makeRoom(): Buffer {
    if (this.#large) return this.#large
    if (this.#from > 0) {
      if (this.#from < this.#to) this.#buffer.copyWithin(0, this.#from, this.#to)
      this.#to -= this.#from
      this.#from = 0
    }
    return this.#buffer
  }

  /** Whether there is room for bytes before the parser moves to the next frame. */
  get hasRoom(): boolean {
    return this.#large ? this.isWithinPayload : this.#from > 0 || this.#to < BUFFER_BYTES
  }

  /** Where the next bytes go. */
  get roomStart(): number {
    return this.#large ? this.#largeFilled : this.#to
  }

  /** Call this when this number of bytes has been received into the room. */
  filled(count: number): void {
    if (!this.#large) {
      this.#to += count
      return
    }
    this.#largeFilled += count
    if (this.#largeFilled === this.#large.length && this.#largeFilled < this.#largeSize) this.#growLarge()
  }

  /**
   * Moves to the next frame. Returns false if it has not fully arrived.
   *
   * @throws RpcError if its header is invalid, as soon as the first byte has arrived that shows it
   */
  next(): boolean {
    if (this.#large) return this.#nextLarge()
    const at = this.#from
    if (this.#to - at < HEADER_BYTES) return this.#checkBeginning()
    const view = this.#view
    const size = view.getUint32(at + At.length, true)
    const end = at + HEADER_BYTES + size
    const word = view.getUint32(at + At.kind, true)
    const most = this.#accepted[word & 0xff]!
    if (size > most || (most === Infinity && size > this.room)) throw invalidHeader(word & 0xff, size)
    if ((word & FIXED_BITS[word & 0xff]!) !== MARK << 8) throw unmarked()
    if (end > this.#to && size < LARGE_BYTES - HEADER_BYTES) return false
    this.id = view.getUint32(at + At.id, true)
    this.kind = word & 0xff
    this.flags = (word >>> 8) & ~MARK_BITS & 0xff
    this.number = word >>> 16
    if (end > this.#to) return this.#beginLarge(at + HEADER_BYTES, size)
    this.bytes = this.#buffer
    this.start = at + HEADER_BYTES
    this.end = end
    this.#from = end
    return true
  }

  /** The number of bytes that have arrived and not been parsed. */
  get waiting(): number {
    return this.#to - this.#from
  }

  /** Whether another frame has fully arrived. */
  get hasNext(): boolean {
    const held = this.#to - this.#from
    return (
      !this.#large && held >= HEADER_BYTES && held >= HEADER_BYTES + this.#view.getUint32(this.#from + At.length, true)
    )
  }

  /** The kind of the next frame; `undefined` if it has not fully arrived. */
  get nextKind(): number | undefined {
    return this.hasNext ? this.#view.getUint8(this.#from + At.kind) : undefined
  }

  /** Returns the payload in memory of its own. */
  takePayload(): Buffer {
    return this.bytes === this.#buffer
      ? Buffer.from(this.bytes.subarray(this.start, this.end))
      : this.bytes.subarray(this.start, this.end)
  }

  /** Calls a function for each frame whose header has arrived and that `next` has not reached. */
  scan(onFrame: (kind: number, id: number) => void): void {
    const view = this.#view
    for (
      let at = this.#from;
      !this.#large && at + HEADER_BYTES <= this.#to;
      at += HEADER_BYTES + view.getUint32(at + At.length, true)
    ) {
      onFrame(view.getUint8(at + At.kind), view.getUint32(at + At.id, true))
    }
  }

  /** Checks what has arrived of a header. Returns false: the rest has not. */
  #checkBeginning(): false {
    const held = this.#to - this.#from
    if (held > 0 && this.#accepted[this.#buffer[this.#from + At.kind]!]! < 0) throw unmarked()
    if (held > 1 && (this.#buffer[this.#from + At.flags]! & MARK_BITS) !== MARK) throw unmarked()
    return false
  }

  #beginLarge(from: number, size: number): boolean {
    this.#large = receiveBuffer(Math.min(size, TRUSTED_BYTES))
    const { kind, id, flags, number } = this
    this.#largeHeader = { kind, id, flags, number }
    this.#largeSize = size
    this.#largeFilled = this.#buffer.copy(this.#large, 0, from, this.#to)
    this.#from = this.#to = 0
    return false
  }

  #growLarge(): void {
    const grown = receiveBuffer(Math.min(this.#largeSize, this.#large!.length * 2))
    this.#large!.copy(grown)
    this.#large = grown
  }

  #nextLarge(): boolean {
    if (this.#largeFilled < this.#largeSize) return false
    Object.assign(this, this.#largeHeader)
    this.bytes = this.#large!
    this.start = 0
    this.end = this.#largeSize
    this.#large = undefined
    return true
  }
}

function unmarked(): RpcError {
  return new RpcError('ERR_RPC_PROTOCOL', 'bytes came that are not the header of a frame')
}

function invalidHeader(kind: number, size: number): RpcError {
  return new RpcError('ERR_RPC_PROTOCOL', `a frame has an invalid header: kind ${kind} with ${size} bytes`)
}
