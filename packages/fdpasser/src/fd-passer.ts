import { assertUnixSocket, Descriptor, type Handle, hasEnded, socketpair, type Watch, watch } from '@anyfork/fdpass'
import { aFunction, callSafely, checkArgument, descriptorNumber } from '@anyfork/fdpass/internal'
import { Conditions } from './conditions.js'
import { PasserError } from './errors.js'
import { Incoming, type ReceiveCallback } from './incoming.js'
import { complete, type FdPasserOptions, isKept, type SendOptions } from './options.js'
import { Outgoing } from './outgoing.js'
import { closeHandle, takeOver, takeOverBoth } from './ownership.js'

/**
 * Passes descriptors in both directions over one socket, in order, without blocking, and without losing any. Follows
 * AnyEvent::FDpasser and is compatible with it: one zero byte carries one descriptor.
 *
 * A passer keeps the event loop alive while descriptors wait to be sent or callers wait for descriptors. Garbage
 * collection does not end a passer.
 */
export class FdPasser implements AsyncDisposable, AsyncIterable<Descriptor> {
  readonly #options: Required<Omit<FdPasserOptions, 'fd'>>
  #ends: Descriptor[] = []
  #outgoing!: Outgoing
  #incoming!: Incoming
  #watch!: Watch
  #failure: Error | undefined
  /** The state of the peer: it can send, has hung up but left something to read, or will send nothing more. */
  #peer: 'there' | 'hung up' | 'silent' = 'there'
  #closing: Promise<void> | undefined
  readonly #conditions = new Conditions()

  /**
   * If the constructor throws, the caller keeps the socket.
   *
   * @param options - see `FdPasserOptions`
   * @throws TypeError if an option is invalid, or if `fd` is not an AF_UNIX socket or is listening
   * @throws SystemError `ENOTSOCK` if `fd` is not a socket; `EBADF` if it is not open; `EEXIST` if another watch of
   *   this event loop has the socket; `EMFILE` or `ENFILE` if a new descriptor is needed and the table is full
   */
  constructor(options: FdPasserOptions = {}) {
    this.#options = complete(options)
    const { fd } = options
    if (fd === undefined) {
      this.#ends = socketpair()
      return
    }
    const ends = (Array.isArray(fd) ? fd : [fd]) as Handle[]
    if (ends.length !== 1 && ends.length !== 2)
      throw new TypeError(`fd must be one socket or the two ends of a connection, not ${ends.length}`)
    for (const end of ends) assertUnixSocket(end, ['stream', 'seqpacket', 'dgram'])
    if (ends.length === 1) this.#begin(ends[0]!)
    else this.#ends = takeOverBoth(ends as [Handle, Handle])
  }

  /**
   * Makes this process the parent: the passer keeps the first of two ends and closes the second. Follows i_am_parent.
   *
   * @throws TypeError if the passer does not have two ends to choose from
   * @throws SystemError `EBADF`, `EEXIST`; the passer keeps both ends
   */
  iAmParent(): this {
    return this.#choose(0)
  }

  /**
   * Makes this process the child: the passer keeps the second of two ends and closes the first. Follows i_am_child.
   *
   * @throws TypeError if the passer does not have two ends to choose from
   * @throws SystemError `EBADF`, `EEXIST`; the passer keeps both ends
   */
  iAmChild(): this {
    return this.#choose(1)
  }

  /**
   * The number of descriptors waiting to be sent, divided by the high-water mark.
   *
   * @throws TypeError before `iAmParent()` or `iAmChild()` if the passer has two ends
   */
  get pressure(): number {
    this.#assertBegun()
    return this.#outgoing.length / this.#options.highWaterMark
  }

