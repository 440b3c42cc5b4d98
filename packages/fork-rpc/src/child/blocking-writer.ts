import { DeferredWriter, type Descriptor } from '@anyfork/fdpass'
import { writeAll } from '../wire/blocking-write.js'
import type { FrameWriter } from '../wire/frame-writer.js'
import type { SharedPage } from './shared-page.js'

/** A longer backlog is written at once, not deferred. */
const MOST_BYTES = 1 << 15

/**
 * Writes frames to the caller, in a process that blocks while it writes: at once, or deferred for a millisecond or two
 * so that several responses leave in one write.
 */
export class BlockingWriter {
  readonly #writer: FrameWriter
  readonly #socket: Descriptor
  readonly #receiveMore: () => boolean
  readonly #page: SharedPage | undefined
  #deferred: DeferredWriter | undefined
  #canDefer = true

  /**
   * @param socket - must be blocking
   * @param receiveMore - waits for more frames, see `writeAll`
   * @param page - keeps what is deferred, in case that this process crashes
   */
  constructor(writer: FrameWriter, socket: Descriptor, receiveMore: () => boolean, page: SharedPage | undefined) {
    this.#page = page
    this.#writer = writer
    this.#socket = socket
    this.#receiveMore = receiveMore
  }

  /**
   * A counter that advances while a write is deferred. While it stays the same, less than about a millisecond has
   * passed.
   */
  get ticks(): number {
    return this.#deferred ? this.#deferred.ticks : 0
  }

  /** Whether a deferred write may not have happened yet. */
  get isPending(): boolean {
    return this.#deferred?.isPending === true
  }

  /**
   * Writes everything that waits. Blocks while the caller does not read.
   *
   * @throws the kernel's error, such as `EPIPE`
   */
  write(): void {
    if (this.isPending) this.#writer.wrote(this.#deferred!.flush())
    if (this.#writer.length) writeAll(this.#writer, this.#socket, this.#receiveMore)
  }

  /**
   * Writes everything that waits, and ends the thread that writes what was deferred: with it, this process could not be
   * forked.
   */
  end(): void {
    this.write()
    this.#deferred?.stop()
  }

  /**
   * Defers the write for a millisecond or two, so that more responses can leave with it. Returns false if it cannot be
   * deferred: write now.
   */
  defer(): boolean {
    const lent = this.#writer.lend()
    if (!lent || lent.end > MOST_BYTES || !this.#canDefer) return false
    if (this.#page && !this.#page.keep(this.#writer.sent, lent.bytes, lent.start, lent.end)) return false
    try {
      this.#deferred ??= new DeferredWriter(this.#socket)
      this.#deferred.defer(lent.bytes, lent.start, lent.end)
      return true
    } catch {
      this.#canDefer = false // no thread can be created
      return false
    }
  }
}
