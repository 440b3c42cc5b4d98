import { serialize } from 'node:v8'
import { Ending, ErrorPart, errorClasses, Tag } from './clone-tags.js'
import { IndexKeys, indexOfText, isIndex } from './index-keys.js'
import {
  doubleOf,
  hashOfDigit,
  hashOfDouble,
  hashOfIndex,
  hashOfNumber,
  KeyHashes,
  MOST_COMPARISONS,
} from './key-hashes.js'
import { memoryOfProperties, REG_EXP_CHARACTER } from './reg-exp-memory.js'

/** The memory that values take, in bytes, roughly. */
const COST = { number: 16, text: 32, bytes: 200, object: 48, date: 96, collection: 160, element: 8, entry: 40 }
const NINE = 0x39
/** For how many elements V8 makes room at least. */
const LEAST_ROOM = 17
/** Longer sparse arrays have a table of their elements instead of room for all. */
const LONGEST_FAST_ARRAY = 1 << 25

/** The bytes with which the serialiser of this interpreter begins: a tag and the version of its format. */
const [VERSION_TAG, VERSION] = serialize(undefined) as unknown as [number, number]
const PADDING = 0

/** A value whose parts are being read. */
interface Level {
  /** The tag that ends it; that of `ErrorPart.end` for an error. */
  end: number
  /** How many elements of a dense array are to come before its properties. */
  elements: number
  /** Whether its parts are pairs of a key and a value, and whether the key is to come. */
  isKeyed: boolean
  isKeyNext: boolean
  /** The keys of a set or a map that V8 hashes without a seed. */
  keys?: KeyHashes
  /** The keys of an object or an array that are indexes. */
  indexKeys?: IndexKeys
  /** How long an array is when its properties come. */
  length: number
}

/**
 * Checks bytes in the format of V8's structured clone from another process before they are deserialised: V8 allocates
 * whatever length an array claims to have, and a program whose heap is exhausted ends.
 *
 * @param budget - how many bytes of memory the values may take
 * @returns how many they take, roughly
 * @throws RangeError if they would take more, or have sets or maps that take too long to build
 * @throws TypeError if the bytes are not what `serialize` of node:v8 returns
 */
export function checkClone(bytes: Uint8Array, budget: number): number {
  return new CloneScanner(bytes, budget).scan()
}

class CloneScanner {
  readonly #bytes: Uint8Array
  readonly #budget: number
  readonly #levels: Level[] = []
  #at = 0
  #cost = 0
  #comparisons = 0
  /** The memory that the largest regular expression needs while it is parsed. */
  #parsing = 0

  constructor(bytes: Uint8Array, budget: number) {
    this.#bytes = bytes
    this.#budget = budget
  }

