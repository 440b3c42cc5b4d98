import { IndexKeys, indexOfText } from '@anyfork/fork/internal/error-codec'
import { COST } from './cbor-check.js'
import { KeyCache } from './key-cache.js'

/** What `CborReader` returns for a message that it does not read. */
export const NOT_READ: unique symbol = Symbol('not read')

/** Values that are nested deeper, or take more memory, in bytes, are rare. They need the checks of `checkCbor`. */
const MOST_LEVELS = 100
const MOST_BYTES = 1 << 25
const NOTHING = Buffer.alloc(0)
/** Longer text is decoded faster by native code. Put together here, it would consist of parts, which take more memory. */
const SHORT_TEXT = 13
const NINE = 0x39

/**
 * Decodes the values that most messages consist of, faster than cbor-x: arrays, plain objects, text, numbers, and
 * buffers. Checks them at the same time as `checkCbor` does, but rejects nothing: a message with other values, or one
 * that is malformed, too deep, or too large, is for `checkCbor` and cbor-x.
 */
export class CborReader {
  readonly #keys = new KeyCache()
  #bytes: Buffer = NOTHING
  #view: DataView | undefined
  #at = 0
  #end = 0
  #cost = 0
  #most = 0

  /** Where the last pass ended, or gave up. */
  get at(): number {
    return this.#at
  }

  /**
   * Decodes a message.
   *
   * @param bytes - borrowed: no returned value shares its memory
   * @param budget - how many bytes of memory its values may take
   * @returns its values, or `NOT_READ`
   */
  read(bytes: Buffer, start: number, end: number, budget: number): unknown {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    this.#cost = 0
    this.#most = Math.min(budget, MOST_BYTES)
    const value = this.#value(0)
    this.#bytes = NOTHING
    this.#view = undefined
    return this.#at === end && this.#cost <= this.#most ? value : NOT_READ
  }

  #value(level: number): unknown {
    if (this.#at >= this.#end) return NOT_READ
    const initial = this.#bytes[this.#at++]!
    const major = initial >> 5
    if (major === 7) return this.#simple(initial)
    const argument = this.#argument(initial)
    if (argument < 0) return NOT_READ
    switch (major) {
      case 0:
        this.#cost += COST.number
        return argument
      case 1:
        this.#cost += COST.number
        return -1 - argument
      case 2:
        if (!this.#take(argument, COST.bytes + argument)) return NOT_READ
        return Uint8Array.prototype.slice.call(this.#bytes, this.#at - argument, this.#at)
      case 3:
        return this.#text(argument)
      case 4:
        return this.#array(argument, level)
      case 5:
        return this.#object(argument, level)
      default:
        return NOT_READ // a tag
    }
  }

  #array(length: number, level: number): unknown {
    if (!this.#begin(length, COST.element * length, level)) return NOT_READ
    const array = new Array<unknown>(length)
    for (let i = 0; i < length; i++) {
      const value = this.#value(level + 1)
      if (value === NOT_READ) return NOT_READ
      array[i] = value
    }
    return array
  }

  #object(size: number, level: number): unknown {
    if (!this.#begin(2 * size, COST.entry * size, level)) return NOT_READ
    const object: Record<string, unknown> = {}
    let indexKeys: IndexKeys | undefined
    for (let i = 0; i < size; i++) {
      const key = this.#key()
      if (key === undefined) return NOT_READ
      if (key.charCodeAt(0) <= NINE) {
        const index = indexOfText(this.#bytes, this.#at - key.length, key.length)
        if (index >= 0) this.#cost += (indexKeys ??= new IndexKeys(COST.entry + COST.text)).add(index)
        if (this.#cost > this.#most) return NOT_READ
      }
      const value = this.#value(level + 1)
      if (value === NOT_READ) return NOT_READ
      object[key] = value
    }
    return object
  }

  /** Checks that a list may have as many items. */
  #begin(items: number, cost: number, level: number): boolean {
    this.#cost += COST.list + cost
    return items <= this.#end - this.#at && this.#cost <= this.#most && level < MOST_LEVELS
  }

  /** Returns `undefined` if it is not text, or is `__proto__`, which would set the prototype. */
  #key(): string | undefined {
    if (this.#at >= this.#end) return undefined
    const initial = this.#bytes[this.#at++]!
    if (initial >> 5 !== 3) return undefined
    const length = this.#argument(initial)
    if (length < 0 || !this.#take(length, COST.text + 2 * length)) return undefined
    const start = this.#at - length
    const key = this.#keys.textOf(this.#bytes, start, length) ?? this.#bytes.toString('utf8', start, this.#at)
    return key === '__proto__' ? undefined : key
  }

  #text(length: number): unknown {
    if (!this.#take(length, COST.text + 2 * length)) return NOT_READ
    const start = this.#at - length
    return (
      (length < SHORT_TEXT && asciiText(this.#bytes, start, length)) || this.#bytes.toString('utf8', start, this.#at)
    )
  }

  /** Moves behind the bytes of a text or a buffer. Returns false if there are fewer, or they take too much memory. */
  #take(length: number, cost: number): boolean {
    this.#at += length
    this.#cost += cost
    return this.#at <= this.#end && this.#cost <= this.#most
  }

  #simple(initial: number): unknown {
    this.#cost += COST.number
    switch (initial) {
      case 0xf4:
        return false
      case 0xf5:
        return true
      case 0xf6:
        return null
      case 0xf7:
        return undefined
      case 0xfb:
        return this.#double()
      default:
        return NOT_READ
    }
  }

  #double(): unknown {
    if (this.#end - this.#at < 8) return NOT_READ
    this.#view ??= viewOf(this.#bytes)
    this.#at += 8
    return this.#view.getFloat64(this.#at - 8)
  }

  /** Returns the number that an initial byte begins; -1 if it is incomplete or has more than 32 bits. */
  #argument(initial: number): number {
    const info = initial & 31
    if (info < 24) return info
    if (info > 26) return -1
    const at = this.#at
    this.#at += 1 << (info - 24)
    if (this.#at > this.#end) return -1
    const bytes = this.#bytes
    if (info === 24) return bytes[at]!
    return info === 25 ? (bytes[at]! << 8) | bytes[at + 1]! : this.#uint32(at)
  }

  #uint32(at: number): number {
    const bytes = this.#bytes
    return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  }
}

/** Returns the text of these bytes; `''` if they are not ASCII. */
function asciiText(bytes: Buffer, start: number, length: number): string {
  const end = start + length
  let at = start
  let text = ''
  for (; at + 4 <= end; at += 4) {
    const [a, b, c, d] = [bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!]
    if ((a | b | c | d) > 127) return ''
    text += String.fromCharCode(a, b, c, d)
  }
  for (; at < end; at++) {
    if (bytes[at]! > 127) return ''
    text += String.fromCharCode(bytes[at]!)
  }
  return text
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
