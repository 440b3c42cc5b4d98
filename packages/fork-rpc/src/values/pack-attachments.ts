import { RpcError } from '../errors.js'
import { MOST_KEYS, type Note, type Path } from '../wire/frame.js'
import { binaryClass, bytesOf, isLargeBinary } from './binary-types.js'
import { isCarriedByCbor } from './cbor-natively.js'
import { CborPacker, type CborSupport } from './cbor-packer.js'
import type { Codec } from './codec.js'
import { dropDescriptors } from './discard.js'
import { isPlain } from './is-plain.js'
import { isStream } from './kinds.js'
import { PassedDescriptor } from './passed-descriptor.js'

/** A list of values with placeholders, and the attachments that they stand for. */
export interface PackedValues {
  values: unknown[]
  notes: Note[]
  binaries: Buffer[]
  streams: (AsyncIterable<unknown> | Iterable<unknown>)[]
  descriptors: PassedDescriptor[]
}

/** Stands in the place of an attachment. Every serialiser can carry it. */
const PLACEHOLDER = ''

/** Reports whether a value is sent as an attachment: a large binary, or a stream. */
function isAttachment(value: object): boolean {
  return isLargeBinary(value) || isStream(value)
}

/**
 * Takes the attachments out of a list of values: large binaries and streams that are elements of the list, and
 * descriptors anywhere within arrays and plain objects. For cbor, also takes large binaries out of those, and replaces
 * what cbor-x would change.
 *
 * @param codec - encodes the values
 * @returns undefined if the codec carries the values as they are
 * @throws TypeError with the path of a value that cannot be sent, such as a passed descriptor that was sent before
 * @throws RangeError if a value is too deep. In any case, the passed descriptors among the values are closed, unless
 *   one of them was passed twice: that one can still be passed once
 */
export function pack(values: readonly unknown[], codec: PackingCodec, frameKind: number): PackedValues | undefined {
  const { cbor, attachable } = codec
  let hasAttachments = false
  let isReplaced = !cbor && PassedDescriptor.areWaiting
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value === 'object' && value !== null) hasAttachments ||= isAttachment(value)
    if (cbor) isReplaced ||= !isCarriedByCbor(value, 1)
  }
  let packed: PackedValues | undefined
  if (isReplaced) packed = cbor ? packForCbor(values, cbor, frameKind) : packDescriptors(values)
  return hasAttachments ? packTopLevel(packed ?? copyOf(values), attachable) : packed
}

/** What packing depends on. */
export type PackingCodec = Pick<Codec, 'attachable' | 'cbor'>

function packForCbor(values: readonly unknown[], cbor: CborSupport, frameKind: number): PackedValues {
  const packer = new CborPacker(cbor, frameKind, PLACEHOLDER, pack)
  try {
    const { notes, binaries, descriptors } = packer
    return { values: packer.pack(values), notes, binaries, streams: [], descriptors }
  } catch (error) {
    if (!packer.isPassedTwice) dropDescriptors(values)
    throw error
  }
}

function copyOf(values: readonly unknown[]): PackedValues {
  return { values: [...values], notes: [], binaries: [], streams: [], descriptors: [] }
}

function packTopLevel(packed: PackedValues, attachable: Codec['attachable']): PackedValues {
  for (const [i, value] of packed.values.entries()) {
    if (typeof value !== 'object' || value === null || !isAttachment(value)) continue
    const isBinary = isLargeBinary(value)
    if (isBinary && (attachable === 'none' || (attachable === 'buffers' && !Buffer.isBuffer(value)))) continue
    packed.values[i] = PLACEHOLDER
    if (isBinary) {
      packed.notes.push(['binary', [i], binaryClass(value)!])
      packed.binaries.push(bytesOf(value))
    } else {
      packed.notes.push(['stream', [i], 0])
      packed.streams.push(value as AsyncIterable<unknown>)
    }
  }
  return packed
}

/** Reports whether a note can point to a place: text that is not well-formed would arrive as other text. */
function canBeNoted(path: Path): boolean {
  return path.length <= MOST_KEYS && path.every(key => typeof key === 'number' || key.isWellFormed())
}

/**
 * Takes descriptors out of arrays and plain objects. Arrays and objects that contain one are copied.
 *
 * @returns undefined if there are none
 */
function packDescriptors(values: readonly unknown[]): PackedValues | undefined {
  const packed = copyOf(values)
  const within = new Set<unknown>()
  const path: Path = []
  const search = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof PassedDescriptor) {
      if (!value.isWaiting || packed.descriptors.includes(value))
        throw new TypeError('a descriptor made by fd() can be passed only once')
      if (!canBeNoted(path)) {
        dropDescriptors(values)
        throw new RangeError(
          `a descriptor can be passed at most ${MOST_KEYS} levels deep, under keys of well-formed text`,
        )
      }
      packed.notes.push(['fd', [...path]])
      packed.descriptors.push(value)
      return PLACEHOLDER
    }
    if (!isPlain(value) || within.has(value)) return value
    within.add(value)
    let copy: Record<string | number, unknown> | undefined
    for (const [name, part] of Object.entries(value)) {
      if (name === '__proto__') continue // assigning it would set the prototype
      const key = Array.isArray(value) ? Number(name) : name
      if (String(key) !== name) continue // a named property of an array, which the serialisers leave out
      path.push(key)
      const found = search(part)
      path.pop()
      if (found === part) continue
      copy ??= (Array.isArray(value) ? [...value] : { ...value }) as Record<string | number, unknown>
      copy[key] = found
    }
    within.delete(value)
    return copy ?? value
  }
  for (const [i, value] of values.entries()) {
    path.push(i)
    packed.values[i] = search(value)
    path.pop()
  }
  return packed.notes.length ? packed : undefined
}

/** Where an attachment belongs. */
export interface Place {
  holder: Record<string | number, unknown>
  key: string | number
}

/**
 * Finds the place of each attachment: where its placeholder is.
 *
 * @returns the places, each of which holds `undefined` now
 * @throws RpcError if there is no placeholder in one of them
 */
export function findPlaces(values: unknown[], notes: readonly Note[]): Place[] {
  return notes.map(([, path]) => {
    let holder: unknown = values
    for (const key of path.slice(0, -1)) holder = partOf(holder, key)
    const key = path.at(-1)!
    if (partOf(holder, key) !== PLACEHOLDER) throw nowhere()
    const place = { holder: holder as Place['holder'], key }
    place.holder[key] = undefined // two attachments cannot have the same place
    return place
  })
}

/** @throws RpcError if an array has no such index, or an object no such property */
function partOf(holder: unknown, key: string | number): unknown {
  if (typeof holder !== 'object' || holder === null || key === '__proto__' || !Object.hasOwn(holder, key))
    throw nowhere()
  return (holder as Record<string | number, unknown>)[key]
}

function nowhere(): RpcError {
  return new RpcError('ERR_RPC_PROTOCOL', 'a note points to a place that does not exist')
}
