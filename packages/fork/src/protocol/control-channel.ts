import { constants } from 'node:os'
import {
  type Descriptor,
  type Handle,
  type Message,
  receiveMessage,
  StreamReceiver,
  sendMessage,
  setNonblocking,
  shutdown,
  watch,
} from '@anyfork/fdpass'
import { passCredentials, peekSender, type Sender, systemError } from '@anyfork/fdpass/internal'
import { closeAtThreadEnd, openUntilThreadEnd, outliveThread } from '../thread-end.js'
import { type Accepted, acceptedOrders, type Frame, frameHeader } from './frame.js'
import { FrameReader } from './frame-reader.js'
import { QueuedDescriptors } from './queued-descriptors.js'
import type { ReservedSlot } from './reserved-slot.js'

/** How long to wait for a free slot in the descriptor table, in milliseconds. */
const TABLE_FULL_RETRY_MS = 50
/** How many attempts fail before `onTableFull` is called. */
const MOST_RETRIES = 20
/** How often `receiveRest` reads: the kernel queues less than that, unless its limits were raised. */
const MOST_READS = 100
/** Longer payloads are not copied behind their header, but sent on their own. */
const SHORT_BYTES = 65536
/**
 * The receive buffer of all channels. With a buffer for each, a template would keep one more per fork until garbage is
 * collected.
 */
const incoming = Buffer.allocUnsafeSlow(65536)

const NO_SENDER: Sender = { pid: 0, uid: 0 }

/** What a channel needs of a `Watch`. */
export interface ControlWatch {
  /** @param hasQueuedFrames - whether frames wait that must be sent before others */
  change(events: { readable: boolean; writable: boolean }, hasQueuedFrames: boolean): void
  ref(): void
  unref(): void
  close(): void
}

/** Options of a channel. */
export interface ControlChannelOptions {
  /** Lets one frame with a descriptor arrive when the table is full. */
  reservedSlot?: ReservedSlot
  /**
   * What the peer may send. The descriptors of reports are dropped when the table is full.
   *
   * @default orders
   */
  accepted?: Accepted
  /**
   * Let the kernel tell who sends, from now on.
   *
   * @default false
   */
  identifies?: boolean
  /** Watches the socket, beginning with what can be read. By default, the event loop does. */
  watch?: (onReady: (ready: { readable: boolean; writable: boolean }) => void) => ControlWatch
}

interface Outgoing {
  bytes: Uint8Array
  queued: QueuedDescriptors
}

/** What a channel calls. */
export interface ChannelListener {
  onFrame(frame: Frame<Descriptor>): void
  /** The peer has closed its end or is gone. Called once, after its last frame. */
  onEnd(): void
  /** `onFrame` has thrown, because the frame was invalid. Without this method, the error is rethrown. */
  onProtocolError?(cause: Error): void
  /**
   * A queued frame could not be sent, and later ones are dropped. The peer sees the end of the stream; `onEnd` follows.
   */
  onSendFailed?(error: Error): void
  /**
   * Descriptors have arrived, but for a second there was no free slot for them. Attempts go on until the channel
   * closes.
   */
  onTableFull?(): void
}

/**
 * One end of the control socket between a process and its owner. Sends frames in both directions, in order, and never
 * blocks.
 */
export class ControlChannel {
  readonly #socket: Descriptor
  readonly #watch: ControlWatch
  readonly #reservedSlot: ReservedSlot | undefined
  readonly #reader: FrameReader<Descriptor>
  readonly #listener: ChannelListener
  /** Whether the kernel tells who sends. */
  #isIdentifying: boolean
  #sender: Sender | undefined
  /** Whether the peer is not trusted. */
  readonly #isSuspicious: boolean
  readonly #outgoing: Outgoing[] = []
  #references = 0
  #retry: NodeJS.Timeout | undefined
  #retries = 0
  #isOpen = true
  #isReading = true

