import { closeAll } from '../wire/close-all.js'
import { Flag, Kind, type Note } from '../wire/frame.js'
import type { Attachments, FrameReader } from '../wire/frame-reader.js'
import type { FrameWriter } from '../wire/frame-writer.js'
import { type PackedValues, pack, unpack } from './attachments.js'
import { binaryOf } from './binaries.js'
import type { Codec } from './codec.js'

/** The streams that travel among values. */
export interface StreamRegistry {
  /**
   * Registers a source to send.
   *
   * @returns the ID of its stream
   */
  send(source: AsyncIterable<unknown> | Iterable<unknown>): number
  /**
   * Registers a stream of the other side.
   *
   * @returns the iterable that reads it
   */
  receive(id: number): AsyncIterable<unknown>
  /** Asks the other side to end these streams, because no more of their values are wanted. */
  stopReading(ids: readonly number[]): void
}

/** Sends and reads frames whose payload is a list of values, with their attachments. */
export class Messages {
  readonly #codec: Codec
  readonly #writer: FrameWriter
  readonly #streams: StreamRegistry

  constructor(codec: Codec, writer: FrameWriter, streams: StreamRegistry) {
    this.#codec = codec
    this.#writer = writer
    this.#streams = streams
  }

  /**
   * Queues a frame.
   *
   * @param sent - receives the IDs of the streams among the values. Without it, a stream is an error
   * @returns the size in bytes
   * @throws TypeError if there is a stream and no `sent`
   * @throws the serialiser's error if it cannot carry a value. In any case, nothing is queued
   */
  add(kind: number, id: number, values: readonly unknown[], number = 0, flags = 0, sent?: number[]): number {
    const packed = pack(values, this.#codec.attachable)
    if (packed) return this.#addPacked(packed, kind, id, number, flags, sent)
    const codec = this.#codec
    codec.encode(values)
    this.#writer.add(kind, id, codec.bytes, codec.start, codec.end, flags, number)
    return codec.end - codec.start
  }

  /**
   * Decodes the values of the reader's current frame.
   *
   * @param received - receives the IDs of the streams among them
   * @throws the serialiser's error if it cannot decode them. The attachments are then closed
   */
  read(reader: FrameReader, received?: number[]): unknown[] {
    const { attachments } = reader
    if (!attachments) return this.#codec.decode(reader.bytes, reader.start, reader.end)
    try {
      const values = this.#codec.decode(reader.bytes, reader.start, reader.end)
      this.#unpack(values, attachments, received)
      return values
    } catch (error) {
      this.discard(attachments)
      throw error
    }
  }

  /** Closes the attachments of a frame that is not wanted. */
  discard(attachments: Attachments | undefined): void {
    if (!attachments) return
    closeAll(attachments.descriptors)
    const streams = this.#streams
    const ids = attachments.notes.filter(([what]) => what === 'stream').map(([, , id]) => id as number)
    for (const id of ids) streams.receive(id)
    streams.stopReading(ids)
  }

  #addPacked(
    { values, notes, binaries, streams, descriptors }: PackedValues,
    kind: number,
    id: number,
    number: number,
    flags: number,
    sent: number[] | undefined,
  ): number {
    const codec = this.#codec
    const writer = this.#writer
    const passing = descriptors.map(passed => passed.release())
    try {
      if (streams.length && !sent)
        throw new TypeError('an iterator or async iterable can be sent only as an argument or a result')
      for (const { length } of binaries)
        if (length > 0xffffffff) throw new RangeError('a message can have at most 4 GiB')
      codec.encode(values)
    } catch (error) {
      closeAll(passing)
      throw error
    }
    let size = codec.end - codec.start
    if (passing.length) writer.addDescriptors(passing)
    for (const binary of binaries) {
      writer.add(Kind.binary, 0, binary)
      size += binary.length
    }
    let next = 0
    for (const note of notes) if (note[0] === 'stream') sent!.push((note[2] = this.#streams.send(streams[next++]!)))
    writer.add(Kind.notes, 0, Buffer.from(JSON.stringify(notes)))
    writer.add(kind, id, codec.bytes, codec.start, codec.end, flags | Flag.attachments, number)
    return size
  }

  #unpack(values: unknown[], { notes, binaries, descriptors }: Attachments, received: number[] = []): void {
    let nextBinary = 0
    let nextDescriptor = 0
    unpack(values, notes, (note: Note) => {
      if (note[0] === 'binary') return binaryOf(note[2], binaries[nextBinary++]!)
      if (note[0] === 'fd') return descriptors[nextDescriptor++]
      received.push(note[2])
      return this.#streams.receive(note[2])
    })
  }
}
