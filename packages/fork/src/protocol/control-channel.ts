import {
  type Descriptor,
  type Handle,
  type Message,
  receiveMessage,
  sendMessage,
  setNonblocking,
  shutdown,
  type Watch,
  watch,
} from '@anyfork/fdpass'
import { closeAtThreadEnd } from '../thread-end.js'
import { type Frame, frameHeader } from './frame.js'
import { FrameReader } from './frame-reader.js'
import { QueuedDescriptors } from './queued-descriptors.js'
import type { ReservedSlot } from './reserved-slot.js'

/** How long to wait for a free slot in the descriptor table, in milliseconds. */
const TABLE_FULL_RETRY_MS = 50
/** How often to try it before the listener is told that there is none. */
const MOST_RETRIES = 20
/** Longer payloads are sent from where they are. */
const SHORT_BYTES = 65536
/** What is read comes here first, for all channels. A template would have a buffer more for each of its forks until garbage is collected. */
const incoming = Buffer.allocUnsafeSlow(65536)

interface Outgoing {
  bytes: Uint8Array
  queued: QueuedDescriptors
}

/** What a channel tells whoever holds it. */
export interface ChannelListener {
  onFrame(frame: Frame<Descriptor>): void
  /** The peer is gone; called once, after its last frame. */
  onEnd(): void
  /** What came makes no sense, for this reason. Without a listener, it is an uncaught error. */
  onProtocolError?(cause: Error): void
  /** A queued frame could not be sent, for this reason, nor can those after it; the peer is told the end, and then `onEnd` its own. */
  onSendFailed?(error: Error): void
  /** Descriptors came, and for a second there was no room for them in the table; it is tried on until the channel is closed. */
  onTableFull?(): void
}

/** One end of the control socket between a process and its owner: frames both ways, in order, never blocking. */
export class ControlChannel {
  readonly #socket: Descriptor
  readonly #watch: Watch
  readonly #release: () => void
  readonly #reservedSlot: ReservedSlot | undefined
  readonly #reader = new FrameReader<Descriptor>()
  readonly #listener: ChannelListener
  readonly #outgoing: Outgoing[] = []
  #references = 0
  #retry: NodeJS.Timeout | undefined
  #retries = 0
  #isOpen = true
  #isReading = true

  /**
   * @param socket - a stream socket; the channel owns it from now on
   * @param listener - gets the frames, and the descriptors in them with their ownership
   * @param reservedSlot - lets a frame with a descriptor come in where the table is full
   */
  constructor(socket: Descriptor, listener: ChannelListener, reservedSlot?: ReservedSlot) {
    this.#socket = socket
    this.#listener = listener
    this.#reservedSlot = reservedSlot
    this.#watch = watch(socket, { readable: true }, ready => {
      if (ready.writable && this.#isOpen) this.#flush()
      if (ready.readable && this.#isOpen) this.#read()
    })
    this.#watch.unref()
    this.#release = closeAtThreadEnd(socket)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** The number of the socket, while it is open. */
  get fd(): number {
    return this.#socket.fd
  }

  /**
   * Queues a frame. After the end of the peer it goes nowhere; `onEnd` tells.
   *
   * @param handles - borrowed: what cannot be sent at once is duplicated
   * @throws the kernel's error where it is known at once, as for a descriptor that is never passed; else `onSendFailed` tells
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

  /** Keeps the event loop alive until `unref` was called as often. */
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

  /** Writes all that is queued, and waits while the peer does not read: for the end of a process. */
  flushAll(): void {
    if (!this.#isOpen || !this.#outgoing.length) return
    setNonblocking(this.#socket, false)
    this.#flush()
  }

  /** Closes the socket and all descriptors that wait in either direction. No callback comes afterwards. Idempotent. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    clearTimeout(this.#retry)
    this.#watch.close()
    this.#release()
    this.#socket.close()
    this.#dropOutgoing()
    for (const descriptor of this.#reader.takeDescriptors()) descriptor.close()
  }

  /**
   * Stops, and hands out the socket, as if this object had never been.
   *
   * @throws Error when something is still to be sent, or has been received in part
   */
  detach(): Descriptor {
    if (this.#outgoing.length || !this.#reader.isEmpty) throw new Error('the channel is in the middle of a frame')
    this.#isOpen = false
    clearTimeout(this.#retry)
    this.#watch.close()
    this.#release()
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

  /** Bytes taken, 0 when the socket is full, undefined when nobody reads any more. */
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
      return undefined // the reading side reports what the peer still said, then its end
    }
  }

  /** No frame may be left out, since those after it count on it: this side ends here, and sends from now on go nowhere. */
  #break(error: Error): void {
    this.#dropOutgoing()
    this.#updateWatch()
    try {
      shutdown(this.#socket, 'write')
    } catch {
      // the peer is gone: the reading side reports it
    }
    this.#listener.onSendFailed?.(error)
  }

  #dropOutgoing(): void {
    for (const { queued } of this.#outgoing.splice(0)) queued.close()
  }

  #read(): void {
    this.#reservedSlot?.take()
    this.#receive()
  }

  #receive(): void {
    const { room } = this.#reader
    let message: Message
    try {
      message = receiveMessage(this.#socket, room ?? incoming)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EAGAIN') return
      if (code === 'EMFILE' || code === 'ENFILE') return this.#waitForRoom()
      return this.#end()
    }
    if (message.endOfFile) return this.#end()
    this.#retries = 0
    if (room) this.#reader.fill(message.bytes, message.descriptors)
    else this.#reader.push(Buffer.from(incoming.subarray(0, message.bytes)), message.descriptors)
    this.#tell()
  }

  #tell(): void {
    try {
      this.#tellAll()
    } catch (error) {
      if (!this.#listener.onProtocolError) throw error
      this.#listener.onProtocolError(error as Error)
    }
  }

  #tellAll(): void {
    for (let frame = this.#reader.next(); frame; frame = this.#reader.next()) {
      this.#listener.onFrame(frame)
      if (!this.#isOpen) return
    }
  }

  /** There is no room for the descriptors that came: in a while there may be, by what was ordered before. */
  #waitForRoom(): void {
    if (this.#reservedSlot?.free()) return this.#receive()
    if (this.#retries++ === MOST_RETRIES) this.#listener.onTableFull?.()
    if (!this.#isOpen) return
    this.#isReading = false
    this.#updateWatch()
    this.#retryLater()
  }

  #end(): void {
    this.close()
    this.#listener.onEnd()
  }

  #updateWatch(): void {
    this.#watch.change({ readable: this.#isReading, writable: this.#outgoing.length > 0 && !this.#retry })
  }

  /** Nothing tells when there will be room again, in the table or in flight. */
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
