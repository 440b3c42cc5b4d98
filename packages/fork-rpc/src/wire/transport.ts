import {
  type Descriptor,
  StreamReceiver,
  type StreamReceiverOptions,
  setNonblocking,
  type Watch,
  watch,
} from '@anyfork/fdpass'
import { closeAtThreadEnd } from '@anyfork/fork/internal'
import { writeAll } from './blocking-write.js'
import { Kind } from './frame.js'
import { FrameReader } from './frame-reader.js'
import { FrameWriter } from './frame-writer.js'
import type { Spin } from './spin.js'

/** How long to wait until the descriptor table may have room again, in milliseconds. */
const RETRY_MS = 50
/** So many bytes of a large payload, or pieces of it, before the event loop gets its turn. */
const MOST_BYTES_IN_A_ROW = 1 << 20
const MOST_IN_A_ROW = 64

/** Who speaks over a transport. */
export interface TransportListener {
  /** There may be frames in the reader. */
  onFrames(): void
  /** Nothing more comes: the peer has closed its end, or is gone. */
  onEnd(): void
  /** Some of what waited was written, or all. */
  onWritten(): void
  /** Nothing more can be written. Something may still come. */
  onBroken(error: Error): void
}

/** Frames both ways over a socket, on the event loop. */
export class Transport {
  readonly writer: FrameWriter = new FrameWriter()
  readonly reader: FrameReader = new FrameReader()
  /** How often the event loop found the socket ready. */
  turns = 0
  /** The frame that the reader is at has not been seen to: nothing may be read before that. */
  isFrameDeferred = false
  readonly #listener: TransportListener
  readonly #spin: Spin
  #socket: Descriptor | undefined
  #received = 0
  #receiver: StreamReceiver | undefined
  #watch: Watch | undefined
  #release = (): void => {}
  #isFlushing = false
  #isAnnouncing = false
  #isUrgent = false
  #isFull = false
  #isReading = true
  #isHeld = true
  #isTableFull = false
  #expectsDescriptors = false
  #retry: NodeJS.Timeout | undefined

  /** @param spin - how long to look for the rest of a large payload */
  constructor(listener: TransportListener, spin: Spin) {
    this.#listener = listener
    this.#spin = spin
  }

  get isOpen(): boolean {
    return this.#watch !== undefined
  }

  /** How many bytes have come. */
  get received(): number {
    return this.#received
  }

