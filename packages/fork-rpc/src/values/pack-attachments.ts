import { RpcError } from '../errors.js'
import { MOST_KEYS, type Note, type Path } from '../wire/frame.js'
import { bytesOf, isLargeBinary } from './binary-types.js'
import type { Codec } from './codec.js'
import { isPlain } from './is-plain.js'
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

/** How many arrays and objects of a message are searched for large binaries. */
const MOST_LOOKED_INTO = 1000
let lookedInto = 0

/**
 * Takes the attachments out of a list of values: large binaries and streams that are elements of the list; descriptors
 * anywhere within arrays and plain objects; and, with `attachable` `'everywhere'`, large binaries there as well.
 *
 * @param attachable - which large binaries may be attachments, see `Codec`
 * @returns undefined if there are none
 * @throws TypeError if a passed descriptor was sent before, or is there twice
 * @throws RangeError if it is too deep
 */
export function pack(values: readonly unknown[], attachable: Codec['attachable']): PackedValues | undefined {
  const isDeep = attachable === 'everywhere'
  let hasAttachments = false
  let isWithin = PassedDescriptor.areWaiting
  lookedInto = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]
    if (typeof value !== 'object' || value === null) continue
    hasAttachments ||= isAttachment(value)
    isWithin ||= isDeep && isPlain(value) && hasLargeBinary(value)
  }
  const packed = isWithin ? packWithin(values, isDeep) : undefined
  return hasAttachments ? packTopLevel(packed ?? copyOf(values), attachable) : packed
}

/** Reports whether an array or plain object contains a large binary, within the limit of the search. */
function hasLargeBinary(value: object): boolean {
  if (++lookedInto > MOST_LOOKED_INTO) return false
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (isOrHasLargeBinary(value[i])) return true
    return false
  }
  for (const key in value) if (isOrHasLargeBinary((value as Record<string, unknown>)[key])) return true
  return false
}

function isOrHasLargeBinary(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (isPlain(value) ? hasLargeBinary(value) : isLargeBinary(value))
}

function copyOf(values: readonly unknown[]): PackedValues {
  return { values: [...values], notes: [], binaries: [], streams: [], descriptors: [] }
}

function packTopLevel(packed: PackedValues, attachable: Codec['attachable']): PackedValues | undefined {
  for (const [i, value] of packed.values.entries()) {
    if (typeof value !== 'object' || value === null || !isAttachment(value)) continue
    const isBinary = isLargeBinary(value)
    if (isBinary && (attachable === 'none' || (attachable === 'buffers' && !Buffer.isBuffer(value)))) continue
    packed.values[i] = PLACEHOLDER
    if (isBinary) {
      packed.notes.push(['binary', [i], value.constructor.name])
      packed.binaries.push(bytesOf(value))
    } else {
      packed.notes.push(['stream', [i], 0])
      packed.streams.push(value as AsyncIterable<unknown>)
    }
  }
  return packed.notes.length ? packed : undefined
}

/** A surrogate without its other half: UTF-8 has no code for it. */
const LONE_SURROGATE = /\p{Surrogate}/u

/** Reports whether a note can point to a place: text that is not well-formed would arrive as other text. */
function canBeNoted(path: Path): boolean {
  return path.length <= MOST_KEYS && path.every(key => typeof key === 'number' || !LONE_SURROGATE.test(key))
}

/**
 * Takes attachments out of arrays and plain objects. Arrays and objects that contain one are copied.
 *
 * @param areBinaries - whether to take large binaries as well as descriptors
 * @throws TypeError if a passed descriptor was sent before
 */
function packWithin(values: readonly unknown[], areBinaries: boolean): PackedValues | undefined {
  const packed = copyOf(values)
  const within = new Set<unknown>()
  const path: Path = []
  const search = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof PassedDescriptor) {
      if (!value.isWaiting || packed.descriptors.includes(value))
        throw new TypeError('a descriptor made by fd() can be passed only once')
      if (!canBeNoted(path))
        throw new RangeError(
          `a descriptor can be passed at most ${MOST_KEYS} levels deep, under keys of well-formed text`,
        )
      packed.notes.push(['fd', [...path]])
      packed.descriptors.push(value)
      return PLACEHOLDER
    }
    if (areBinaries && path.length > 1 && isLargeBinary(value) && canBeNoted(path)) {
      packed.notes.push(['binary', [...path], value.constructor.name])
      packed.binaries.push(bytesOf(value))
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

/**
 * Reports whether a value is an async iterable or an iterator: it can be iterated over only once, or only by waiting.
 */
function isStream(value: object): boolean {
  const {
    [Symbol.asyncIterator]: asynchronous,
    [Symbol.iterator]: synchronous,
    next,
  } = value as Partial<AsyncIterable<unknown> & IterableIterator<unknown>>
  return typeof asynchronous === 'function' || (typeof synchronous === 'function' && typeof next === 'function')
}
