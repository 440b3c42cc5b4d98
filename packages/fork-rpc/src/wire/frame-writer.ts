import { type Descriptor, MAX_DESCRIPTORS, sendMessage, tryWrite } from '@anyfork/fdpass'
import { copyBytes } from './copy-bytes.js'
import { disposeAll } from './dispose-all.js'
import { At, HEADER_BYTES, hasValues, Kind, LARGE_BYTES, MARK } from './frame.js'

const SEGMENT_BYTES = HEADER_BYTES + LARGE_BYTES
const URGENT_BYTES = 256 * HEADER_BYTES

/** A piece of the backlog: whole frames, or the large payload of the frame before it. */
interface Segment {
  bytes: Buffer
  view: DataView
  start: number
  end: number
  isPayload: boolean
  isUrgent: boolean
  /** Descriptors that go with its first byte, and are then closed. */
  descriptors?: Descriptor[]
}

/**
 * The outcome of a write. `'all'`: everything was written. `'full'`: the socket takes no more. `'held'`: the peer has
 * yet to accept descriptors. `'crowded'`: too many descriptors are in flight for the kernel to take more.
 */
export type Written = 'all' | 'full' | 'held' | 'crowded'

/** Encodes frames and gathers them, so that many leave in one write. */
export class FrameWriter {
  /**
   * Called when a frame will be ignored by the peer, because the memory of a large binary among its values was taken
   * away before it was written.
   */
  onSpoilt: (kind: number, id: number) => void = () => {}
  readonly #segments: Segment[] = []
  #tail: Segment
  #length = 0
  #sent = 0
  /** The segment that a deferred write may be writing. */
  #lent: Segment | undefined
  /** The call that was withdrawn last. The position is valid while nothing more has been sent. */
  #withdrawn: { segment: Segment; at: number; sent: number } | undefined
  #consent: 'unasked' | 'asked' | 'given' = 'unasked'

  constructor() {
    this.#tail = newSegment()
    this.#segments.push(this.#tail)
  }

  /** The number of bytes that wait to be written. */
  get length(): number {
    return this.#length
  }

  /** Whether the peer was asked to accept descriptors, and has not answered yet. */
  get isAsking(): boolean {
    return this.#consent === 'asked'
  }

  /** The number of bytes written so far. */
  get sent(): number {
    return this.#sent
  }

  /**
   * Queues a frame.
   *
   * @param payload - copied if it is small. From `LARGE_BYTES` on, it belongs to the writer
   * @throws RangeError if the payload exceeds 4 GiB
   */
  add(
    kind: number,
    id: number,
    payload?: Buffer,
    start = 0,
    end: number = payload ? payload.length : 0,
    flags = 0,
    number = 0,
  ): void {
    const size = end - start
    if (size > 0xffffffff) throw new RangeError('a message can have at most 4 GiB')
    const isLarge = size >= LARGE_BYTES
    const need = HEADER_BYTES + (isLarge ? 0 : size)
    let tail = this.#tail
    if (tail.end + need > SEGMENT_BYTES) tail = this.#grow()
    writeHeader(tail.view, tail.end, size, id, kind, flags, number)
    tail.end += HEADER_BYTES
    if (isLarge) this.#addPayload(payload!.subarray(start, end))
    else if (size) {
      copyBytes(payload!, start, end, tail.bytes, tail.end)
      tail.end += size
    }
    this.#length += HEADER_BYTES + size
  }

  /**
   * Queues a frame without payload, ahead of all frames that have not begun to be written.
   *
   * @returns how many bytes will have been written, at least, when this frame has
   */
  addUrgent(kind: number, id: number, number = 0): number {
    const index = this.#segments.findIndex(({ start, isPayload }) => start === 0 && !isPayload)
    let segment = this.#segments[index]
    if (!segment?.isUrgent || segment.end + HEADER_BYTES > segment.bytes.length) {
      segment = newSegment(URGENT_BYTES)
      segment.isUrgent = true
      this.#segments.splice(index < 0 ? this.#segments.length : index, 0, segment)
      if (index < 0) this.#grow()
    }
    writeHeader(segment.view, segment.end, 0, id, kind, 0, number)
    segment.end += HEADER_BYTES
    this.#length += HEADER_BYTES
    let position = this.#sent
    for (const one of this.#segments) {
      position += one.end - one.start
      if (one === segment) break
    }
    return position
  }

  /** Turns a call into a frame to be ignored, unless it has begun to be written. Returns false if it has. */
  withdraw(id: number): boolean {
    const last = this.#withdrawn
    // Many calls are often withdrawn at once, in the order in which they were queued.
    if (last?.sent === this.#sent && this.#withdrawFrom(this.#segments.indexOf(last.segment), last.at, id)) return true
    return this.#withdrawFrom(0, 0, id)
  }

  #withdrawFrom(index: number, from: number, id: number): boolean {
    for (; index < this.#segments.length; index++) {
      const segment = this.#segments[index]!
      const { view, start, end, isPayload } = segment
      for (let at = from; at < end && !isPayload; at += HEADER_BYTES + payloadWithin(view, at)) {
        if (at < start || view.getUint32(at + At.id, true) !== id || view.getUint8(at + At.kind) !== Kind.call) continue
        view.setUint8(at + At.kind, Kind.nothing)
        this.#withdrawn = { segment, at, sent: this.#sent }
        return true
      }
      from = 0
    }
    return false
  }

