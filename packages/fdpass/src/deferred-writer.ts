import { binding, type NativeDeferredWriter } from './binding.js'
import { isNonblocking } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { socketKind } from './socket-kind.js'
import { checked, systemError } from './system-error.js'

/** How far the control of the thread can tell. */
const MOST_BYTES = 0x7fffffff

/**
 * Puts off writing, so that much leaves in one system call, without the risk that it
 * waits for long: what has not been written after a millisecond or two, because whoever
 * put it off is busy, a thread writes. That thread ends when it is not needed for a time.
 * For one socket as long as the process lives, or the worker thread that made it: when that
 * one ends, what is put off is written as far as the socket takes it at once. No garbage
 * collection takes it before.
 */
export class DeferredWriter {
  readonly #control = new Int32Array(binding.LATE_CONTROLS)
  readonly #native: NativeDeferredWriter
  /** What the thread may read. This object is kept from the garbage collector, and keeps it. */
  #buffer: Uint8Array | undefined

  /**
   * @param socket - a blocking stream socket; borrowed as long as the process, or the worker thread, lives
   * @throws TypeError for another socket; `ENOTSOCK`, `EBADF`
   */
  constructor(socket: Handle) {
    const { type, isListening } = socketKind(socket)
    if (type !== 'stream' || isListening || isNonblocking(socket))
      throw new TypeError('expected a blocking stream socket that does not listen')
    const native = binding.makeDeferredWriter(descriptorNumber(socket), this.#control, this)
    if (typeof native === 'number') throw systemError(native, 'pthread_mutex_init')
    this.#native = native
  }

  /** Goes on about every millisecond while something is put off now and then. */
  get ticks(): number {
    return Atomics.load(this.#control, binding.LATE_TICKS)
  }

  /** Whether there is something to flush. */
  get isPending(): boolean {
    return this.#buffer !== undefined
  }

  /**
   * Puts off the bytes from `from` to `end`. Until the next `flush`, the same buffer may
   * be put off again with a later end, and must otherwise not change.
   *
   * @param from - an offset in bytes, as `end`, which is below 2 GiB
   * @throws TypeError for what is no buffer, or not the one that is put off; RangeError for what is no part of it; `EAGAIN` when there can be no thread; nothing is put off then
   */
  putOff(buffer: Uint8Array, from: number, end: number): void {
    if (!ArrayBuffer.isView(buffer)) throw new TypeError('expected a Buffer or typed array')
    if (typeof from !== 'number' || typeof end !== 'number') throw new TypeError('the bytes are between two numbers')
    if (
      !Number.isInteger(from) ||
      !Number.isInteger(end) ||
      from < 0 ||
      from > end ||
      end > buffer.byteLength ||
      end > MOST_BYTES
    ) {
      throw new RangeError(`${from} to ${end} is no part of the buffer`)
    }
    if (this.#buffer && this.#buffer !== buffer) throw new TypeError('another buffer is put off: flush() it first')
    Atomics.store(this.#control, binding.LATE_END, end)
    if (this.#buffer) return
    const result = binding.deferWrite(this.#native, buffer, from)
    if (result >= 0) this.#buffer = buffer
    checked(result, 'pthread_create')
  }

  /**
   * Writes what is put off and has not been written.
   *
   * @returns how many bytes have been written since they were put off, all of them
   * @throws the kernel's error
   */
  flush(): number {
    if (!this.#buffer) return 0
    const result = binding.flushDeferred(this.#native)
    this.#buffer = undefined // not before: until now the thread may read it
    return checked(result, 'send')
  }
}
