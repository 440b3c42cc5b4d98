import type { Codec } from './codec.js'
import type { FrameParser } from './frame-parser.js'
import type { FrameQueue } from './frame-queue.js'

/** Frames whose payload is a list of values. */
export class Messages {
  readonly #codec: Codec
  readonly #queue: FrameQueue

  constructor(codec: Codec, queue: FrameQueue) {
    this.#codec = codec
    this.#queue = queue
  }

  /** @throws what the serialiser throws; nothing is queued then */
  add(kind: number, id: number, values: readonly unknown[], number = 0, flags = 0): void {
    const codec = this.#codec
    codec.encode(values)
    this.#queue.add(kind, id, codec.bytes, codec.start, codec.end, flags, number)
  }

  /** The values of the frame that the parser is at. */
  read({ bytes, start, end }: FrameParser): unknown[] {
    return this.#codec.decode(bytes, start, end)
  }
}