  /**
   * Queues descriptors that belong to the next frame.
   *
   * @param descriptors - belong to the writer from now on
   */
  addDescriptors(descriptors: readonly Descriptor[]): void {
    if (this.#consent === 'unasked') {
      this.add(Kind.descriptorsAhead, 0)
      this.#consent = 'asked'
    }
    for (let i = 0; i < descriptors.length; i += MAX_DESCRIPTORS) {
      const batch = descriptors.slice(i, i + MAX_DESCRIPTORS)
      this.#grow().descriptors = batch
      this.add(Kind.descriptors, 0, undefined, 0, 0, 0, batch.length)
    }
  }

  /** The peer accepts descriptors. */
  welcomeDescriptors(): void {
    this.#consent = 'given'
  }

  /**
   * Lends the backlog to a deferred write, until `wrote` says how much was written. Returns undefined if it is more
   * than one segment or has descriptors.
   */
  lend(): { bytes: Buffer; start: number; end: number } | undefined {
    const tail = this.#tail
    if (this.#segments.length > 1 || tail.descriptors?.length) return undefined
    return (this.#lent = tail)
  }

  /** Call this when a deferred write has written this number of lent bytes. */
  wrote(count: number): void {
    const lent = this.#lent!
    lent.start += count
    this.#length -= count
    this.#sent += count
    if (lent.start < lent.end) return
    if (lent === this.#tail) lent.start = lent.end = 0
    else this.#segments.splice(this.#segments.indexOf(lent), 1)
  }

  /** Drops the backlog and closes its descriptors: nothing can be sent any more. */
  discard(): void {
    for (const segment of this.#segments) disposeAll(segment.descriptors?.splice(0) ?? [])
    this.#segments.splice(0, Infinity, this.#tail)
    this.#tail.start = this.#tail.end = this.#length = 0
    this.#withdrawn = undefined
  }

  /**
   * Writes as much as the kernel takes.
   *
   * @throws the kernel's error
   */
  writeTo(socket: Descriptor): Written {
    while (this.#length) {
      const first = this.#segments[0]!
      if (first.bytes.length < first.end) this.#replace(first)
      const { descriptors, bytes, start, end } = first
      if (descriptors?.length) {
        const written = this.#sendDescriptors(socket, first, descriptors)
        if (written !== 'all') return written
        continue
      }
      const taken = tryWrite(socket, bytes, start, end - start)
      if (taken < 0) return 'full'
      this.#drop(taken)
    }
    return 'all'
  }

  /**
   * Writes zeros instead of memory that was transferred or has shrunk, and turns the frame to which it belongs into one
   * to be ignored.
   */
  #replace(lost: Segment): void {
    lost.bytes = Buffer.alloc(lost.end)
    for (const { view, end, isPayload } of this.#segments) {
      for (let at = 0; at < end && !isPayload; at += HEADER_BYTES + payloadWithin(view, at)) {
        const kind = view.getUint8(at + At.kind)
        if (!hasValues(kind)) continue
        view.setUint8(at + At.kind, Kind.nothing)
        if (kind !== Kind.nothing) this.onSpoilt(kind, view.getUint32(at + At.id, true))
        return
      }
    }
  }

  #sendDescriptors(socket: Descriptor, { bytes, start, end }: Segment, descriptors: Descriptor[]): Written {
    if (this.#consent !== 'given') return 'held'
    try {
      const taken = sendMessage(socket, bytes.subarray(start, end), descriptors)
      disposeAll(descriptors.splice(0))
      this.#drop(taken)
      return 'all'
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') return 'full'
      if (code === 'ETOOMANYREFS' || code === 'ENOBUFS') return 'crowded'
      throw error
    }
  }

  #drop(count: number): void {
    const first = this.#segments[0]!
    first.start += count
    this.#length -= count
    this.#sent += count
    if (first.start < first.end) return
    if (first === this.#tail) first.start = first.end = 0
    else this.#segments.shift()
  }

  /** Returns a new last segment, or the current one if it is empty. */
  #grow(): Segment {
    if (this.#tail.end > 0) this.#tail = this.#push(newSegment())
    return this.#tail
  }

  #addPayload(payload: Buffer): void {
    this.#push({
      bytes: payload,
      view: this.#tail.view,
      start: 0,
      end: payload.length,
      isPayload: true,
      isUrgent: false,
    })
    this.#grow()
  }

  #push(segment: Segment): Segment {
    this.#segments.push(segment)
    return segment
  }
}

function newSegment(size = SEGMENT_BYTES): Segment {
  const bytes = Buffer.allocUnsafeSlow(size)
  return { bytes, view: new DataView(bytes.buffer), start: 0, end: 0, isPayload: false, isUrgent: false }
}

function writeHeader(
  view: DataView,
  at: number,
  size: number,
  id: number,
  kind: number,
  flags: number,
  number: number,
): void {
  view.setUint32(at + At.length, size, true)
  view.setUint32(at + At.id, id, true)
  view.setUint32(at + At.kind, kind | ((MARK | flags) << 8) | (number << 16), true)
}

/** Returns how many bytes of payload follow a header in the same segment. */
function payloadWithin(view: DataView, at: number): number {
  const size = view.getUint32(at + At.length, true)
  return size >= LARGE_BYTES ? 0 : size
}
