import { binding, type NativeDeferredWriter } from './binding.js'
import { isNonblocking } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { socketKind } from './socket-kind.js'
import { checked, systemError } from './system-error.js'

/** The watchdog thread reads the end of the bytes as an int32. */
const MOST_BYTES = 0x7fffffff

/**
 * Defers writes, so that many small pieces leave in one system call. The delay is bounded: if the owner is busy and
 * does not flush within a millisecond or two, a watchdog thread writes the deferred bytes. The thread ends when it has
 * had no work for some time.
 *
 * A deferred writer belongs to one socket, and lives as long as the process or the worker thread that created it. When
 * that thread ends, the bytes that the socket accepts without waiting are still written. Garbage collection does not
 * end it earlier.
 */
export class DeferredWriter {
  readonly #control = new Int32Array(binding.DEFERRED_CONTROLS)
  readonly #native: NativeDeferredWriter
  /** The buffer that the watchdog thread may read. The addon keeps this object alive, and this object the buffer. */
  #buffer: Uint8Array | undefined

  /**
   * @param socket - a blocking stream socket; borrowed for the life of the process or of this worker thread
   * @throws TypeError if the socket is not a stream, is non-blocking, or listens
   * @throws SystemError `ENOTSOCK` if the handle is not a socket; `EBADF` if it is not open
   */
  constructor(socket: Handle) {
    const { type, isListening } = socketKind(socket)
    if (type !== 'stream' || isListening || isNonblocking(socket))
      throw new TypeError('expected a blocking stream socket that does not listen')
    const native = binding.makeDeferredWriter(descriptorNumber(socket), this.#control, this)
    if (typeof native === 'number') throw systemError(native, 'pthread_mutex_init')
    this.#native = native
  }

  /** A counter that advances about once a millisecond while the watchdog thread runs: a clock without system calls. */
  get ticks(): number {
    return Atomics.load(this.#control, binding.DEFERRED_TICKS)
  }

  /** Reports whether deferred bytes wait for `flush`. */
  get isPending(): boolean {
    return this.#buffer !== undefined
  }

  /**
   * Defers writing the bytes from `from` to `end`. Until the next `flush`, the caller may append to the same buffer and
   * call this again with a later `end`; `from` then has no effect. The deferred bytes must not change until then.
   *
   * @param buffer - borrowed until the next `flush`
   * @param from - the offset of the first byte
   * @param end - the offset after the last byte, below 2 GiB
   * @throws TypeError if `buffer` is not a Buffer or typed array, or another buffer is deferred
   * @throws RangeError if `from` and `end` do not delimit a part of `buffer`
   * @throws SystemError `EAGAIN` if the system cannot start a thread; the bytes are then not deferred
   */
  defer(buffer: Uint8Array, from: number, end: number): void {
    if (!ArrayBuffer.isView(buffer)) throw new TypeError('expected a Buffer or typed array')
    if (typeof from !== 'number' || typeof end !== 'number') throw new TypeError('from and end must be numbers')
    if (
      !Number.isInteger(from) ||
      !Number.isInteger(end) ||
      from < 0 ||
      from > end ||
      end > buffer.byteLength ||
      end > MOST_BYTES
    ) {
      throw new RangeError(`the bytes ${from} to ${end} are not a part of the buffer of ${buffer.byteLength} bytes`)
    }
    if (this.#buffer && this.#buffer !== buffer) throw new TypeError('another buffer is deferred: flush() it first')
    Atomics.store(this.#control, binding.DEFERRED_END, end)
    if (this.#buffer) return
    const result = binding.deferWrite(this.#native, buffer, from)
    if (result >= 0) this.#buffer = buffer
    checked(result, 'pthread_create')
  }

  /**
   * Writes the deferred bytes that the watchdog thread has not written yet, and waits until the socket accepts them.
   *
   * @returns the number of bytes deferred since the last flush, all of which are now written
   * @throws SystemError `EPIPE` or `ECONNRESET` if the peer is gone
   */
  flush(): number {
    if (!this.#buffer) return 0
    const result = binding.flushDeferred(this.#native)
    this.#buffer = undefined // not earlier: the thread could still read it
    return checked(result, 'send')
  }

  /**
   * Ends the watchdog thread now, if it runs: a process with a thread of its own cannot be forked. Takes about a
   * millisecond at most. The next `defer` starts the thread again.
   *
   * @throws TypeError while bytes are deferred: flush them first
   */
  stop(): void {
    if (this.#buffer) throw new TypeError('bytes are deferred: flush() them first')
    binding.stopDeferring(this.#native)
  }
}
