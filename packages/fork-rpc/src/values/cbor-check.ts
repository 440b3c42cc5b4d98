import { IndexKeys, indexOfText, KeyHashes, MOST_COMPARISONS } from '@anyfork/fork/internal/error-codec'
import { RpcError } from '../errors.js'
import { checkRegExp, SparseArray } from './cbor-contents.js'
import { argumentAt, argumentBytes, Major, malformed } from './cbor-heads.js'
import { addKey } from './cbor-keys.js'
import { OwnTag } from './cbor-tags.js'

/** How deep arrays, objects, maps, and sets may be nested. */
export const MOST_DEPTH = 1000

/** The memory that decoded values take, in bytes, roughly. */
export const COST = {
  number: 16,
  text: 32,
  bytes: 200,
  list: 48,
  element: 8,
  entry: 40,
  tagged: 96,
  collection: 96,
  member: 24,
  bigInt: 32,
  errorByte: 24,
  indefinite: 136,
}

const REG_EXP = 27
const Collection = { set: 258, map: 259 } as const

/** The tags that cbor-x writes for the classes that it knows, each with the major types that may follow it. */
const contents = new Map<number, readonly number[]>([
  [1, [Major.unsigned, Major.negative, Major.other]], // a Date
  [2, [Major.bytes]], // a BigInt
  [3, [Major.bytes]], // a negative BigInt
  [REG_EXP, [Major.array]], // a RegExp
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
 * What a level has: any items, pairs whose keys are text, any items up to a break, the keys of a large set or the pairs
 * of a large map, which are counted, pairs whose keys are text or tagged text, or a length and then pairs whose keys are
 * indexes.
 */
const Level = { plain: 0, keyed: 1, indefinite: 2, largeSet: 3, largeMap: 4, entries: 5, sparse: 6 } as const

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
  /** The keys that are indexes of the objects, and the arrays with holes, that contain the current item. */
  let indexKeys: (IndexKeys | undefined)[] | undefined
  let sparseArrays: SparseArray[] | undefined
  /** The memory that the largest regular expression needs while it is parsed. */
  let parsing = 0
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
    let isKey = false
    if (level !== Level.plain) {
      isKey = left % 2 === 0
      if (level === Level.keyed && isKey && initial >> 5 !== Major.text) throw malformed()
      if (level === Level.indefinite && initial === BREAK) {
        left = 0
        continue
      }
      if (level === Level.largeSet || (level === Level.largeMap && isKey)) {
        comparisons += addKey(largeKeys![depth]!, bytes, at - 1)
        if (comparisons > MOST_COMPARISONS) throw colliding()
      }
      if (level === Level.indefinite) cost += 2 * COST.element
      if (level === Level.sparse && isKey) cost += sparseArrays![depth]!.addIndex(bytes, at - 1, end)
    }
    left--
    let tag = 0
    let collection = 0
    let perByte = 1
    if (initial >> 5 === Major.tag) {
      tag = argumentAt(bytes, initial, at, end)
      at += argumentBytes(initial)
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
      if (tag === Collection.set || tag === Collection.map) {
        collection = tag
        cost += COST.collection
      }
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
        if (tag !== 0) throw malformed()
        length = 0
        cost += COST.indefinite
      } else if (info > 23) {
        length = argumentAt(bytes, initial, at, end)
        at += argumentBytes(initial)
      }
      if (major === Major.text) {
        cost += COST.text + 2 * length
        if (isKey && (level === Level.keyed || level === Level.entries)) {
          const index = indexOfText(bytes, at, length)
          if (index >= 0) cost += ((indexKeys ??= [])[depth] ??= new IndexKeys(COST.entry + COST.text)).add(index)
        }
        at += length
      } else if (major <= Major.negative) cost += info === 27 ? COST.bigInt : COST.number
      else if (major === Major.bytes) {
        cost += COST.bytes + perByte * length
        // An index needs no tag, and would not be counted.
        if (tag === OwnTag.text && indexOfText(bytes, at, length >> 1, 2) >= 0) throw malformed()
        at += length
      } else {
        const items = major === Major.map ? 2 * length : length
        if (items > end - at) throw malformed() // each item has at least one byte
        cost += COST.list + costOfPart(major, tag) * length
        if (depth === MOST_DEPTH) throw tooDeep()
        remaining[depth] = left
        levels[depth++] = level
        left = isIndefinite ? INDEFINITE : items
        if (collection !== 0 && length > MOST_SMALL) {
          level = collection === Collection.set ? Level.largeSet : Level.largeMap
          ;(largeKeys ??= [])[depth] = new KeyHashes()
        } else if (isIndefinite) level = Level.indefinite
        else level = major === Major.map && collection === 0 ? Level.keyed : Level.plain
        if (indexKeys) indexKeys[depth] = undefined
        if (tag === OwnTag.entries) level = Level.entries
        else if (tag === OwnTag.sparse) {
          if (length % 2 === 0) throw malformed()
          level = Level.sparse
          cost += ((sparseArrays ??= [])[depth] = new SparseArray()).addLength(bytes, at, end)
        } else if (tag === REG_EXP) {
          const { properties, parsing: memory } = checkRegExp(bytes, length, at, end)
          cost += properties
          parsing = Math.max(parsing, memory)
        }
      }
    }
    if (at > end) throw malformed()
    if (cost + parsing > budget)
      throw new RangeError(`the values of a message take more than maxMessageBytes, ${budget}`)
  }
}

/** Returns the memory of an element or an entry, beside that of its values. */
function costOfPart(major: number, tag: number): number {
  if (major === Major.map || tag === OwnTag.entries) return COST.entry
  return tag === Collection.set ? COST.member : COST.element
}

function tooDeep(): RangeError {
  return new RangeError(`a message is nested more than ${MOST_DEPTH} levels deep`)
}

function colliding(): RpcError {
  return new RpcError('ERR_RPC_PROTOCOL', 'a set or a map has keys that were chosen to collide')
}
