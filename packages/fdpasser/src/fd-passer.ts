import { assertUnixSocket, Descriptor, type Handle, hasEnded, socketpair, type Watch, watch } from '@anyfork/fdpass'
import { aFunction, callSafely, checkArgument, descriptorNumber } from '@anyfork/fdpass/internal'
import { PasserError } from './errors.js'
import { Incoming, type ReceiveCallback } from './incoming.js'
import { complete, type FdPasserOptions, isKept, type SendOptions } from './options.js'
import { Outgoing } from './outgoing.js'
import { closeHandle, takeOver, takeOverBoth } from './ownership.js'
import { Waiting } from './waiting.js'

/**
 * Passes descriptors both ways over one socket, each way in order, without
 * blocking and without losing any. Follows AnyEvent::FDpasser, and is understood by
 * it: one zero byte carries one descriptor.
 *
 * It keeps the program running while something waits to be sent or was asked for.
 */
export class FdPasser implements AsyncDisposable, AsyncIterable<Descriptor> {
  readonly #options: Required<Omit<FdPasserOptions, 'fd'>>
  #ends: Descriptor[] = []
  #outgoing!: Outgoing
  #incoming!: Incoming
  #watch!: Watch
  #failure: Error | undefined
  /** What was noticed of the peer: it hung up, with something still to be read, or nothing more will come. */
  #peer: 'there' | 'hung up' | 'silent' = 'there'
  #closing: Promise<void> | undefined
  readonly #waiting = new Waiting()

  /** @throws TypeError for what is no AF_UNIX socket, or one that listens, `ENOTSOCK` and `EBADF` for what is no socket at all, RangeError for a batch or mark out of range, `EMFILE`, `EEXIST` for a socket that is watched already; the caller then still owns the socket */
  constructor(options: FdPasserOptions = {}) {
    this.#options = complete(options)
    const { fd } = options
    if (fd === undefined) {
      this.#ends = socketpair()
      return
    }
    const ends = (Array.isArray(fd) ? fd : [fd]) as Handle[]
    if (ends.length !== 1 && ends.length !== 2) throw new TypeError(`a connection has two ends, not ${ends.length}`)
    for (const end of ends) assertUnixSocket(end, ['stream', 'seqpacket', 'dgram'])
    if (ends.length === 1) this.#begin(ends[0]!)
    else this.#ends = takeOverBoth(ends as [Handle, Handle])
  }

  /** This process is the parent: it keeps the first of two ends and closes the second, as `i_am_parent`. */
  iAmParent(): this {
    return this.#choose(0)
  }

  /** This process is the child: it keeps the second of two ends and closes the first, as `i_am_child`. */
  iAmChild(): this {
    return this.#choose(1)
  }

  /** How full the queue of descriptors to be sent is: 1 at the high-water mark. */
  get pressure(): number {
    this.#assertBegun()
    return this.#outgoing.length / this.#options.highWaterMark
  }

  /** Resolves as soon as fewer descriptors wait to be sent than the high-water mark; rejects when the passer has ended. */
  async drained(): Promise<void> {
    this.#assertBegun()
    if (!this.#failure) await this.#waiting.for(() => this.pressure < 1)
    if (this.#failure) throw this.#failure
  }

  /**
   * Sends a descriptor after those before it. Sent means that the kernel has it: it
   * arrives even when this process ends, unless the peer never asks for it.
   *
   * @param handle - taken over, and closed once sent or failed, unless `keep`. The socket file of a
   *   `net.Server` that was sent stays; it is the receiver's to remove
   * @returns resolves when the kernel has taken it; rejects when it will never be sent.
   *   `EBADF` and the like concern only this one
   * @throws TypeError for what has no descriptor, for options that make no sense, and before it was said which end is meant; the handle is then still the caller's
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
   * Asks for the next descriptor that the peer sends. Nothing is read before it was
   * asked for.
   *
   * @param callback - as in the original; what it throws is an uncaught error and disturbs nothing here
   * @returns resolves with the descriptor, close-on-exec, which the caller owns; rejects when none will come
   * @throws TypeError for what is no function, and before it was said which end is meant
   */
  pushRecv(): Promise<Descriptor>
  pushRecv(callback: ReceiveCallback): void
  pushRecv(callback?: ReceiveCallback): Promise<Descriptor> | void {
    this.#assertBegun()
    if (callback !== undefined) checkArgument('the callback of pushRecv()', callback, aFunction)
    if (callback) return this.#incoming.ask((error, descriptor) => callSafely(() => callback(error, descriptor)))
    return new Promise((resolve, reject) =>
      this.#incoming.ask((error, descriptor) => (descriptor ? resolve(descriptor) : reject(error!))),
    )
  }

  /** All descriptors that come, until the peer ends the connection. */
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

  /** Sends what is queued, and nothing that is pushed from now on, then ends. What was asked for and has not come rejects. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#waiting
      .for(() => !this.#watch || this.#failure !== undefined || this.#outgoing.length === 0)
      .then(() => this.destroy())
    return this.#closing
  }

  /** Ends at once: closes the socket and all descriptors that were not sent or not fetched; what was promised rejects. Idempotent. */
  destroy(): void {
    for (const end of this.#ends.length === 2 ? this.#ends.splice(0) : []) closeHandle(end)
    this.#end(closedError())
    this.#incoming?.discard()
  }

  /** `close()` */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #choose(which: 0 | 1): this {
    if (this.#ends.length !== 2) throw new TypeError('there are no two ends to choose from')
    const [kept, other] = which === 0 ? this.#ends : this.#ends.toReversed()
    this.#begin(kept!)
    closeHandle(other!)
    return this
  }

  /** Nothing has changed when this throws. */
  #begin(handle: Handle): void {
    const { batch, reservation, dontSetNonblocking } = this.#options
    const isBorrowed = typeof handle === 'object' && !(handle instanceof Descriptor)
    const watched = isBorrowed ? takeOver(handle) : handle
    try {
      // By its number: a Descriptor is handed over only once it is watched.
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
    if (!this.#watch) throw new TypeError('say iAmParent() or iAmChild() first')
  }

  #onReady({ readable, writable, hangup }: { readable: boolean; writable: boolean; hangup: boolean }): void {
    if (writable) this.#outgoing.flush()
    if (this.#failure) return
    if (readable) this.#incoming.read()
    else if (hangup) this.#onHangup()
  }

  /** An idle passer notices so that its peer is gone. What that one has sent before is still to be asked for. */
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

  /** Nothing more will come. What waits may still be sent: the peer may have closed one direction only. */
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
    this.#waiting.wake()
  }

  #end(reason: Error, isToldBy = false): void {
    if (this.#failure) return
    this.#failure = reason
    this.#watch?.close()
    this.#outgoing?.end(reason)
    this.#incoming?.end(reason)
    for (const end of this.#ends.splice(0)) closeHandle(end)
    this.#waiting.end()
    const isOrderly = reason instanceof PasserError
    if (isToldBy) callSafely(() => this.#options.onError(isOrderly ? undefined : reason))
  }
}

function closedError(): PasserError {
  return new PasserError('ERR_PASSER_CLOSED', 'the passer was closed')
}
