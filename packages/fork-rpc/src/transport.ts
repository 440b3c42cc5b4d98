import { Receiver, setNonblocking, watch, type Descriptor, type Watch } from '@anyfork/fdpass'
import { FrameQueue } from './frame-queue.js'
import { FrameReader } from './frame-reader.js'

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
  readonly queue: FrameQueue = new FrameQueue()
  readonly reader: FrameReader = new FrameReader()
  readonly #listener: TransportListener
  #socket: Descriptor | undefined
  #receiver: Receiver | undefined
  #watch: Watch | undefined
  #isFlushing = false
  #isUrgent = false
  #isFull = false
  #isReading = true

  constructor(listener: TransportListener) {
    this.#listener = listener
  }

  get isOpen(): boolean {
    return this.#watch !== undefined
  }

  /** Whether what waits has to wait for the peer. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Begins to read, and writes what waits. @param socket - non-blocking from now on; the transport owns it */
  open(socket: Descriptor): void {
    this.#socket = socket
    this.#receiver = new Receiver(socket)
    this.#watch = watch(socket, { readable: this.#isReading }, ready => {
      if (ready.writable) this.flush()
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
      isFull = !this.queue.writeTo(this.#socket!)
    } catch (error) {
      return this.#listener.onBroken(error as Error)
    }
    if (isFull !== this.#isFull) {
      this.#isFull = isFull
      this.#wait()
    }
    this.#listener.onWritten()
  }

  /**
   * Writes all that waits, and waits itself while the peer does not read.
   *
   * @throws the kernel's error
   */
  flushAll(): void {
    const socket = this.#socket
    if (!socket?.isOpen || this.queue.writeTo(socket)) return
    setNonblocking(socket, false)
    try {
      this.queue.writeTo(socket)
    } finally {
      setNonblocking(socket, true)
    }
  }

  /** Stops reading, or goes on. */
  setReading(on: boolean): void {
    if (on === this.#isReading) return
    this.#isReading = on
    if (this.#watch) this.#wait()
  }

  /** Keeps the event loop alive, or not. */
  hold(on: boolean): void {
    if (on) this.#watch?.ref()
    else this.#watch?.unref()
  }

  /** Closes the socket. No callback comes afterwards. Idempotent. */
  close(): void {
    this.#watch?.close()
    this.#watch = undefined
    this.#socket?.[Symbol.dispose]()
  }

  #read(): void {
    const { reader } = this
    let count
    try {
      count = this.#receiver!.receive(reader.room, reader.roomStart)
    } catch {
      count = 0
    }
    if (count < 0) return
    if (count === 0) return this.#listener.onEnd()
    reader.filled(count)
    this.#listener.onFrames()
  }

  #wait(): void {
    this.#watch!.change({ readable: this.#isReading, writable: this.#isFull })
  }
}
