import { type Descriptor, StreamReceiver } from '@anyfork/fdpass'
import { sleep } from '../wire/blocking-write.js'
import { Kind } from '../wire/frame.js'
import { FrameReader } from '../wire/frame-reader.js'
import type { Spin } from '../wire/spin.js'

/** How long to wait until the descriptor table may have room again, in milliseconds. */
const TABLE_FULL_MS = 20

/** What else an input needs. */
export interface BlockingReaderListener {
  /** Does what a frame says, if that has its effect at once. */
  handle(frame: FrameReader): boolean
  /** It is about to wait: what waits to be written should be. */
  onIdle(): void
}

/** What comes from the caller, for a process that waits for it by blocking. */
export class BlockingReader {
  readonly reader: FrameReader = new FrameReader()
  readonly #receiver: StreamReceiver
  readonly #listener: BlockingReaderListener
  readonly #spin: Spin
  /** What was said last of these ids is that the call was cancelled. They may be over, or have begun, and are used again. */
  readonly #cancelled = new Set<number>()
  readonly #onScanned = (kind: number, id: number): void => {
    if (kind === Kind.cancel) this.#cancelled.add(id)
    else if (kind === Kind.call && this.#cancelled.size) this.#cancelled.delete(id)
  }
  #expectsDescriptors = false
  #lastLook = 0

  /** @param socket - blocking */
  constructor(socket: Descriptor, spin: Spin, listener: BlockingReaderListener) {
    this.#receiver = new StreamReceiver(socket)
    this.reader.arrived = this.#receiver.descriptors
    this.#spin = spin
    this.#listener = listener
  }

  /** From now on, descriptors come. */
  expectDescriptors(): void {
    this.#expectsDescriptors = true
  }

  /** Goes to the next frame, and waits for it; false at the end. */
  next(): boolean {
    while (!this.reader.next()) if (!this.#receive()) return false
    return true
  }

  /** Does what the frame says that the reader is at. */
  handleFrame(): void {
    this.#listener.handle(this.reader)
  }

  /**
   * Waits for what has its effect at once; calls that come meanwhile wait. What has come is
   * heard also where there is nothing to wait for. Ends the process when the caller is gone.
   */
  wait(isOver: () => boolean): void {
    if (!this.#look() && isOver()) return
    for (;;) {
      this.#select()
      if (isOver()) return
      if (!this.#receive()) process.exit()
    }
  }

  /** Waits for something to come, unless what has come takes all the room; false at the end. */
  receiveMore(): boolean {
    const hasCome = !this.reader.hasRoom || this.#waitFor()
    this.#select()
    return hasCome
  }

  /** Hears what has been said meanwhile, as far as there is room: calls may have been cancelled. */
  lookAhead(): void {
    const { reader } = this
    while (reader.hasRoom && this.#tryReceive(0) > 0) if (reader.isWithinPayload) return
  }

  /** Whether a call that has not begun was cancelled, as far as was heard. */
  takeCancellation(id: number): boolean {
    return this.#cancelled.size > 0 && this.#cancelled.delete(id)
  }

  /** Takes what has come; false when that was done in the same millisecond. */
  #look(): boolean {
    const now = Date.now()
    if (now === this.#lastLook) return false
    this.#lastLook = now
    if (this.reader.hasRoom) this.#tryReceive(0)
    return true
  }

  #select(): void {
    this.reader.select(frame => frame.kind === Kind.cancel || this.#listener.handle(frame))
  }

  /** Waits for something to come; false at the end. */
  #receive(): boolean {
    this.#listener.onIdle()
    const count = this.reader.isWithinPayload ? this.#tryReceive(this.#spin.nextForRest()) : this.#spinForNext()
    return count >= 0 ? count > 0 : this.#waitFor()
  }

  /** As `StreamReceiver.receive`. */
  #spinForNext(): number {
    const spin = this.#spin.checkAlone() ? 0 : this.#spin.next()
    if (!spin) return -1
    const count = this.#tryReceive(spin)
    this.#spin.recordOutcome(count >= 0)
    return count
  }

  #waitFor(): boolean {
    const { reader } = this
    for (;;) {
      try {
        this.#prepare()
        const count = this.#receiver.receive(reader.makeRoom(), reader.roomStart)
        this.#filled(count)
        return count > 0
      } catch (error) {
        if (!isTableFull(error)) throw error
        sleep(TABLE_FULL_MS)
      }
    }
  }

  /** As `StreamReceiver.receive`, without waiting. */
  #tryReceive(spin: number): number {
    try {
      const { reader } = this
      this.#prepare()
      const count = this.#receiver.receive(reader.makeRoom(), reader.roomStart, { dontWait: true, spin })
      this.#filled(count)
      return count
    } catch (error) {
      if (!isTableFull(error)) throw error
      return -1
    }
  }

  #prepare(): void {
    this.#receiver.takesDescriptors = this.#expectsDescriptors && !this.reader.isWithinPayload
  }

  /** Every frame is scanned when its header has come. */
  #filled(count: number): void {
    if (count <= 0) return
    this.reader.filled(count)
    this.reader.scan(this.#onScanned)
  }
}

function isTableFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE'
}
