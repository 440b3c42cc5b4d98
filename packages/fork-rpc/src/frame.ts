/**
 * What goes over the socket between a caller and the process that it calls: a
 * header of 12 bytes, then the payload.
 *
 *     u32 payload length · u32 id · u8 kind · u8 0 · u16 0
 *
 * All numbers are little-endian.
 */
export const HEADER_BYTES = 12

const LEAST_BYTES = 1 << 16
/** Memory beyond this is given back as soon as it is not needed. */
const LARGEST_KEPT = 1 << 20

export const Kind = {
  /** To the child: call the function. Payload: its arguments. */
  call: 1,
  /** To the child: answer the calls before this, then end. */
  end: 2,
  /** From the child: the function was found. */
  ready: 16,
  /** From the child: what the call of this id returned. */
  result: 17,
  /** From the child: what the call of this id threw. Payload: a PlainError by V8's serialiser. */
  error: 18,
  /** From the child: an event. Payload: its values. */
  event: 19,
  /** From the child: it cannot serve. Payload: a PlainError by V8's serialiser. */
  fatal: 20,
} as const

/** Frames on their way out, gathered so that many leave in one write. */
export class FrameQueue {
  #bytes = Buffer.allocUnsafeSlow(LEAST_BYTES)
  #start = 0
  #end = 0

  /** How many bytes wait. */
  get length(): number {
    return this.#end - this.#start
  }

  /** Adds a frame; the payload is copied. */
  add(kind: number, id: number, payload?: Uint8Array): void {
    const size = payload ? payload.byteLength : 0
    if (size > 0xffffffff) throw new RangeError('a message has at most 4 GiB')
    this.#makeRoom(HEADER_BYTES + size)
    const bytes = this.#bytes
    const start = this.#end
    bytes.writeUInt32LE(size, start)
    bytes.writeUInt32LE(id, start + 4)
    bytes.writeUInt32LE(kind, start + 8)
    if (payload) bytes.set(payload, start + HEADER_BYTES)
    this.#end = start + HEADER_BYTES + size
  }

  /** What waits, as one piece; it is the queue's own memory, good until the next `add` or `drop`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end)
  }

  /** Forgets as many bytes, because they have been written. */
  drop(count: number): void {
    this.#start += count
    if (this.#start < this.#end) return
    this.#start = 0
    this.#end = 0
    if (this.#bytes.length > LARGEST_KEPT) this.#bytes = Buffer.allocUnsafeSlow(LEAST_BYTES)
  }

  #makeRoom(size: number): void {
    if (this.#end + size <= this.#bytes.length) return
    const held = this.length
    const isRoomy = held + size <= this.#bytes.length / 2
    const target = isRoomy ? this.#bytes : Buffer.allocUnsafeSlow(Math.max(held + size, this.#bytes.length * 2))
    this.#bytes.copy(target, 0, this.#start, this.#end)
    this.#bytes = target
    this.#start = 0
    this.#end = held
  }
}

/** Bytes as they come, cut into frames. After `next`, the frame is in `kind`, `id` and `payload`. */
export class FrameParser {
  kind = 0
  id = 0
  /** The parser's own memory, good until `room` is called. */
  payload: Buffer = Buffer.alloc(0)
  #bytes = Buffer.allocUnsafeSlow(LEAST_BYTES)
  #start = 0
  #end = 0

  /** Where to put the next bytes: at the end of the memory returned. It grows with what comes, whatever length a header claims. */
  room(): Buffer {
    const held = this.#end - this.#start
    if (held === 0 && this.#bytes.length > LARGEST_KEPT) this.#bytes = Buffer.allocUnsafeSlow(LEAST_BYTES)
    if (held === this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(this.#bytes.length * 2)
      this.#bytes.copy(grown, 0, this.#start, this.#end)
      this.#bytes = grown
    } else if (this.#start > 0) {
      this.#bytes.copyWithin(0, this.#start, this.#end)
    }
    this.#start = 0
    this.#end = held
    return this.#bytes.subarray(held)
  }

  /** So many bytes have been put into the room. */
  filled(count: number): void {
    this.#end += count
  }

  /** Goes to the next frame; false when it has not all come. */
  next(): boolean {
    const start = this.#start
    if (this.#end - start < HEADER_BYTES) return false
    const bytes = this.#bytes
    const end = start + HEADER_BYTES + bytes.readUInt32LE(start)
    if (end > this.#end) return false
    this.id = bytes.readUInt32LE(start + 4)
    this.kind = bytes[start + 8]!
    this.payload = bytes.subarray(start + HEADER_BYTES, end)
    this.#start = end
    return true
  }
}