  /**
   * Waits until fewer descriptors wait to be sent than the high-water mark.
   *
   * @throws rejects with the reason if the passer has ended: a PasserError or a SystemError
   * @throws rejects with a TypeError before `iAmParent()` or `iAmChild()` if the passer has two ends
   */
  async drained(): Promise<void> {
    this.#assertBegun()
    if (!this.#failure) await this.#conditions.until(() => this.pressure < 1)
    if (this.#failure) throw this.#failure
  }

  /**
   * Queues a descriptor to be sent after the earlier ones. Follows push_send_fh.
   *
   * @param handle - taken over, and closed when it was sent or rejected, unless `keep` is set. The socket file of a
   *   `net.Server` that was sent stays, and the receiver may remove it.
   * @param options - see `SendOptions`
   * @returns resolves when the kernel has accepted the descriptor. It then arrives even if this process ends, but not
   *   if the peer never asks for it.
   * @throws TypeError if the handle has no descriptor, if an option is invalid, or before `iAmParent()` or `iAmChild()`
   *   if the passer has two ends; the caller keeps the handle
   * @throws rejects with a SystemError `EBADF`, `EINVAL`, or `EPERM` if this descriptor cannot be sent; the passer
   *   continues with the next one
   * @throws rejects with a PasserError, or with a SystemError such as `EPIPE`, if the passer has ended
   */
  pushSend(handle: Handle, options?: SendOptions): Promise<void> {
    this.#assertBegun()
    const keep = options !== undefined && isKept(options)
    descriptorNumber(handle)
    const owned = handle instanceof Descriptor && !keep ? new Descriptor(handle.release()) : handle
    if (this.#failure || this.#closing) {
      if (!keep) closeHandle(owned)
      return Promise.reject(this.#failure ?? closedError())
    }
    return new Promise((resolve, reject) => {
      this.#outgoing.push({ handle: owned, keep, settle: error => (error ? reject(error) : resolve()) })
    })
  }

  /**
   * Asks for the next descriptor of the peer. The passer reads only what was asked for. Follows push_recv_fh.
   *
   * @returns resolves with the descriptor, which is close-on-exec and owned by the caller
   * @throws TypeError before `iAmParent()` or `iAmChild()` if the passer has two ends
   * @throws rejects with a PasserError or SystemError if no descriptor will come
   */
  pushRecv(): Promise<Descriptor>
  /**
   * Like `pushRecv()`, but calls back instead of returning a promise.
   *
   * @param callback - receives the descriptor, which it owns, or an error. An error that it throws is an uncaught
   *   exception and does not affect the passer
   * @throws TypeError if `callback` is not a function, or before `iAmParent()` or `iAmChild()` if the passer has two
   *   ends
   */
  pushRecv(callback: ReceiveCallback): void
  pushRecv(callback?: ReceiveCallback): Promise<Descriptor> | void {
    this.#assertBegun()
    if (callback !== undefined) checkArgument('the callback of pushRecv()', callback, aFunction)
    if (callback) return this.#incoming.ask((error, descriptor) => callSafely(() => callback(error, descriptor)))
    return new Promise((resolve, reject) =>
      this.#incoming.ask((error, descriptor) => (descriptor ? resolve(descriptor) : reject(error!))),
    )
  }

  /**
   * Yields all descriptors until the peer closes its end. The caller owns them.
   *
   * @throws rejects with a SystemError if the connection breaks, or with `ERR_PASSER_CLOSED` if this end is closed
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<Descriptor, void, undefined> {
    for (;;) {
      try {
        yield await this.pushRecv()
      } catch (error) {
        if ((error as PasserError).code === 'ERR_PASSER_ENDED') return
        throw error
      }
    }
  }

  /**
   * Sends the queued descriptors, then ends the passer. Rejects later `pushSend` calls and, at the end, all waiting
   * `pushRecv` calls with `ERR_PASSER_CLOSED`. Idempotent.
   *
   * @returns resolves when the passer has ended
   */
  close(): Promise<void> {
    this.#closing ??= this.#conditions
      .until(() => !this.#watch || this.#failure !== undefined || this.#outgoing.length === 0)
      .then(() => this.destroy())
    return this.#closing
  }

  /**
   * Ends the passer immediately. Closes the socket, the queued descriptors, and received descriptors that no caller has
   * taken. Rejects all pending promises with `ERR_PASSER_CLOSED`. Idempotent.
   */
  destroy(): void {
    for (const end of this.#ends.length === 2 ? this.#ends.splice(0) : []) closeHandle(end)
    this.#end(closedError())
    this.#incoming?.discard()
  }

  /** Calls `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #choose(which: 0 | 1): this {
    if (this.#ends.length !== 2) throw new TypeError('the passer does not have two ends to choose from')
    const [kept, other] = which === 0 ? this.#ends : this.#ends.toReversed()
    this.#begin(kept!)
    closeHandle(other!)
    return this
  }

  /** Starts to use a socket. If this throws, nothing has changed. */
  #begin(handle: Handle): void {
    const { batch, reservation, dontSetNonblocking } = this.#options
    const isBorrowed = typeof handle === 'object' && !(handle instanceof Descriptor)
    const watched = isBorrowed ? takeOver(handle) : handle
    try {
      // Watches the number, because a Descriptor is handed over only after watching has succeeded.
      this.#watch = watch(descriptorNumber(watched), { hangup: true }, ready => this.#onReady(ready), {
        keepBlocking: dontSetNonblocking,
      })
    } catch (error) {
      if (isBorrowed) closeHandle(watched)
      throw error
    }
    const socket = isBorrowed ? (watched as Descriptor) : takeOver(handle)
    this.#ends = [socket]
    const onChange = (): void => this.#update()
    this.#outgoing = new Outgoing(socket, batch, dontSetNonblocking, { onChange, onBroken: () => this.#onHangup() })
    this.#incoming = new Incoming(socket, reservation, batch, dontSetNonblocking, {
      onChange,
      onEnd: error => (error ? this.#end(error, true) : this.#onSilence()),
    })
    this.#update()
  }

  #assertBegun(): void {
    if (!this.#watch) throw new TypeError('the passer has two ends: call iAmParent() or iAmChild() first')
  }

  #onReady({ readable, writable, hangup }: { readable: boolean; writable: boolean; hangup: boolean }): void {
    if (writable) this.#outgoing.flush()
    if (this.#failure) return
    if (readable) this.#incoming.read()
    else if (hangup) this.#onHangup()
  }

  /** Notices the end of the peer, even while idle. Descriptors sent before that can still be received. */
  #onHangup(): void {
    if (this.#failure || this.#peer !== 'there') return
    this.#peer = 'hung up'
    try {
      if (hasEnded(this.#ends[0]!)) return this.#onSilence()
    } catch (error) {
      return this.#end(error as Error, true)
    }
    this.#update()
  }

  /** The peer sends nothing more. Sending continues, because the peer may have closed only one direction. */
  #onSilence(): void {
    this.#peer = 'silent'
    this.#incoming.end(new PasserError('ERR_PASSER_ENDED', 'the peer has closed its end'))
    this.#update()
  }

  #update(): void {
    if (this.#failure) return
    if (this.#peer === 'silent' && !this.#outgoing.length)
      return this.#end(new PasserError('ERR_PASSER_ENDED', 'the peer has closed its end'), true)
    const readable = this.#incoming.waitsForMessage
    this.#watch.change({ readable, writable: this.#outgoing.waitsForRoom, hangup: !readable && this.#peer === 'there' })
    if (this.#incoming.length || this.#outgoing.length) this.#watch.ref()
    else this.#watch.unref()
    this.#conditions.check()
  }

  #end(reason: Error, isReported = false): void {
    if (this.#failure) return
    this.#failure = reason
    this.#watch?.close()
    this.#outgoing?.end(reason)
    this.#incoming?.end(reason)
    for (const end of this.#ends.splice(0)) closeHandle(end)
    this.#conditions.end()
    const isOrderly = reason instanceof PasserError
    if (isReported) callSafely(() => this.#options.onError(isOrderly ? undefined : reason))
  }
}

function closedError(): PasserError {
  return new PasserError('ERR_PASSER_CLOSED', 'the passer was closed')
}
