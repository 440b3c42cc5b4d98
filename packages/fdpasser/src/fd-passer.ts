import { Descriptor, dup, receiveMessage, sendMessage, socketpair, watch, type Handle, type Watch } from '@anyfork/fdpass'

/** How long to wait for the kernel to have room for descriptors again, in milliseconds. */
const RETRY_MS = 50

export interface FdPasserOptions {
  /** A connected AF_UNIX stream socket; the passer owns it from now on and makes it non-blocking. */
  socket: Descriptor
}

interface Sending {
  descriptor: Descriptor
  resolve(): void
  reject(error: unknown): void
}

interface Receiving {
  resolve(descriptor: Descriptor): void
  reject(error: unknown): void
}

/**
 * Passes descriptors both ways over one socket, each way in order, without
 * blocking and without losing any. Follows AnyEvent::FDpasser, and is understood by
 * it: one zero byte carries one descriptor.
 */
export class FdPasser implements AsyncDisposable {
  readonly #socket: Descriptor
  readonly #watch: Watch
  readonly #sending: Sending[] = []
  readonly #receiving: Receiving[] = []
  #failure: Error | undefined
  #pause: NodeJS.Timeout | undefined
  #isFull = false
  #drained: (() => void) | undefined

  constructor({ socket }: FdPasserOptions) {
    if (!(socket instanceof Descriptor)) throw new TypeError('socket is a Descriptor, which this takes over')
    this.#socket = socket
    this.#watch = watch(socket, {}, ready => {
      if (ready.writable) this.#send()
      if (ready.readable) this.#receive()
    })
  }

  /** Two passers that are connected with each other, for a process that forks: each side destroys the other's. */
  static pair(): [FdPasser, FdPasser] {
    const [left, right] = socketpair()
    return [new FdPasser({ socket: left }), new FdPasser({ socket: right })]
  }

  /**
   * Sends a descriptor after those before it.
   *
   * @param handle - a `Descriptor` is taken over and closed once sent; anything else is duplicated at once and stays the caller's
   * @returns resolves when the kernel has taken it; rejects when it will never be sent
   */
  pushSend(handle: Handle): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure)
    const descriptor = handle instanceof Descriptor ? new Descriptor(handle.release()) : dup(handle)
    return new Promise((resolve, reject) => {
      this.#sending.push({ descriptor, resolve, reject })
      this.#send()
    })
  }

  /**
   * Asks for the next descriptor that the peer sends.
   *
   * @returns resolves with it, close-on-exec; the caller owns it. Rejects when none will come
   */
  pushRecv(): Promise<Descriptor> {
    if (this.#failure) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#receiving.push({ resolve, reject })
      this.#wait()
    })
  }

  /** Sends what is queued, then ends. Descriptors that were asked for and have not come are rejected. */
  async close(): Promise<void> {
    if (this.#sending.length) await new Promise<void>(resolve => (this.#drained = resolve))
    this.destroy()
  }

  /** Ends at once: closes the socket and all descriptors that were not sent yet; what was promised rejects. */
  destroy(): void {
    this.#fail(Object.assign(new Error('the passer was closed'), { code: 'ERR_PASSER_CLOSED' }))
  }

  /** `close()` */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #send(): void {
    for (let first = this.#sending[0]; first && !this.#failure; first = this.#sending[0]) {
      try {
        sendMessage(this.#socket, ZERO, [first.descriptor])
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        this.#isFull = code === 'EAGAIN'
        if (this.#isFull) return this.#wait()
        if (code === 'ETOOMANYREFS' || code === 'ENOBUFS') return this.#retryLater()
        return this.#fail(error as Error)
      }
      this.#sending.shift()
      first.descriptor.close()
      first.resolve()
    }
    this.#isFull = false
    this.#wait()
    this.#drained?.()
  }

  #receive(): void {
    while (this.#receiving.length && !this.#failure) {
      try {
        const { descriptors, endOfFile } = receiveMessage(this.#socket, new Uint8Array(1))
        if (endOfFile) return this.#fail(Object.assign(new Error('the peer has closed its end'), { code: 'ERR_PASSER_ENDED' }))
        for (const descriptor of descriptors) this.#deliver(descriptor)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code === 'EAGAIN') break
        if (code === 'EMFILE' || code === 'ENFILE') return this.#retryLater()
        return this.#fail(error as Error)
      }
    }
    this.#wait()
  }

  /** What nobody has asked for is closed: it must not pile up. */
  #deliver(descriptor: Descriptor): void {
    const receiving = this.#receiving.shift()
    if (receiving) receiving.resolve(descriptor)
    else descriptor.close()
  }

  #wait(): void {
    if (!this.#failure) this.#watch.change({ readable: this.#receiving.length > 0 && !this.#pause, writable: this.#isFull })
  }

  /** The descriptor table, or the number of descriptors in flight, is at its limit: nothing tells when that ends. */
  #retryLater(): void {
    this.#pause ??= setTimeout(() => {
      this.#pause = undefined
      this.#send()
    }, RETRY_MS)
    this.#wait()
  }

  #fail(reason: Error): void {
    if (this.#failure) return
    this.#failure = reason
    clearTimeout(this.#pause)
    this.#watch.close()
    this.#socket.close()
    for (const { descriptor, reject } of this.#sending.splice(0)) {
      descriptor.close()
      reject(reason)
    }
    for (const { reject } of this.#receiving.splice(0)) reject(reason)
    this.#drained?.()
  }
}

const ZERO = new Uint8Array(1)
