import { RpcError } from '../errors.js'
import { disposeAll } from '../wire/dispose-all.js'
import { Flag, Kind } from '../wire/frame.js'
import type { Attachments, FrameReader } from '../wire/frame-reader.js'
import type { FrameWriter } from '../wire/frame-writer.js'
import { binaryOf } from './binary-types.js'
import type { Codec } from './codec.js'
import { discardAttachments } from './discard.js'
import { type Attached, checkBinaries, encodeNotes, encodeValues } from './encode-values.js'
import type { EncodedRequest } from './encoded-request.js'
import { findPlaces } from './pack-attachments.js'

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
  /** Returns the error for a descriptor among values, where none can be sent. */
  refusesDescriptors: (() => Error) | undefined
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
   * @throws RangeError if too many streams are open
   * @throws what `refusesDescriptors` returns
   * @throws what `encodeValues` throws. In any case, nothing is queued
   */
  add(kind: number, id: number, values: readonly unknown[], number = 0, flags = 0, sent?: number[]): number {
    const codec = this.#codec
    const attached = encodeValues(codec, values, kind, this.#maxBytes, sent !== undefined)
    const size = codec.end - codec.start
    if (attached) this.#addAttached(attached, sent)
    const allFlags = attached ? flags | Flag.attachments : flags
    this.#writer.add(kind, id, codec.bytes, codec.start, codec.end, allFlags, number)
    return attached ? size + attached.binaryBytes : size
  }

  /**
   * Queues a call whose arguments were encoded before, with the same serialiser.
   *
   * @param sent - receives the IDs of the streams among the arguments
   * @throws RangeError if too many streams are open
   * @throws what `refusesDescriptors` returns
   * @throws TypeError if the memory of a large binary was taken away. In any case, nothing is queued, and the request's
   *   descriptors are closed
   */
  addRequest(id: number, request: EncodedRequest, number: number, flags: number, sent: number[]): void {
    const { bytes, start, end } = request
    const attached = request.handOver()
    if (attached) this.#addAttached(attached, sent)
    this.#writer.add(Kind.call, id, bytes, start, end, attached ? flags | Flag.attachments : flags, number)
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

  /** Queues the attachments of the next frame. */
  #addAttached(attached: Attached, sent: number[] = []): void {
    const { notes, encodedNotes, binaries, streams, descriptors } = attached
    const writer = this.#writer
    const ids: number[] = []
    try {
      if (descriptors.length && this.refusesDescriptors) throw this.refusesDescriptors()
      checkBinaries(attached)
      for (const source of streams) ids.push(this.#streams.send(source))
    } catch (error) {
      disposeAll(descriptors)
      for (const id of ids) this.#streams.forget(id)
      throw error
    }
    sent.push(...ids)
    if (descriptors.length) writer.addDescriptors(descriptors)
    for (const binary of binaries) writer.add(Kind.binary, 0, binary)
    writer.add(Kind.notes, 0, ids.length ? encodeNotes(notes, ids) : encodedNotes)
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
}

/** @throws RpcError if a decoded payload is not a list of at most so many values */
function listOf(values: unknown, most: number): unknown[] {
  if (!Array.isArray(values) || values.length > most)
    throw new RpcError('ERR_RPC_PROTOCOL', 'the payload of a frame is not a list of the expected length')
  return values
}
