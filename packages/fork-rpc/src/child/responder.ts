import { encodeError } from '@anyfork/fork/internal/error-codec'
import { Streams } from '../streams/streams.js'
import type { Codec } from '../values/codec.js'
import { Messages } from '../values/messages.js'
import { Kind, LARGE_BYTES } from '../wire/frame.js'
import type { FrameWriter } from '../wire/frame-writer.js'

/** Who writes what is queued. */
export interface Flusher {
  /** Something was queued: decides when it is written. */
  onQueued(): void
  /**
   * Writes all that is queued, and waits while the caller does not read.
   *
   * @throws the kernel's error, when the caller is gone
   */
  writeAll(): void
  /** Waits by blocking until something has been heard, where nothing can be heard otherwise. */
  wait?(isOver: () => boolean): void
}

/** What a process has to say to its caller, in the order in which it was said. */
export class Responder {
  readonly messages: Messages
  readonly streams: Streams
  readonly #writer: FrameWriter
  readonly #flusher: Flusher

  constructor(writer: FrameWriter, codec: Codec, flusher: Flusher) {
    this.#writer = writer
    this.#flusher = flusher
    const { wait } = flusher
    this.streams = new Streams(
      {
        writer,
        add: (kind, id, values) => {
          const size = messages.add(kind, id, values)
          if (size >= LARGE_BYTES) flusher.writeAll()
          return size
        },
        read: reader => messages.read(reader),
        discard: attachments => messages.discard(attachments),
        onQueued: () => flusher.onQueued(),
        ...(wait && { wait: wait.bind(flusher) }),
      },
      true,
      () => {},
    )
    const messages = new Messages(codec, writer, this.streams)
    this.messages = messages
  }

  ready(): void {
    this.#add(Kind.ready, 0)
  }

  /** @param sent - gets the ids of the streams in the value: they begin when they are told to */
  result(id: number, value: unknown, sent?: number[]): void {
    let size
    try {
      size = this.messages.add(Kind.result, id, [value], 0, 0, sent)
    } catch (error) {
      return this.error(id, error)
    }
    this.#onQueued(size)
  }

  error(id: number, error: unknown): void {
    this.#add(Kind.error, id, encodeError(error))
  }

  /** The call was cancelled before it began. */
  dropped(id: number): void {
    this.#add(Kind.dropped, id)
  }

  event(values: readonly unknown[]): void {
    this.#onQueued(this.messages.add(Kind.event, 0, values))
  }

  fatal(error: unknown): void {
    this.#add(Kind.fatal, 0, encodeError(error))
  }

  writeAll(): void {
    this.#flusher.writeAll()
  }

  /** What is large was not copied, and may be changed by whoever made it: it goes out at once. */
  #onQueued(size: number): void {
    if (size >= LARGE_BYTES) this.#flusher.writeAll()
    else this.#flusher.onQueued()
  }

  #add(kind: number, id: number, bytes?: Buffer): void {
    this.#writer.add(kind, id, bytes)
    this.#flusher.onQueued()
  }
}
