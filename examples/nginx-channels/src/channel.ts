import {
  type Descriptor,
  type Handle,
  receiveMessage,
  type SystemError,
  sendMessage,
  type Watch,
  watch,
} from '@anyfork/fdpass'
import { decode, encode, MESSAGE_BYTES, type Message } from './message.js'

/** When to try again if no event will announce that the kernel has room, in milliseconds. */
const RETRY_MS = 20

/** A message that waits to be sent. */
interface Sending {
  bytes: Uint8Array
  handles: Handle[]
  settle(error?: Error): void
}

/** A message that has come, and its descriptor, if it has one. */
export interface Received {
  message: Message
  descriptor: Descriptor | undefined
}

/**
 * One end of a channel: a non-blocking packet socket, so that messages of several senders do not mix. nginx drops a message
 * for which the socket has no room. A channel keeps it in a queue, and sends it when there is room.
 */
export class Channel {
  /** The socket, to pass it on. */
  readonly descriptor: Descriptor
  /** How often messages had to wait for room. */
  waits = 0
  readonly #watch: Watch
  readonly #queue: Sending[] = []
  readonly #buffer = new Uint8Array(MESSAGE_BYTES)
  #onReadable: (() => void) | undefined
  #isFull = false

  /** @param descriptor - non-blocking; taken over */
  constructor(descriptor: Descriptor) {
    this.descriptor = descriptor
    this.#watch = watch(descriptor, {}, ready => {
      if (ready.writable) this.#flush()
      if (ready.readable) this.#onReadable?.()
    })
  }

  /**
   * Sends a message after the earlier ones.
   *
   * @param handle - a descriptor to send along; borrowed until the promise settles
   * @returns resolves when the kernel has the message
   * @throws rejects with a SystemError such as `EPIPE` if the peer has ended
   */
  send(message: Partial<Message>, handle?: Handle): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => (error ? reject(error) : resolve())
      this.#queue.push({ bytes: encode(message), handles: handle === undefined ? [] : [handle], settle })
      if (!this.#isFull) this.#flush()
    })
  }

  /** Calls back whenever messages can be received. A process that gets SIGIO does not need this. */
  onReadable(callback: () => void): void {
    this.#onReadable = callback
    this.#update()
  }

  /** Receives all messages that are queued. The caller owns the descriptors. */
  *receive(): Generator<Received, void> {
    for (;;) {
      try {
        const { bytes, descriptors, endOfFile, truncated } = receiveMessage(this.descriptor, this.#buffer)
        if (endOfFile) return
        if (truncated) throw new Error(`a message has ${MESSAGE_BYTES} bytes, not more`)
        yield { message: decode(this.#buffer, bytes), descriptor: descriptors[0] }
      } catch (error) {
        const { code } = error as SystemError
        if (code === 'EAGAIN') return
        if (code !== 'ECONNRESET') throw error // the peer has ended; what it has sent before follows
      }
    }
  }

  /** Closes this end. Messages that wait are rejected. */
  close(): void {
    this.#watch.close()
    this.descriptor.close()
    const error = Object.assign(new Error('the channel was closed'), { code: 'EPIPE' })
    for (const sending of this.#queue.splice(0)) sending.settle(error)
  }

  #flush(): void {
    this.#isFull = false
    let sent = 0
    for (const { bytes, handles, settle } of this.#queue) {
      let failure: Error | undefined
      try {
        sendMessage(this.descriptor, bytes, handles)
      } catch (error) {
        const { code } = error as SystemError
        this.#isFull = ['EAGAIN', 'ETOOMANYREFS', 'ENOBUFS', 'ENOMEM'].includes(code)
        if (code === 'EAGAIN') this.waits++
        else if (this.#isFull) setTimeout(() => this.descriptor.isOpen && this.#flush(), RETRY_MS)
        if (this.#isFull) break
        failure = error as Error
      }
      sent++
      settle(failure)
    }
    this.#queue.splice(0, sent) // all at once: to shift a long array is slow
    this.#update()
  }

  #update(): void {
    this.#watch.change({ readable: this.#onReadable !== undefined, writable: this.#isFull })
  }
}
