import { DeferredWriter, type Descriptor } from '@anyfork/fdpass'
import { writeAll } from '../wire/blocking-write.js'
import type { FrameQueue } from '../wire/frame-writer.js'

/** More than this is not put off. */
const MOST_BYTES = 1 << 15

/** What goes to the caller, from a process that writes by blocking: at once, or soon and much together. */
export class Outbox {
  readonly #queue: FrameQueue
  readonly #socket: Descriptor
  readonly #hear: () => boolean
  #late: DeferredWriter | undefined
  #hasLate = true

  /**
   * @param socket - blocking
   * @param hear - waits for something to come, as `writeAll` needs it
   */
  constructor(queue: FrameQueue, socket: Descriptor, hear: () => boolean) {
    this.#queue = queue
    this.#socket = socket
    this.#hear = hear
  }

  /** Goes on while writing is put off: as long as it stays the same, about a millisecond has not passed. */
  get ticks(): number {
    return this.#late ? this.#late.ticks : 0
  }

  /** Whether something was put off and may not have been written. */
  get isPending(): boolean {
    return this.#late !== undefined && this.#late.isPending
  }

  /** Writes all that waits, and waits while the caller does not read. @throws the kernel's error */
  write(): void {
    if (this.isPending) this.#queue.wrote(this.#late!.flush())
    if (this.#queue.length) writeAll(this.#queue, this.#socket, this.#hear)
  }

  /** Lets it wait for a millisecond or two, for more to go with it; false when it has to be written. */
  putOff(): boolean {
    const lent = this.#queue.lend()
    if (!lent || lent.end > MOST_BYTES || !this.#hasLate) return false
    try {
      this.#late ??= new DeferredWriter(this.#socket)
      this.#late.putOff(lent.bytes, lent.start, lent.end)
      return true
    } catch {
      this.#hasLate = false // there can be no thread
      return false
    }
  }
}