  scan(): number {
    if (this.#bytes[this.#at++] !== VERSION_TAG || this.#bytes[this.#at++] !== VERSION) throw malformed()
    this.#value(this.#tag())
    for (let level = this.#levels.at(-1); level; level = this.#levels.at(-1)) this.#part(level)
    if (this.#at !== this.#bytes.length) throw malformed()
    return this.#cost
  }

  /** Reads the next part of a value, or its end. */
  #part(level: Level): void {
    if (level.end === ErrorPart.end) return this.#errorPart()
    let tag = this.#tag()
    if (level.elements > 0) {
      level.elements--
      if (tag !== Tag.hole) this.#value(tag)
    } else if (tag === level.end) {
      if (level.isKeyed && !level.isKeyNext) throw malformed()
      this.#levels.pop()
      this.#number()
      if (tag === Ending.denseArray || tag === Ending.sparseArray) this.#number()
    } else {
      if (level.end === Ending.set || (level.end === Ending.map && level.isKeyNext)) {
        while (tag === Tag.objectCount) {
          this.#number()
          tag = this.#tag()
        }
        this.#addKey(level, tag)
      }
      if (level.isKeyed) {
        if (level.isKeyNext && level.end !== Ending.map) this.#checkProperty(level, tag)
        level.isKeyNext = !level.isKeyNext
      }
      this.#charge(COST.entry)
      this.#value(tag)
    }
  }

  /** Counts the memory that a key of an object or an array takes if it is an index. Goes back to its beginning. */
  #checkProperty(level: Level, tag: number): void {
    const at = this.#at
    if (isText(tag) && this.#bytes[at]! < 128 && this.#bytes[at + 1]! > NINE) return // a usual name
    let index = -1
    if (isText(tag)) {
      if (this.#indexOfText(tag) >= 0) throw malformed() // V8 writes indexes as numbers
    } else if (tag === Tag.int32) {
      const zigzag = this.#number()
      index = zigzag & 1 ? -1 : zigzag >>> 1
    } else if (tag === Tag.uint32) index = this.#number()
    else if (tag === Tag.double) {
      this.#skip(8)
      index = doubleOf(this.#uint32(at + 4), this.#uint32(at))
    } else throw malformed()
    this.#at = at
    if (!isIndex(index)) return
    level.indexKeys ??= new IndexKeys(2 * COST.entry, level.length)
    this.#charge(level.indexKeys.add(index))
  }

  /** Reads a text that is a key. Returns the index that it stands for, or -1 if it does not stand for an index. */
  #indexOfText(tag: number): number {
    const at = this.#at
    const size = this.#number()
    const unit = tag === Tag.twoByte ? 2 : 1
    const index = indexOfText(this.#bytes, this.#at, size / unit, unit)
    this.#at = at
    return index
  }

  /** Counts the comparisons that a key of a set or a map takes, and goes back to its beginning. */
  #addKey(level: Level, tag: number): void {
    const at = this.#at
    let hash: number
    let size = 0
    if (tag === Tag.int32) {
      const zigzag = this.#number()
      hash = hashOfNumber((zigzag >>> 1) ^ -(zigzag & 1))
    } else if (tag === Tag.uint32) hash = hashOfNumber(this.#number())
    else if (tag === Tag.double) {
      this.#skip(8)
      hash = hashOfDouble(this.#uint32(at + 4), this.#uint32(at))
    } else if (tag === Tag.bigint) {
      size = this.#number() >>> 1
      const start = this.#at
      this.#skip(size)
      hash = hashOfDigit(this.#uint32(start + 4, size - 4), this.#uint32(start, size))
    } else if (isText(tag)) {
      const index = this.#indexOfText(tag)
      if (index < 0) return
      hash = hashOfIndex(index)
    } else return
    this.#at = at
    level.keys ??= new KeyHashes()
    this.#comparisons += level.keys.add(hash, size)
    if (this.#comparisons > MOST_COMPARISONS)
      throw new RangeError('a set or a map of a message has keys that were chosen to collide')
  }

  /** Reads the first bytes of a number, the lowest first. */
  #uint32(at: number, size = 4): number {
    let value = 0
    for (let i = 0; i < Math.min(size, 4); i++) value |= this.#bytes[at + i]! << (8 * i)
    return value >>> 0
  }

  #errorPart(): void {
    const part = this.#byte()
    if (part === ErrorPart.end) this.#levels.pop()
    else if (part === ErrorPart.cause) this.#value(this.#tag())
    else if (part === ErrorPart.message || part === ErrorPart.stack) this.#text(this.#tag())
    else if (!errorClasses.has(part)) throw malformed()
  }

  #value(tag: number): void {
    switch (tag) {
      case Tag.undefined:
      case Tag.null:
      case Tag.true:
      case Tag.false:
        return
      case Tag.int32:
      case Tag.uint32:
        this.#number()
        return this.#charge(COST.number)
      case Tag.trueObject:
      case Tag.falseObject:
        return this.#charge(COST.object)
      case Tag.double:
      case Tag.numberObject:
        this.#skip(8)
        return this.#charge(COST.object)
      case Tag.date:
        this.#skip(8)
        return this.#charge(COST.date)
      case Tag.bigint:
      case Tag.bigintObject:
        // a bit for the sign, then the number of bytes
        return this.#skipBytes(this.#number() >>> 1, COST.object)
      case Tag.utf8:
      case Tag.oneByte:
      case Tag.twoByte:
        return this.#text(tag)
      case Tag.stringObject:
        this.#charge(COST.object)
        return this.#text(this.#tag())
      case Tag.regExp:
        return this.#regExp(this.#tag())
      case Tag.reference:
        this.#number()
        return this.#view()
      case Tag.objectCount:
        this.#number()
        return this.#value(this.#tag())
      case Tag.arrayBuffer:
        this.#skipBytes(this.#number(), COST.bytes)
        return this.#view()
      case Tag.resizableBuffer: {
        const size = this.#number()
        this.#charge(this.#number())
        this.#skipBytes(size, COST.bytes)
        return this.#view()
      }
      case Tag.hostObject:
        this.#number()
        return this.#skipBytes(this.#number(), COST.bytes)
      case Tag.object:
        return this.#begin(Ending.object, true)
      case Tag.map:
        this.#charge(COST.collection)
        return this.#begin(Ending.map, true)
      case Tag.set:
        this.#charge(COST.collection)
        return this.#begin(Ending.set, false)
      case Tag.error:
        this.#charge(COST.bytes)
        return this.#begin(ErrorPart.end, false)
      case Tag.sparseArray: {
        const length = this.#number()
        if (length <= LONGEST_FAST_ARRAY) this.#charge(COST.element * Math.max(length, LEAST_ROOM))
        return this.#begin(Ending.sparseArray, true, 0, length)
      }
      case Tag.denseArray: {
        const length = this.#number()
        if (length > this.#bytes.length - this.#at) throw malformed() // each element has at least one byte
        this.#charge(COST.element * length)
        return this.#begin(Ending.denseArray, true, length, length)
      }
      default:
        throw malformed()
    }
  }

  #begin(end: number, isKeyed: boolean, elements = 0, length = 0): void {
    this.#charge(COST.object)
    this.#levels.push({ end, elements, isKeyed, isKeyNext: true, length })
  }

  /** @param tag - that of its source */
  #regExp(tag: number): void {
    const at = this.#at
    this.#text(tag)
    const end = this.#at
    this.#number() // its flags
    this.#at = at
    const size = this.#number()
    const unit = tag === Tag.twoByte ? 2 : 1
    this.#parsing = Math.max(this.#parsing, REG_EXP_CHARACTER * size)
    this.#charge(COST.bytes + memoryOfProperties(this.#bytes, this.#at, size / unit, unit))
    this.#at = end
    this.#number()
  }

  #text(tag: number): void {
    if (!isText(tag)) throw malformed()
    const size = this.#number()
    if (tag === Tag.utf8) this.#charge(size)
    this.#skipBytes(size, COST.text)
  }

  /** Reads the view that may follow a buffer: its class, offset, length, and flags. */
  #view(): void {
    if (this.#bytes[this.#at] !== Tag.view) return
    this.#at++
    for (let i = 0; i < 4; i++) this.#number()
    this.#charge(COST.bytes)
  }

  #tag(): number {
    let tag = this.#byte()
    while (tag === PADDING) tag = this.#byte()
    return tag
  }

  /** Reads a number of at most 32 bits, seven bits in each byte, the lowest first. */
  #number(): number {
    let value = 0
    for (let shift = 1; shift <= 2 ** 28; shift *= 128) {
      const byte = this.#byte()
      value += (byte & 127) * shift
      if (byte < 128) {
        if (value > 0xffffffff) throw malformed()
        return value
      }
    }
    throw malformed()
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw malformed()
    return byte
  }

  #skipBytes(count: number, cost: number): void {
    this.#skip(count)
    this.#charge(cost + count)
  }

  #skip(count: number): void {
    this.#at += count
    if (this.#at > this.#bytes.length) throw malformed()
  }

  #charge(cost: number): void {
    this.#cost += cost
    if (this.#cost + this.#parsing > this.#budget)
      throw new RangeError(`the values of a message take more memory than ${this.#budget} bytes`)
  }
}

function isText(tag: number): boolean {
  return tag === Tag.utf8 || tag === Tag.oneByte || tag === Tag.twoByte
}

function malformed(): TypeError {
  return new TypeError("the bytes are not in the format of V8's structured clone, or use more of it than Node does")
}
