import { type Descriptor, StreamReceiver } from '@anyfork/fdpass'
import { setReceiveTimeout } from '@anyfork/fdpass/internal'
import { sleep } from '../wire/blocking-write.js'
import { acceptedFromCaller, Kind } from '../wire/frame.js'
import { FrameReader } from '../wire/frame-reader.js'
import type { Spin } from '../wire/spin.js'
import { IdleMemory } from './idle-memory.js'

/** How long to wait until the descriptor table may have room again, in milliseconds. */
const TABLE_FULL_MS = 20

/** The owner of the blocking reader. */
export interface BlockingReaderListener {
  /** Handles a frame that takes effect at once. Returns false for any other. */
  handle(frame: FrameReader): boolean
  /** The reader is about to sleep: write what waits to be written. */
  onIdle(): void
}

/** Reads frames from the caller, in a process that blocks while it waits for them. */
export class BlockingReader {
  readonly reader: FrameReader
  readonly #socket: Descriptor
  readonly #receiver: StreamReceiver
  readonly #listener: BlockingReaderListener
  readonly #spin: Spin
  /** The IDs whose latest frame is a `cancel`. The call may be over or running already, and its ID in use again. */
  readonly #cancelled = new Set<number>()
  readonly #onScanned = (kind: number, id: number): void => {
    if (kind === Kind.cancel) this.#cancelled.add(id)
    else if (kind === Kind.call && this.#cancelled.size) this.#cancelled.delete(id)
  }
  readonly #memory = new IdleMemory()
  /** How long a system call waits for bytes, in milliseconds; 0: without limit. */
  #timeout = 0
  #hasReceived = false
  #expectsDescriptors = false
  #lastLook = 0

  /**
   * @param socket - must be blocking
   * @param maxMessageBytes - the largest message
   */
  constructor(socket: Descriptor, spin: Spin, maxMessageBytes: number, listener: BlockingReaderListener) {
    this.reader = new FrameReader(acceptedFromCaller, maxMessageBytes)
    this.#socket = socket
    this.#receiver = new StreamReceiver(socket)
    this.reader.arrived = this.#receiver.descriptors
    this.#spin = spin
    this.#listener = listener
  }

  /** Prepares for descriptors, which the caller has announced. */
  expectDescriptors(): void {
    this.#expectsDescriptors = true
  }

  /** Moves to the next frame, and waits for it. Returns false at the end of the stream. */
  next(): boolean {
    while (!this.reader.next()) if (!this.#receive()) return false
    return true
  }

  /** Handles the reader's current frame. */
  handleFrame(): void {
    this.#listener.handle(this.reader)
  }

  /**
   * Handles frames that take effect at once until a condition is met; calls that arrive meanwhile wait. Looks for such
   * frames even if the condition is met already. Exits the process if the caller is gone.
   */
  wait(isOver: () => boolean): void {
    if (!this.#look() && isOver()) return
    for (;;) {
      this.#select()
      if (isOver()) return
      if (!this.#receive()) process.exit()
    }
  }

  /** Waits for more bytes, unless the buffer is full. Returns false at the end of the stream. */
  receiveMore(): boolean {
    const hasCome = !this.reader.hasRoom || this.#waitFor()
    this.#select()
    return hasCome
  }

  /** Reads what has arrived, as far as there is room, without waiting: calls may have been cancelled. */
  lookAhead(): void {
    const { reader } = this
    while (reader.hasRoom && this.#tryReceive(0) > 0) if (reader.isWithinPayload) return
  }

  /** Reports whether a call that has not begun was cancelled, as far as is known, and forgets the cancellation. */
  takeCancellation(id: number): boolean {
    return this.#cancelled.size > 0 && this.#cancelled.delete(id)
  }

  /**
   * Reads what has arrived, without waiting. Returns false, without looking, if it did so within the same millisecond.
   */
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

  /** Waits for more bytes. Returns false at the end of the stream. */
  #receive(): boolean {
    this.#listener.onIdle()
    const count = this.reader.isWithinPayload ? this.#tryReceive(this.#spin.nextForRest()) : this.#spinForNext()
    return count >= 0 ? count > 0 : this.#waitFor()
  }

  /** Polls for the next bytes. Returns what `StreamReceiver.receive` returns. */
  #spinForNext(): number {
    const spin = this.#spin.checkAlone() ? 0 : this.#spin.next()
    if (!spin) return -1
    const count = this.#tryReceive(spin)
    this.#spin.recordOutcome(count >= 0)
    return count
  }

  #waitFor(): boolean {
    const { reader } = this
    let wait = this.#hasReceived ? this.#memory.firstWait : 0 // before the first call, there is nothing to give back
    for (let idle = 0; ; ) {
      try {
        this.#prepare()
        this.#setTimeout(wait)
        const count = this.#receiver.receive(reader.makeRoom(), reader.roomStart)
        if (count >= 0) {
          this.#filled(count)
          return count > 0
        }
        idle += wait
        wait = this.#memory.reduce(idle)
      } catch (error) {
        if (!isTableFull(error)) throw error
        sleep(TABLE_FULL_MS)
      }
    }
  }

  #setTimeout(ms: number): void {
    if (ms === this.#timeout) return
    setReceiveTimeout(this.#socket, ms)
    this.#timeout = ms
  }

  /** Receives without waiting. Returns what `StreamReceiver.receive` returns. */
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

  /** Scans each frame once its header has arrived, for cancellations. */
  #filled(count: number): void {
    if (count <= 0) return
    this.#hasReceived = true
    this.reader.filled(count)
    this.reader.scan(this.#onScanned)
  }
}

function isTableFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EMFILE' || code === 'ENFILE'
}
