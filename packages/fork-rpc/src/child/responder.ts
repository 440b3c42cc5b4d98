import { encodeError } from '@anyfork/fork/internal/error-codec'
import { Streams } from '../streams/streams.js'
import type { Codec } from '../values/codec.js'
import { Messages } from '../values/messages.js'
import { Kind, LARGE_BYTES, MOST_EVENT_VALUES } from '../wire/frame.js'
import type { FrameWriter } from '../wire/frame-writer.js'

/** What a responder needs from its backend, which writes the frames that the responder queues. */
export interface Flusher {
  /** A frame was queued: decide when to write it. */
  onQueued(): void
  /** A call has ended: its result or error is about to be encoded. */
  onAnswer?(): void
  /**
   * Writes all queued frames. Blocks while the caller does not read.
   *
   * @throws the kernel's error if the caller is gone
   */
  writeAll(): void
  /** Returns the ID of the call that sends an event, or 0 if no call is known to send it. */
  idOfCall(): number
  /** Blocks until a condition is met, and handles frames meanwhile; for backends that cannot read otherwise. */
  wait?(isOver: () => boolean): void
}

/** Queues the results, errors, and events of a process, in order. */
export class Responder {
  readonly messages: Messages
  readonly streams: Streams
  readonly #writer: FrameWriter
  readonly #flusher: Flusher

  /** @param maxMessageBytes - the largest message that may be sent */
  constructor(writer: FrameWriter, codec: Codec, maxMessageBytes: number, flusher: Flusher) {
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
        read: (reader, received) => messages.read(reader, 1, received),
        discard: attachments => messages.discard(attachments),
        onQueued: () => flusher.onQueued(),
        ...(wait && { wait: wait.bind(flusher) }),
      },
      true,
      () => {},
    )
    const messages = new Messages(codec, writer, this.streams, maxMessageBytes)
    this.messages = messages
  }

  ready(): void {
    this.#add(Kind.ready, 0)
  }

  /** @param sent - receives the IDs of the streams in the value. They begin only when `streams.begin` is called */
  result(id: number, value: unknown, sent?: number[]): void {
    this.#flusher.onAnswer?.()
    let size
    try {
      size = this.messages.add(Kind.result, id, [value], 0, 0, sent)
    } catch (error) {
      return this.error(id, error)
    }
    this.#onQueued(size)
  }

  error(id: number, error: unknown): void {
    this.#flusher.onAnswer?.()
    this.#add(Kind.error, id, encodeError(error))
  }

  /** Reports that a call was cancelled before it began. */
  dropped(id: number): void {
    this.#add(Kind.dropped, id)
  }

  /** @throws RangeError if there are too many values */
  event(values: readonly unknown[]): void {
    if (values.length > MOST_EVENT_VALUES) throw new RangeError(`an event can have at most ${MOST_EVENT_VALUES} values`)
    this.#onQueued(this.messages.add(Kind.event, this.#flusher.idOfCall(), values))
  }

  fatal(error: unknown): void {
    this.#add(Kind.fatal, 0, encodeError(error))
  }

  /** Reports an error that ends this process. */
  uncaught(error: unknown): void {
    this.#add(Kind.uncaught, 0, encodeError(error))
  }

  /** Reports that this process ends, because nothing is left that could settle the promise that it awaits. */
  stranded(): void {
    this.#add(Kind.stranded, 0)
  }

  writeAll(): void {
    this.#flusher.writeAll()
  }

  /** Writes large payloads at once. They are not copied, so the function could still change them. */
  #onQueued(size: number): void {
    if (size >= LARGE_BYTES) this.#flusher.writeAll()
    else this.#flusher.onQueued()
  }

  #add(kind: number, id: number, bytes?: Buffer): void {
    this.#writer.add(kind, id, bytes)
    this.#flusher.onQueued()
  }
}
