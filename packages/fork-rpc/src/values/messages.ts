import type { Streams } from '../streams/streams.js'
import { Flag, Kind } from '../wire/frame.js'
import type { Enclosed, FrameReader } from '../wire/frame-reader.js'
import type { FrameQueue } from '../wire/frame-writer.js'
import { binaryOf, type Note, type Parcel, pack, unpack } from './attachments.js'
import type { Codec } from './codec.js'
import { closeAll } from './passed-descriptor.js'

/** Frames whose payload is a list of values, with what goes along with them. */
export class Messages {
  readonly #codec: Codec
  readonly #queue: FrameQueue
  readonly #streams: () => Streams

  constructor(codec: Codec, queue: FrameQueue, streams: () => Streams) {
    this.#codec = codec
    this.#queue = queue
    this.#streams = streams
  }

  /**
   * Queues a frame.
   *
   * @param sent - gets the ids of the streams among the values; without, there may be none
   * @returns how many bytes that takes
   * @throws TypeError for a stream where there may be none; what the serialiser throws. Nothing is queued then
   */
  add(kind: number, id: number, values: readonly unknown[], number = 0, flags = 0, sent?: number[]): number {
    const parcel = pack(values, this.#codec.enclosable)
    if (parcel) return this.#addParcel(parcel, kind, id, number, flags, sent)
    const codec = this.#codec
    codec.encode(values)
    this.#queue.add(kind, id, codec.bytes, codec.start, codec.end, flags, number)
    return codec.end - codec.start
  }

  /**
   * The values of the frame that the reader is at.
   *
   * @param received - gets the ids of the streams among them
   * @throws what the serialiser throws
   */
  read(reader: FrameReader, received?: number[]): unknown[] {
    const { enclosed } = reader
    if (!enclosed) return this.#codec.decode(reader.bytes, reader.start, reader.end)
    try {
      const values = this.#codec.decode(reader.bytes, reader.start, reader.end)
      this.#unpack(values, enclosed, received)
      return values
    } catch (error) {
      this.discard(enclosed)
      throw error
    }
  }

  /** Lets go of what came along with a frame that nobody wants. */
  discard(enclosed: Enclosed | undefined): void {
    if (!enclosed) return
    closeAll(enclosed.descriptors)
    const streams = this.#streams()
    const ids = enclosed.notes.filter(([what]) => what === 'stream').map(([, , id]) => id as number)
    for (const id of ids) streams.receive(id)
    streams.stopReading(ids)
  }

  #addParcel(
    { values, notes, binaries, streams, descriptors }: Parcel,
    kind: number,
    id: number,
    number: number,
    flags: number,
    sent: number[] | undefined,
  ): number {
    const codec = this.#codec
    const queue = this.#queue
    const passing = descriptors.map(passed => passed.release())
    try {
      if (streams.length && !sent) throw new TypeError('what is iterated over passes as an argument or a result only')
      for (const { length } of binaries) if (length > 0xffffffff) throw new RangeError('a message has at most 4 GiB')
      codec.encode(values)
    } catch (error) {
      closeAll(passing)
      throw error
    }
    let size = codec.end - codec.start
    if (passing.length) queue.addDescriptors(passing)
    for (const binary of binaries) {
      queue.add(Kind.binary, 0, binary)
      size += binary.length
    }
    let next = 0
    for (const note of notes) if (note[0] === 'stream') sent!.push((note[2] = this.#streams().send(streams[next++]!)))
    queue.add(Kind.notes, 0, Buffer.from(JSON.stringify(notes)))
    queue.add(kind, id, codec.bytes, codec.start, codec.end, flags | Flag.enclosures, number)
    return size
  }

  #unpack(values: unknown[], { notes, binaries, descriptors }: Enclosed, received: number[] = []): void {
    let nextBinary = 0
    let nextDescriptor = 0
    unpack(values, notes, (note: Note) => {
      if (note[0] === 'binary') return binaryOf(note[2], binaries[nextBinary++]!)
      if (note[0] === 'fd') return descriptors[nextDescriptor++]
      received.push(note[2])
      return this.#streams().receive(note[2])
    })
  }
}
