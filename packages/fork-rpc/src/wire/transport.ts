import {
  type Descriptor,
  StreamReceiver,
  type StreamReceiverOptions,
  setNonblocking,
  type Watch,
  watch,
} from '@anyfork/fdpass'
import { closeAtThreadEnd } from '@anyfork/fork/internal/child'
import { RpcError } from '../errors.js'
import { writeAll } from './blocking-write.js'
import { type Accepted, Kind } from './frame.js'
import { FrameReader } from './frame-reader.js'
import { FrameWriter } from './frame-writer.js'
import type { OpenDescriptors } from './open-descriptors.js'
import type { Spin } from './spin.js'

/**
 * How long to wait until the descriptor table may have room, or fewer descriptors may be in flight, in milliseconds.
 */
const RETRY_MS = 50
/** How many bytes of a large payload to receive before the event loop gets a turn, and in how many pieces. */
const MOST_BYTES_IN_A_ROW = 1 << 20
const MOST_IN_A_ROW = 64

/** What a transport accepts from its peer. */
export interface TransportLimits {
  /** The largest payload of each kind of frame. */
  accepted: Accepted
  /** The largest message, in bytes. */
  maxMessageBytes: number
  /** Counts the descriptors that have come and are open. */
  open?: OpenDescriptors
}

/** The owner of a transport. */
export interface TransportListener {
  /** The reader may have frames. */
  onFrames(): void
  /** The stream has ended: the peer has closed its end, or has exited. */
  onEnd(): void
  /** Some or all of the backlog was written. */
  onWritten(): void
  /** Nothing more can be written. Frames may still arrive. */
  onBroken(error: Error): void
}

/** Sends and receives frames over a socket, on the event loop. */
export class Transport {
  readonly writer: FrameWriter = new FrameWriter()
  readonly reader: FrameReader
  /** How many times the event loop has found the socket ready. */
  turns = 0
  /** Whether the reader's current frame is yet to be handled. Nothing may be read before that. */
  isFrameDeferred = false
  readonly #listener: TransportListener
  readonly #spin: Spin
  #socket: Descriptor | undefined
  #received = 0
  #receiver: StreamReceiver | undefined
  #watch: Watch | undefined
  #isFlushing = false
  #isAnnouncing = false
  #isUrgent = false
  #isFull = false
  #isReading = true
  #isHeld = true
  #isTableFull = false
  #expectsDescriptors = false
  #retry: NodeJS.Timeout | undefined

  /** @param spin - decides how long to poll for the rest of a large payload */
  constructor(listener: TransportListener, spin: Spin, { accepted, maxMessageBytes, open }: TransportLimits) {
    this.reader = new FrameReader(accepted, maxMessageBytes, open)
    this.#listener = listener
    this.#spin = spin
  }

  get isOpen(): boolean {
    return this.#watch !== undefined
  }

  get isReading(): boolean {
    return this.#isReading
  }

  /** The number of bytes received so far. */
  get received(): number {
    return this.#received
  }

  /** Whether the socket takes no more until the peer reads. */
  get isFull(): boolean {
    return this.#isFull
  }

  /**
   * Begins to read, and writes the backlog.
   *
   * @param socket - becomes non-blocking; the transport owns it
   */
  open(socket: Descriptor): void {
    this.#socket = socket
    closeAtThreadEnd(socket)
    this.#receiver = new StreamReceiver(socket)
    this.reader.arrived = this.#receiver.descriptors
    this.#watch = watch(socket, { readable: this.#isReading }, ready => {
      if (ready.writable) this.flush()
      this.turns++
      if (ready.readable && this.#watch) this.#read()
    })
    this.flush()
  }

  /** Writes the backlog on the next tick, so that frames queued in a row leave together. */
  flushSoon(): void {
    if (this.#isFlushing || this.#isFull || !this.#watch) return
    this.#isFlushing = true
    process.nextTick(() => {
      this.#isFlushing = false
      this.flush()
    })
  }

  /** Like `flushSoon`, but flushes in a microtask, before pending promise reactions. */
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
   * Writes the whole backlog. Blocks while the peer does not read. Frames that arrive meanwhile are handled afterwards.
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

  /** Turns reading on or off. */
  setReading(on: boolean): void {
    if (on === this.#isReading) return
    this.#isReading = on
    if (this.#watch) this.#updateWatch()
  }

  /** Sets whether the transport keeps the event loop alive. */
  hold(on: boolean): void {
    this.#isHeld = on
    if (on) this.#watch?.ref()
    else this.#watch?.unref()
    if (on) this.#retry?.ref()
    else this.#retry?.unref()
  }

  /**
   * Prepares for descriptors, which the peer has announced, and accepts them.
   *
   * @throws RpcError if it has announced them before
   */
  expectDescriptors(): void {
    if (this.#expectsDescriptors) throw new RpcError('ERR_RPC_PROTOCOL', 'descriptors were announced twice')
    this.#expectsDescriptors = true
    this.writer.addUrgent(Kind.descriptorsWelcome, 0)
    this.flushSoon()
  }

  /**
   * Closes the socket, and all descriptors that wait in either direction. No callback is called afterwards. Idempotent.
   */
  close(): void {
    this.#watch?.close()
    this.#watch = undefined
    clearTimeout(this.#retry)
    this.#socket?.[Symbol.dispose]()
    this.writer.discard()
    this.reader.discard()
  }

  /** Reads once. Reports whether bytes or the end of the stream arrived. */
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

  /** Handles bytes that have not come through the socket as if they had. Returns how many the reader had room for. */
  inject(bytes: Buffer): number {
    const { reader } = this
    const count = bytes.copy(reader.makeRoom(), reader.roomStart)
    if (!count) return 0
    this.#received += count
    reader.filled(count)
    this.#listener.onFrames()
    return count
  }

  /** Polls for data outside of the event loop, and handles it. Reports whether any arrived. */
  busyWait(options: StreamReceiverOptions): boolean {
    if (!this.#watch || !this.#isReading || this.#isTableFull || this.#isFull || this.isFrameDeferred) return false
    return this.#read(options)
  }

  /** Receives available bytes into the reader. Returns what `StreamReceiver.receive` returns. */
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

  /** Receives the rest of a large payload, as far as it arrives soon. */
  #receiveRest(): void {
    const end = this.#received + MOST_BYTES_IN_A_ROW
    for (let i = 0; i < MOST_IN_A_ROW && this.reader.isWithinPayload && this.#received < end; i++) {
      try {
        if (this.#receive({ spin: this.#spin.nextForRest() }) <= 0) return
      } catch {
        return // the end will be read again, after the frames before it are handled
      }
    }
  }

  /** Blocks until the peer accepts descriptors or sends anything else. Returns false at the end of the stream. */
  #receiveConsent(): boolean {
    if (this.reader.hasRoom && this.#receive() === 0) return false
    this.reader.select(({ kind }) => {
      if (kind === Kind.descriptorsWelcome) this.writer.welcomeDescriptors()
      return kind === Kind.descriptorsWelcome
    })
    this.#announceSoon()
    return true
  }

  /** Announces the frames that arrived during a blocking write, even if no more arrive. */
  #announceSoon(): void {
    if (this.#isAnnouncing) return
    this.#isAnnouncing = true
    process.nextTick(() => {
      this.#isAnnouncing = false
      if (this.#watch && this.reader.hasNext) this.#listener.onFrames()
    })
  }

  /**
   * Tries again later: nothing notifies this process when the descriptor table or the limit of descriptors in flight
   * has room.
   */
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
