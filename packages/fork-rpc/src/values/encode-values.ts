import type { Descriptor } from '@anyfork/fdpass'
import { disposeAll } from '../wire/dispose-all.js'
import { MOST_NOTES_BYTES, type Note } from '../wire/frame.js'
import type { Codec } from './codec.js'
import { type PackedValues, pack } from './pack-attachments.js'

/** What is sent beside the encoded values of a message. */
export interface Attached {
  notes: Note[]
  /** The notes as JSON. Streams get their IDs only when they are sent. */
  encodedNotes: Buffer
  binaries: Buffer[]
  /** The size of the binaries, in bytes. */
  binaryBytes: number
  streams: PackedValues['streams']
  /** They are to be passed, and then closed. */
  descriptors: Descriptor[]
  /** Whether the descriptors were taken out. */
  isIncomplete: boolean
}

/** The largest ID of a stream. It takes the most room in the notes. */
const LARGEST_ID = 0xffffffff

/**
 * Encodes a list of values. Afterwards, the codec holds the bytes.
 *
 * @param frameKind - the kind of the message, for an error
 * @param maxBytes - the largest size, with the attachments
 * @param mayStream - whether streams may be among the values
 * @returns what is sent beside the bytes, or `undefined` if there is nothing. Its descriptors belong to the caller
 * @throws TypeError if there is a stream that may not be, or a value that cannot be sent; the message has its path
 * @throws RangeError if the message would be too large
 * @throws the serialiser's error if it cannot carry a value. In any case, the passed descriptors among the values are
 *   closed, unless one of them was passed twice
 */
export function encodeValues(
  codec: Codec,
  values: readonly unknown[],
  frameKind: number,
  maxBytes: number,
  mayStream: boolean,
): Attached | undefined {
  if (codec.encodeUsual?.(values, maxBytes)) return undefined
  const packed = pack(values, codec, frameKind)
  if (packed?.notes.length) return encodePacked(codec, packed, frameKind, maxBytes, mayStream)
  codec.encode(packed?.values ?? values, frameKind)
  checkSize(codec.end - codec.start, maxBytes)
  return undefined
}

/** Encodes notes, with the IDs that the streams have. */
export function encodeNotes(notes: readonly Note[], streams: readonly number[]): Buffer {
  let next = 0
  for (const note of notes) if (note[0] === 'stream') note[2] = streams[next++] ?? LARGEST_ID
  return Buffer.from(JSON.stringify(notes))
}

/** @throws TypeError if the memory of a binary is no longer what it was when the message was encoded */
export function checkBinaries({ binaries, binaryBytes }: Attached): void {
  if (sizeOf(binaries) !== binaryBytes) throw spoiltError()
}

/** Returns the error for a message whose large binary has lost its memory before it was written. */
export function spoiltError(): TypeError {
  return new TypeError('the memory of a large buffer was transferred or resized before it was sent')
}

function encodePacked(
  codec: Codec,
  { values, notes, binaries, streams, descriptors }: PackedValues,
  frameKind: number,
  maxBytes: number,
  mayStream: boolean,
): Attached {
  const passing = descriptors.map(passed => passed.release())
  const binaryBytes = sizeOf(binaries)
  try {
    if (streams.length && !mayStream)
      throw new TypeError('an iterator or async iterable can be sent only as an argument or a result')
    checkSize(binaryBytes, maxBytes)
    codec.encode(values, frameKind)
    checkSize(binaryBytes + codec.end - codec.start, maxBytes)
    const encodedNotes = encodeNotes(notes, [])
    if (encodedNotes.length > MOST_NOTES_BYTES) throw new RangeError('a message has too many attachments')
    return { notes, encodedNotes, binaries, binaryBytes, streams, descriptors: passing, isIncomplete: false }
  } catch (error) {
    disposeAll(passing)
    throw error
  }
}

function sizeOf(binaries: readonly Buffer[]): number {
  return binaries.reduce((sum, { length }) => sum + length, 0)
}

function checkSize(size: number, maxBytes: number): void {
  if (size > maxBytes) throw new RangeError(`a message of ${size} bytes is larger than maxMessageBytes, ${maxBytes}`)
}
