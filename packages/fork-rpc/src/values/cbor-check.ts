import { KeyHashes, MOST_COMPARISONS } from '@anyfork/fork/internal/error-codec'
import { RpcError } from '../errors.js'
import { addKey } from './cbor-keys.js'
import { OwnTag } from './cbor-tags.js'

/** How deep arrays, objects, maps, and sets may be nested. */
export const MOST_DEPTH = 1000

/** The memory that decoded values take, in bytes, roughly. */
export const COST = { number: 16, text: 32, bytes: 200, list: 48, element: 8, entry: 40, tagged: 96, errorByte: 24 }

const Major = { unsigned: 0, negative: 1, bytes: 2, text: 3, array: 4, map: 5, tag: 6, other: 7 } as const

const Collection = { set: 258, map: 259 } as const

/** The tags that cbor-x writes for the classes that it knows, each with the major types that may follow it. */
const contents = new Map<number, readonly number[]>([
  [1, [Major.unsigned, Major.negative, Major.other]], // a Date
  [2, [Major.bytes]], // a BigInt
  [3, [Major.bytes]], // a negative BigInt
  [27, [Major.array]], // an Error or a RegExp
  [Collection.set, [Major.array]], // a Set
  [Collection.map, [Major.map]], // a Map
  [OwnTag.negativeZero, [Major.unsigned]],
  [OwnTag.text, [Major.bytes]],
  [OwnTag.entries, [Major.array]],
  [OwnTag.sparse, [Major.array]],
  [OwnTag.binary, [Major.array]],
  [OwnTag.error, [Major.bytes]],
  // the typed arrays of RFC 8746, in both byte orders
  ...[64, 65, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 77, 78, 79, 81, 82, 85, 86].map(
    tag => [tag, [Major.bytes]] as [number, number[]],
  ),
])

/**
 * Reports whether users may register a tag with cbor-x. The others have a meaning there that needs time or memory out of
 * proportion, refers to earlier messages, or hides a key: dates as text, fractions, strings in bundles, records, packed
 * values (216 to 255, and beyond), references to values, and the tag that marks CBOR (55,799), which means its content.
 */
function isFree(tag: number): boolean {
  return (
    (tag < 216 || tag > 255) &&
    (tag < 27_647 || tag > 32_767) &&
    (tag < 0xdff9 || tag > 0xffff) &&
    tag < 0x53687264 &&
    ![0, 4, 5, 6, 14, 15, 28, 29, 51, 105, 55_799].includes(tag)
  )
}

/**
 * What a level has: any items, pairs whose keys are text, any items up to a break, or the keys of a large set, or the
 * pairs of a large map, which are counted.
 */
const Level = { plain: 0, keyed: 1, indefinite: 2, largeSet: 3, largeMap: 4 } as const

/** How many keys a set or a map can have without being large: too few to take much time even if all collide. */
const MOST_SMALL = 128

/** The initial bytes of an array of indefinite length, which cbor-x writes for iterables, and of its end. */
const INDEFINITE_ARRAY = 0x9f
const BREAK = 0xff
/** More items than a message can have. */
const INDEFINITE = 0xffffffff

/** The levels above the current one: how many items remain there, and what they are. */
const remaining: number[] = new Array<number>(MOST_DEPTH).fill(0)
const levels: number[] = new Array<number>(MOST_DEPTH).fill(0)

/**
 * Checks a message in CBOR (RFC 8949) from another process before it is decoded: that it is complete, uses only what
 * the encoder writes, with extensions that users have registered, and cannot take more memory or time than its budget.
 *
 * @param budget - how many bytes of memory its values may take
 * @returns how many they take, roughly
 * @throws RangeError if it is too deep or too large
 * @throws RpcError if it is malformed, uses what the encoder does not write, or has sets or maps that take too long to
 *   build
 */
