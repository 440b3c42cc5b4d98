import { RpcError } from '../errors.js'
import { disposeAll } from '../wire/dispose-all.js'
import { Flag, Kind, MOST_NOTES_BYTES } from '../wire/frame.js'
import type { Attachments, FrameReader } from '../wire/frame-reader.js'
import type { FrameWriter } from '../wire/frame-writer.js'
import { binaryOf } from './binary-types.js'
import type { Codec } from './codec.js'
import { discardAttachments, dropDescriptors } from './discard.js'
import { findPlaces, type PackedValues, pack } from './pack-attachments.js'

/** The streams that travel among values. */
export interface StreamRegistry {
  /**
   * Registers a source to send.
   *
   * @returns the ID of its stream
   */
  send(source: AsyncIterable<unknown> | Iterable<unknown>): number
  /** Undoes `send` for a stream that was not announced. */
  forget(id: number): void
  /**
   * Registers a stream of the other side.
   *
   * @returns the iterable that reads it
   */
  receive(id: number): AsyncIterable<unknown>
  /** Asks the other side to end these streams, because the message that announced them is not wanted. */
  refuse(ids: readonly number[]): void
}

/** Sends and reads frames whose payload is a list of values, with their attachments. */
export class Messages {
  readonly #codec: Codec
  readonly #writer: FrameWriter
  readonly #streams: StreamRegistry
  readonly #maxBytes: number

  /** @param maxBytes - the largest message that may be sent, with its attachments */
  constructor(codec: Codec, writer: FrameWriter, streams: StreamRegistry, maxBytes: number) {
    this.#codec = codec
    this.#writer = writer
    this.#streams = streams
    this.#maxBytes = maxBytes
  }

  /**
   * Queues a frame.
   *
   * @param sent - receives the IDs of the streams among the values. Without it, a stream is an error
   * @returns the size in bytes
   * @throws TypeError if there is a stream and no `sent`
   * @throws RangeError if the message would be too large
   * @throws the serialiser's error if it cannot carry a value. In any case, nothing is queued, and the passed
   *   descriptors among the values are closed, unless one of them was passed twice
   */
  add(kind: number, id: number, values: readonly unknown[], number = 0, flags = 0, sent?: number[]): number {
    const packed = this.#pack(values)
    if (packed) return this.#addPacked(packed, kind, id, number, flags, sent)
    const codec = this.#codec
    codec.encode(values)
    const size = codec.end - codec.start
    if (size > this.#maxBytes) throw this.#tooLarge(size)
    this.#writer.add(kind, id, codec.bytes, codec.start, codec.end, flags, number)
    return size
  }

  /**
   * Decodes the values of the reader's current frame.
   *
   * @param most - how many values it may have
   * @param received - receives the IDs of the streams among them
   * @throws RpcError if it is not a list of values, or has too many, or its attachments do not fit
   * @throws the serialiser's error if it cannot decode them. In any case, the attachments are then closed
   */
  read(reader: FrameReader, most: number, received?: number[]): unknown[] {
    const { attachments } = reader
    if (!attachments) return listOf(this.#codec.decode(reader.bytes, reader.start, reader.end), most)
    try {
      const values = listOf(this.#codec.decode(reader.bytes, reader.start, reader.end), most)
      this.#unpack(values, attachments, received)
      return values
    } catch (error) {
      discardAttachments(attachments, this.#streams)
      throw error
    }
  }

  /** Closes the attachments of a frame that is not wanted. */
  discard(attachments: Attachments | undefined): void {
    if (attachments) discardAttachments(attachments, this.#streams)
  }

  #pack(values: readonly unknown[]): PackedValues | undefined {
    try {
      return pack(values, this.#codec.attachable)
    } catch (error) {
      if (error instanceof RangeError) dropDescriptors(values) // one that is passed twice can still be passed once
      throw error
    }
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
    const ids: number[] = []
    let size = binaries.reduce((sum, { length }) => sum + length, 0)
    let encodedNotes: Buffer
    try {
      if (streams.length && !sent)
        throw new TypeError('an iterator or async iterable can be sent only as an argument or a result')
      if (size <= this.#maxBytes) {
        codec.encode(values)
        size += codec.end - codec.start
      }
      if (size > this.#maxBytes) throw this.#tooLarge(size)
      for (const note of notes) if (note[0] === 'stream') ids.push((note[2] = this.#streams.send(streams[ids.length]!)))
      encodedNotes = Buffer.from(JSON.stringify(notes))
      if (encodedNotes.length > MOST_NOTES_BYTES) throw new RangeError('a message has too many attachments')
    } catch (error) {
      disposeAll(passing)
      for (const id of ids) this.#streams.forget(id)
      throw error
    }
    sent?.push(...ids)
    if (passing.length) writer.addDescriptors(passing)
    for (const binary of binaries) writer.add(Kind.binary, 0, binary)
    writer.add(Kind.notes, 0, encodedNotes)
    writer.add(kind, id, codec.bytes, codec.start, codec.end, flags | Flag.attachments, number)
    return size
  }

  #unpack(values: unknown[], { notes, binaries, descriptors }: Attachments, received: number[] = []): void {
    const places = findPlaces(values, notes)
    let next = 0
    const made = notes.map(note => (note[0] === 'binary' ? binaryOf(note[2], binaries[next++]!) : undefined))
    let nextDescriptor = 0
    for (const [i, note] of notes.entries()) {
      const { holder, key } = places[i]!
      if (note[0] === 'stream') received.push(note[2])
      holder[key] =
        note[0] === 'binary'
          ? made[i]
          : note[0] === 'fd'
            ? descriptors[nextDescriptor++]
            : this.#streams.receive(note[2])
    }
  }

  #tooLarge(size: number): RangeError {
    return new RangeError(`a message of ${size} bytes is larger than maxMessageBytes, ${this.#maxBytes}`)
  }
}

/** @throws RpcError if a decoded payload is not a list of at most so many values */
function listOf(values: unknown, most: number): unknown[] {
  if (!Array.isArray(values) || values.length > most)
    throw new RpcError('ERR_RPC_PROTOCOL', 'the payload of a frame is not a list of the expected length')
  return values
}