  /**
   * @param socket - a stream socket; owned by the channel from now on
   * @param listener - gets the frames and owns their descriptors
   */
  constructor(
    socket: Descriptor,
    listener: ChannelListener,
    { reservedSlot, accepted = acceptedOrders, identifies = false, watch: watchSocket }: ControlChannelOptions = {},
  ) {
    this.#isIdentifying = identifies && passCredentials(socket, true)
    this.#reader = new FrameReader(accepted)
    this.#isSuspicious = accepted !== acceptedOrders
    this.#socket = socket
    this.#listener = listener
    this.#reservedSlot = reservedSlot
    const onReady = (ready: { readable: boolean; writable: boolean }): void => {
      if (ready.writable && this.#isOpen) this.#flush()
      if (ready.readable && this.#isOpen) this.receive()
    }
    this.#watch = watchSocket ? watchSocket(onReady) : watch(socket, { readable: true }, onReady)
    this.#watch.unref()
    closeAtThreadEnd(socket)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The number of the socket, while the channel is open. */
  get fd(): number {
    return this.#socket.fd
  }

  get socket(): Descriptor {
    return this.#socket
  }

  /**
   * In `onFrame`: the process that has sent all of the frame, as the kernel says. Its pid is 0 if several processes have,
   * or the kernel does not know it. `undefined` if the kernel does not tell.
   */
  get sender(): Sender | undefined {
    return this.#isIdentifying ? this.#sender : undefined
  }

  /** Ends what `identifies` has begun, which takes system calls for each message. Idempotent. */
  stopIdentifying(): void {
    if (this.#isIdentifying && this.#isOpen) passCredentials(this.#socket, false)
    this.#isIdentifying = false
  }

  /**
   * Queues a frame. After the end of the peer, frames are dropped; `onEnd` reports that.
   *
   * @param handles - borrowed: those that cannot be sent at once are duplicated
   * @throws the kernel's error if it is known at once, as for a descriptor that cannot be passed; else `onSendFailed`
   *   reports it
   */
  send(type: number, id: number, payload: Uint8Array = new Uint8Array(0), handles: readonly Handle[] = []): void {
    if (!this.#isOpen) return
    const header = frameHeader(type, id, payload.byteLength, handles.length)
    if (payload.byteLength > SHORT_BYTES) {
      this.#send(header, handles)
      this.#send(payload, [])
    } else {
      this.#send(payload.byteLength ? Buffer.concat([header, payload]) : header, handles)
    }
  }

  #send(bytes: Uint8Array, handles: readonly Handle[]): void {
    let sent = 0
    if (!this.#outgoing.length) {
      const taken = this.#trySend(bytes, handles)
      if (taken === undefined) return
      if (taken === bytes.length) return
      sent = taken
    }
    this.#outgoing.push({ bytes: bytes.subarray(sent), queued: new QueuedDescriptors(sent ? [] : handles) })
    this.#updateWatch()
  }

  /** Whether no frame has arrived in part. */
  get isBetweenFrames(): boolean {
    return this.#reader.isEmpty
  }

  /** Keeps the event loop alive until `unref` has been called as often as `ref`. */
  ref(): void {
    if (this.#references++ > 0) return
    this.#watch.ref()
    this.#retry?.ref()
  }

  unref(): void {
    if (--this.#references > 0) return
    this.#watch.unref()
    this.#retry?.unref()
  }

  /** Writes all queued frames, and blocks while the peer does not read. For a process that is about to exit. */
  flushAll(): void {
    if (!this.#isOpen || !this.#outgoing.length) return
    setNonblocking(this.#socket, false)
    this.#flush()
  }

  /** Receives what has arrived, without waiting for the event loop. */
  receiveRest(): void {
    for (let i = 0; i < MOST_READS && this.#isOpen && this.#receive(); i++);
  }

  /** Receives what has arrived, if it is not much. */
  receive(): void {
    this.#reservedSlot?.take()
    this.#receive()
  }

  /**
   * Call this in a forked child, when another socket has taken the number of the inherited one: drops what was
   * queued for that or had arrived there in part. Keeps the event loop alive once.
   */
  restart(): void {
    this.#dropOutgoing()
    for (const descriptor of this.#reader.reset()) descriptor.close()
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#retries = 0
    this.#isReading = true
    this.#references = 1
    this.#watch.ref()
    this.#updateWatch()
  }

  /**
   * Gives the listener all frames that have arrived, and blocks until the last of them has arrived whole.
   *
   * @throws Error if there is no room for its descriptors
   */
  finishFrame(): void {
    this.#deliver()
    setNonblocking(this.#socket, false)
    while (this.#isOpen && this.#isReading && !this.#reader.isEmpty) this.#receive()
    if (!this.#isOpen) return
    setNonblocking(this.#socket, true)
    if (!this.#reader.isEmpty) throw new Error('there is no room for the descriptors of an order')
  }

  /**
   * Closes the socket, and the descriptors that wait in either direction. No method of the listener is called
   * afterwards. Idempotent.
   */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    clearTimeout(this.#retry)
    this.#watch.close()
    this.#socket.close()
    this.#dropOutgoing()
    for (const descriptor of this.#reader.takeDescriptors()) descriptor.close()
  }

  /**
   * Stops the channel and returns its socket, open and owned by the caller.
   *
   * @throws Error if a frame has been sent or received in part
   */
  detach(): Descriptor {
    if (this.#outgoing.length || !this.#reader.isEmpty) throw new Error('the channel is in the middle of a frame')
    this.stopIdentifying()
    this.#isOpen = false
    clearTimeout(this.#retry)
    this.#watch.close()
    outliveThread(this.#socket)
    return this.#socket
  }

  #flush(): void {
    for (let first = this.#outgoing[0]; first; first = this.#outgoing[0]) {
      let taken: number | undefined
      try {
        taken = this.#trySend(first.bytes, first.queued.descriptors)
      } catch (error) {
        return this.#break(error as Error)
      }
      if (taken === undefined) return
      if (taken) first.queued.close()
      if (taken < first.bytes.length) {
        first.bytes = first.bytes.subarray(taken)
        break
      }
      this.#outgoing.shift()
    }
    this.#updateWatch()
  }

  /** Returns the number of bytes sent; 0 if the socket is full, `undefined` if the peer is gone. */
  #trySend(bytes: Uint8Array, handles: readonly Handle[]): number | undefined {
    try {
      return sendMessage(this.#socket, bytes, handles)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN' || code === 'ENOBUFS') return 0
      if (code === 'ETOOMANYREFS' || code === 'ENOMEM') {
        this.#retryLater()
        return 0
      }
      if (code !== 'EPIPE' && code !== 'ECONNRESET') throw error
      this.#dropOutgoing()
      return undefined // reading goes on: the peer's last frames, then its end
    }
  }

  /** Drops all outgoing frames, because each depends on those before it, and closes the writing side. */
  #break(error: Error): void {
    this.#dropOutgoing()
    this.#updateWatch()
    try {
      shutdown(this.#socket, 'write')
    } catch {
      // the peer is gone, which reading reports
    }
    this.#listener.onSendFailed?.(error)
  }

  #dropOutgoing(): void {
    for (const { queued } of this.#outgoing.splice(0)) queued.close()
  }

  /** Returns whether something has arrived. */
  #receive(): boolean {
    const { room } = this.#reader
    if (this.#isIdentifying) this.#identify()
    let message: Message
    try {
      message = this.#receiveMessage(room ?? incoming)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') return false
      if (isTableFull(error)) return this.#waitForRoom()
      this.#end()
      return false
    }
    if (message.endOfFile) {
      this.#end()
      return false
    }
    this.#retries = 0
    if (room) this.#reader.fill(message.bytes, message.descriptors)
    else this.#reader.push(Buffer.from(incoming.subarray(0, message.bytes)), message.descriptors)
    this.#deliver()
    return true
  }

  /** Notes which process sent the bytes that the next call receives. They all come from one process. */
  #identify(): void {
    const sender = peekSender(this.#socket)
    const isOther = sender?.pid !== this.#sender?.pid || sender?.uid !== this.#sender?.uid
    this.#sender = isOther && !this.#reader.isEmpty ? NO_SENDER : (sender ?? NO_SENDER)
  }

  #receiveMessage(buffer: Buffer): Message {
    try {
      return openUntilThreadEnd(() => receiveMessage(this.#socket, buffer))
    } catch (error) {
      if (!this.#isSuspicious || !isTableFull(error)) throw error
    }
    const bytes = new StreamReceiver(this.#socket).receive(buffer, 0, { dontWait: true })
    if (bytes < 0) throw systemError(-constants.errno.EAGAIN, 'recvmsg')
    return { bytes, descriptors: [], endOfFile: bytes === 0, truncated: false }
  }

  #deliver(): void {
    try {
      this.#deliverAll()
    } catch (error) {
      if (!this.#listener.onProtocolError) throw error
      this.#listener.onProtocolError(error as Error)
    }
  }

  #deliverAll(): void {
    for (let frame = this.#reader.next(); frame; frame = this.#reader.next()) {
      this.#listener.onFrame(frame)
      if (!this.#isOpen) return
    }
  }

  /** Frees the reserved slot, or tries again later: orders that came before may close descriptors. */
  #waitForRoom(): boolean {
    if (this.#reservedSlot?.free()) return this.#receive()
    if (this.#retries++ === MOST_RETRIES) this.#listener.onTableFull?.()
    if (!this.#isOpen) return false
    this.#isReading = false
    this.#updateWatch()
    this.#retryLater()
    return false
  }

  #end(): void {
    this.close()
    this.#listener.onEnd()
  }

  #updateWatch(): void {
    const hasQueuedFrames = this.#outgoing.length > 0
    this.#watch.change({ readable: this.#isReading, writable: hasQueuedFrames && !this.#retry }, hasQueuedFrames)
  }

  /** Tries again after a while: no event reports room in the descriptor table or in the socket. */
  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined
      this.#isReading = true
      this.#updateWatch()
      this.#flush()
    }, TABLE_FULL_RETRY_MS)
    if (this.#references === 0) this.#retry.unref()
  }
}

function isTableFull(error: unknown): boolean {
  return ['EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code!)
}