export function checkCbor(bytes: Uint8Array, start: number, end: number, budget: number): number {
  let at = start
  let cost = 0
  let depth = 0
  let left = 1
  let level: number = Level.plain
  /** The keys of the large sets and maps that contain the current item, by their depth. */
  let largeKeys: KeyHashes[] | undefined
  let comparisons = 0
  for (;;) {
    while (left === 0) {
      if (depth === 0) {
        if (at !== end) throw malformed()
        return cost
      }
      left = remaining[--depth]!
      level = levels[depth]!
    }
    if (at >= end) throw malformed()
    let initial = bytes[at++]!
    if (level !== Level.plain) {
      if (level === Level.keyed && left % 2 === 0 && initial >> 5 !== Major.text) throw malformed()
      if (level === Level.indefinite && initial === BREAK) {
        left = 0
        continue
      }
      if (level === Level.largeSet || (level === Level.largeMap && left % 2 === 0)) {
        comparisons += addKey(largeKeys![depth]!, bytes, at - 1)
        if (comparisons > MOST_COMPARISONS) throw colliding()
      }
    }
    left--
    let collection = 0
    let perByte = 1
    if (initial >> 5 === Major.tag) {
      const tag = lengthAt(bytes, initial, at, end)
      at += bytesOfLength(initial)
      if (at >= end) throw malformed()
      cost += COST.tagged
      const content = contents.get(tag)
      if (!content) {
        if (!isFree(tag)) throw malformed()
        if (depth === MOST_DEPTH) throw tooDeep()
        remaining[depth] = left
        levels[depth++] = level
        left = 1
        level = Level.plain
        continue // its content is an item of any kind
      }
      initial = bytes[at++]!
      if (!content.includes(initial >> 5)) throw malformed()
      if (tag === Collection.set || tag === Collection.map) collection = tag
      if (tag === OwnTag.error) perByte = COST.errorByte
    }
    const major = initial >> 5
    const info = initial & 31
    if (major === Major.other) {
      // false, true, null, and undefined; else a float of 2, 4, or 8 bytes
      if (info >= 20 && info <= 23) cost += COST.element
      else if (info < 25 || info > 27) throw malformed()
      else {
        at += 1 << (info - 24)
        cost += COST.number
      }
    } else {
      const isIndefinite = initial === INDEFINITE_ARRAY
      let length = info
      if (isIndefinite) {
        if (collection !== 0) throw malformed()
        length = 0
      } else if (info > 23) {
        length = lengthAt(bytes, initial, at, end)
        at += bytesOfLength(initial)
      }
      if (major === Major.text) {
        cost += COST.text + 2 * length
        at += length
      } else if (major <= Major.negative) cost += COST.number
      else if (major === Major.bytes) {
        cost += COST.bytes + perByte * length
        at += length
      } else {
        const items = major === Major.map ? 2 * length : length
        if (items > end - at) throw malformed() // each item has at least one byte
        cost += COST.list + (major === Major.map ? COST.entry : COST.element) * length
        if (depth === MOST_DEPTH) throw tooDeep()
        remaining[depth] = left
        levels[depth++] = level
        left = isIndefinite ? INDEFINITE : items
        if (collection !== 0 && length > MOST_SMALL) {
          level = collection === Collection.set ? Level.largeSet : Level.largeMap
          ;(largeKeys ??= [])[depth] = new KeyHashes()
        } else if (isIndefinite) level = Level.indefinite
        else level = major === Major.map && collection === 0 ? Level.keyed : Level.plain
      }
    }
    if (at > end) throw malformed()
    if (cost > budget) throw new RangeError(`the values of a message take more than maxMessageBytes, ${budget}`)
  }
}

/** Returns the length, number, or tag that an initial byte begins. */
function lengthAt(bytes: Uint8Array, initial: number, at: number, end: number): number {
  const info = initial & 31
  if (info < 24) return info
  if (info > 27 || at + (1 << (info - 24)) > end) throw malformed()
  let value = 0
  for (let i = 0; i < 1 << (info - 24); i++) value = value * 256 + bytes[at + i]!
  return value
}

function bytesOfLength(initial: number): number {
  const info = initial & 31
  return info < 24 ? 0 : 1 << (info - 24)
}

function tooDeep(): RangeError {
  return new RangeError(`a message is nested more than ${MOST_DEPTH} levels deep`)
}

function colliding(): RpcError {
  return new RpcError('ERR_RPC_PROTOCOL', 'a set or a map has keys that were chosen to collide')
}

function malformed(): RpcError {
  return new RpcError('ERR_RPC_PROTOCOL', 'a message is not valid CBOR, or uses more of it than the encoder does')
}
