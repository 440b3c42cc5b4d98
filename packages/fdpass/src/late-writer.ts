import { binding, type NativeLate } from './binding.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked, systemError } from './system-error.js'

/**
 * Puts off writing, so that much leaves in one system call, without the risk that it
 * waits for long: what has not been written after a millisecond or two, because whoever
 * put it off is busy, a thread writes. That thread ends when it is not needed for a time.
 * For one socket as long as the process lives.
 */
export class LateWriter {
  readonly #control = new Int32Array(binding.LATE_CONTROLS)
  readonly #native: NativeLate
  /** Kept from the garbage collector while the thread may read it. */
  #buffer: Uint8Array | undefined

  /** @param socket - a blocking stream socket; borrowed as long as the process lives */
  constructor(socket: Handle) {
    const native = binding.lateMake(descriptorNumber(socket), this.#control)
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
   * @throws `EAGAIN` when there can be no thread; nothing is put off then
   */
  putOff(buffer: Uint8Array, from: number, end: number): void {
    Atomics.store(this.#control, binding.LATE_END, end)
    if (this.#buffer) return
    checked(binding.latePutOff(this.#native, buffer, from), 'pthread_create')
    this.#buffer = buffer
  }

  /**
   * Writes what is put off and has not been written.
   *
   * @returns how many bytes have been written since they were put off, all of them
   * @throws the kernel's error
   */
  flush(): number {
    if (!this.#buffer) return 0
    this.#buffer = undefined
    return checked(binding.lateFlush(this.#native), 'send')
  }
}
