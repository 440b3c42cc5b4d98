import { serialize } from 'node:v8'
import { toPlainError } from '@anyfork/fork/error-codec'
import type { Codec } from '../codec.js'
import { Kind } from '../frame.js'
import type { FrameQueue } from '../frame-queue.js'
import { Messages } from '../messages.js'

/** Who writes what is queued. */
export interface Writer {
  /** Something was queued: decides when it is written. */
  onQueued(): void
  /**
   * Writes all that is queued, and waits while the caller does not read.
   *
   * @throws the kernel's error, when the caller is gone
   */
  writeAll(): void
}

/** What a process has to say to its caller, in the order in which it was said. */
export class Outlet {
  readonly messages: Messages
  readonly #queue: FrameQueue
  readonly #writer: Writer

  constructor(queue: FrameQueue, codec: Codec, writer: Writer) {
    this.#queue = queue
    this.messages = new Messages(codec, queue)
    this.#writer = writer
  }

  ready(): void {
    this.#add(Kind.ready, 0)
  }

  result(id: number, value: unknown): void {
    try {
      this.messages.add(Kind.result, id, [value])
    } catch (error) {
      return this.error(id, error)
    }
    this.#writer.onQueued()
  }

  error(id: number, error: unknown): void {
    this.#add(Kind.error, id, plain(error))
  }

  /** The call was cancelled before it began. */
  dropped(id: number): void {
    this.#add(Kind.dropped, id)
  }

  event(values: readonly unknown[]): void {
    this.messages.add(Kind.event, 0, values)
    this.#writer.onQueued()
  }

  fatal(error: unknown): void {
    this.#add(Kind.fatal, 0, plain(error))
  }

  writeAll(): void {
    this.#writer.writeAll()
  }

  #add(kind: number, id: number, bytes?: Buffer): void {
    this.#queue.add(kind, id, bytes)
    this.#writer.onQueued()
  }
}

function plain(error: unknown): Buffer {
  return serialize(toPlainError(error, isClonable))
}

function isClonable(value: unknown): boolean {
  try {
    serialize(value)
    return true
  } catch {
    return false
  }
}