  /** Whether what waits has to wait for the peer. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Begins to read, and writes what waits. @param socket - non-blocking from now on; the transport owns it */
  open(socket: Descriptor): void {
    this.#socket = socket
    this.#release = closeAtThreadEnd(socket)
    this.#receiver = new StreamReceiver(socket)
    this.reader.arrived = this.#receiver.descriptors
    this.#watch = watch(socket, { readable: this.#isReading }, ready => {
      if (ready.writable) this.flush()
      this.turns++
      if (ready.readable && this.#watch) this.#read()
    })
    this.flush()
  }

  /** What is queued in a row leaves together. */
  flushSoon(): void {
    if (this.#isFlushing || this.#isFull || !this.#watch) return
    this.#isFlushing = true
    process.nextTick(() => {
      this.#isFlushing = false
      this.flush()
    })
  }

  /** As `flushSoon`, but before anything that was promised is told. */
  flushNext(): void {
    if (this.#isUrgent) return
    this.#isUrgent = true
    queueMicrotask(() => {
      this.#isUrgent = false
      this.flush()
    })
  }

  /** Writes as much as the kernel takes. */
  flush(): void {
    if (!this.#watch) return
    let isFull = false
    try {
      const written = this.writer.writeTo(this.#socket!)
      isFull = written === 'full'
      if (written === 'crowded') this.#retryLater()
    } catch (error) {
      return this.#listener.onBroken(error as Error)
    }
    if (isFull !== this.#isFull) {
      this.#isFull = isFull
      this.#updateWatch()
    }
    this.#listener.onWritten()
  }

  /**
   * Writes all that waits, and waits itself while the peer does not read. Frames that come
   * meanwhile have their turn afterwards.
   *
   * @throws the kernel's error
   */
  flushAll(): void {
    const socket = this.#socket
    if (!socket?.isOpen || this.writer.writeTo(socket) === 'all') return
    setNonblocking(socket, false)
    try {
      writeAll(this.writer, socket, () => this.#receiveConsent())
    } finally {
      if (socket.isOpen) setNonblocking(socket, true)
    }
  }

  /** Stops reading, or goes on. */
  setReading(on: boolean): void {
    if (on === this.#isReading) return
    this.#isReading = on
    if (this.#watch) this.#updateWatch()
  }

  /** Keeps the event loop alive, or not. */
  hold(on: boolean): void {
    this.#isHeld = on
    if (on) this.#watch?.ref()
    else this.#watch?.unref()
    if (on) this.#retry?.ref()
    else this.#retry?.unref()
  }

  /** From now on, descriptors come. */
  expectDescriptors(): void {
    this.#expectsDescriptors = true
    this.writer.addUrgent(Kind.descriptorsWelcome, 0)
    this.flushSoon()
  }

  /** Closes the socket, and all descriptors that wait either way. No callback comes afterwards. Idempotent. */
  close(): void {
    this.#watch?.close()
    this.#watch = undefined
    clearTimeout(this.#retry)
    this.#release()
    this.#socket?.[Symbol.dispose]()
    this.writer.discard()
    this.reader.discard()
  }

  /** Whether something came, or the end. */
  #read(options?: StreamReceiverOptions): boolean {
    let count
    try {
      count = this.#receive(options)
      if (count > 0 && this.reader.isWithinPayload) this.#receiveRest()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EMFILE' || code === 'ENFILE') {
        this.#isTableFull = true
        this.#updateWatch()
        this.#retryLater()
        return false
      }
      count = 0
    }
    if (count > 0) this.#listener.onFrames()
    else if (count === 0) this.#listener.onEnd()
    return count >= 0
  }

  /** Waits for what comes, outside of the event loop; whether something came. */
  busyWait(options: StreamReceiverOptions): boolean {
    if (!this.#watch || !this.#isReading || this.#isTableFull || this.#isFull || this.isFrameDeferred) return false
    return this.#read(options)
  }

  /** Takes what is there into the reader. @returns as `StreamReceiver.receive` */
  #receive(options?: StreamReceiverOptions): number {
    const { reader } = this
    const receiver = this.#receiver!
    receiver.takesDescriptors = this.#expectsDescriptors && !reader.isWithinPayload
    const count = receiver.receive(reader.makeRoom(), reader.roomStart, options)
    if (count > 0) {
      this.#received += count
      reader.filled(count)
    }
    return count
  }

  /** The rest of a large payload, as far as it is on its way. */
  #receiveRest(): void {
    const end = this.#received + MOST_BYTES_IN_A_ROW
    for (let i = 0; i < MOST_IN_A_ROW && this.reader.isWithinPayload && this.#received < end; i++) {
      try {
        if (this.#receive({ spin: this.#spin.nextForRest() }) <= 0) return
      } catch {
        return // the end will show again, after what has come before
      }
    }
  }

  /** Waits by blocking for the answer that descriptors may come; false at the end. */
  #receiveConsent(): boolean {
    if (this.reader.hasRoom && this.#receive() === 0) return false
    this.reader.select(({ kind }) => {
      if (kind === Kind.descriptorsWelcome) this.writer.welcomeDescriptors()
      return kind === Kind.descriptorsWelcome
    })
    this.#announceSoon()
    return true
  }

  /** What came while others were waited for has its turn, also when nothing else comes. */
  #announceSoon(): void {
    if (this.#isAnnouncing) return
    this.#isAnnouncing = true
    process.nextTick(() => {
      this.#isAnnouncing = false
      if (this.#watch && this.reader.hasNext) this.#listener.onFrames()
    })
  }

  /** Nothing tells when there will be room again, in the descriptor table or for descriptors in flight. */
  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      this.#isTableFull = false
      if (this.#watch) this.#updateWatch()
      this.flush()
    }, RETRY_MS)
    if (!this.#isHeld) this.#retry.unref()
  }

  #updateWatch(): void {
    this.#watch!.change({ readable: this.#isReading && !this.#isTableFull, writable: this.#isFull })
  }
}
