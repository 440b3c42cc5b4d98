import { DeferredWriter, type Descriptor } from '@anyfork/fdpass'
import { writeAll } from '../wire/blocking-write.js'
import type { FrameWriter } from '../wire/frame-writer.js'

/** More than this is not put off. */
const MOST_BYTES = 1 << 15

/** What goes to the caller, from a process that writes by blocking: at once, or soon and much together. */
export class BlockingWriter {
  readonly #writer: FrameWriter
  readonly #socket: Descriptor
  readonly #receiveMore: () => boolean
  #deferred: DeferredWriter | undefined
  #canDefer = true

  /**
   * @param socket - blocking
   * @param receiveMore - waits for something to come, as `writeAll` needs it
   */
  constructor(writer: FrameWriter, socket: Descriptor, receiveMore: () => boolean) {
    this.#writer = writer
    this.#socket = socket
    this.#receiveMore = receiveMore
  }

  /** Goes on while writing is put off: as long as it stays the same, about a millisecond has not passed. */
  get ticks(): number {
    return this.#deferred ? this.#deferred.ticks : 0
  }

  /** Whether something was put off and may not have been written. */
  get isPending(): boolean {
    return this.#deferred !== undefined && this.#deferred.isPending
  }

  /** Writes all that waits, and waits while the caller does not read. @throws the kernel's error */
  write(): void {
    if (this.isPending) this.#writer.wrote(this.#deferred!.flush())
    if (this.#writer.length) writeAll(this.#writer, this.#socket, this.#receiveMore)
  }

  /** Lets it wait for a millisecond or two, for more to go with it; false when it has to be written. */
  defer(): boolean {
    const lent = this.#writer.lend()
    if (!lent || lent.end > MOST_BYTES || !this.#canDefer) return false
    try {
      this.#deferred ??= new DeferredWriter(this.#socket)
      this.#deferred.putOff(lent.bytes, lent.start, lent.end)
      return true
    } catch {
      this.#canDefer = false // there can be no thread
      return false
    }
  }
}
