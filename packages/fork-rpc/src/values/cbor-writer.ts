import { LARGE_BYTES } from '../wire/frame.js'
import { isStream } from './kinds.js'

/** Values that are nested deeper are rare, or contain themselves. */
const MOST_LEVELS = 100
const FIRST_BYTES = 8192
/** The largest memory of a message, and the largest that is kept for the next one. */
const MOST_BYTES = 2 ** 31
const MOST_KEPT = 4 * LARGE_BYTES
/** Longer text is encoded faster by native code. */
const SHORT_TEXT = 64
/** More bytes than a number, or a short text, takes. */
const ROOM = 80
const Major = { unsigned: 0, negative: 1, text: 3, array: 4, map: 5 } as const

/**
 * Encodes the values that most messages consist of, faster than cbor-x: arrays, plain objects, text, and numbers. Finds
 * out at the same time that nothing else is among them. It rejects nothing: other values are for `pack` and cbor-x.
 */
export class CborWriter {
  /** Holds the message, up to `end`, until the next `write`. From `LARGE_BYTES` on, it belongs to the caller. */
  bytes: Buffer = Buffer.alloc(0)
  end = 0
  #view = new DataView(this.bytes.buffer)
  #most = 0
  /** How much of the memory may be used. */
  #room = 0
  #isWriting = false

  /**
   * Encodes a list of values.
   *
   * @param most - how many bytes the message may have
   * @returns whether it has. If not, `bytes` is invalid
   * @throws the error of a getter
   */
  write(values: readonly unknown[], most: number): boolean {
    if (this.#isWriting) return false // a getter sends a message
    for (const _ in Object.prototype) return false // objects have inherited properties, which are not sent
    const kept = this.bytes.length
    if (kept === 0 || kept > MOST_KEPT || this.end >= LARGE_BYTES) this.#allocate(FIRST_BYTES)
    this.end = 0
    this.#most = most
    this.#room = Math.min(this.bytes.length, most + ROOM)
    for (const value of values) if (typeof value === 'object' && value !== null && isStream(value)) return false
    this.#isWriting = true
    try {
      return this.#items(values, 0) && this.end <= most
    } finally {
      this.#isWriting = false
    }
  }

  #value(value: unknown, level: number): boolean {
    switch (typeof value) {
      case 'string':
        return this.#text(value)
      case 'number':
        return this.#number(value)
      case 'boolean':
        return this.#byte(value ? 0xf5 : 0xf4)
      case 'undefined':
        return this.#byte(0xf7)
      case 'object':
        return value === null ? this.#byte(0xf6) : this.#object(value, level)
      default:
        return false
    }
  }

  #object(value: object, level: number): boolean {
    if (level >= MOST_LEVELS) return false
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype)
      return value.constructor === Object && !(Symbol.asyncIterator in value) && this.#properties(value, level)
    if (prototype !== Array.prototype || !Array.isArray(value) || value.constructor !== Array) return false
    return this.#items(value, level)
  }

  #items(array: readonly unknown[], level: number): boolean {
    const { length } = array
    if (!this.#head(Major.array, length)) return false
    for (let i = 0; i < length; i++) {
      const item = array[i]
      if (item === undefined && !(i in array)) return false
      if (!this.#value(item, level + 1)) return false
    }
    return true
  }

  #properties(object: object, level: number): boolean {
    if (!this.#byte(0)) return false
    const start = this.end
    let size = 0
    for (const key in object) {
      if (key === '__proto__' || !this.#text(key)) return false
      if (!this.#value((object as Record<string, unknown>)[key], level + 1)) return false
      size++
    }
    return this.#headBefore(start - 1, start, Major.map, size)
  }

  #number(value: number): boolean {
    if (value >>> 0 === value) return (value !== 0 || 1 / value > 0) && this.#head(Major.unsigned, value)
    if (value < 0 && value >= -0x100000000 && Math.floor(value) === value) return this.#head(Major.negative, -1 - value)
    if (!this.#reserve(ROOM)) return false
    this.bytes[this.end] = 0xfb
    this.#view.setFloat64(this.end + 1, value)
    this.end += 9
    return true
  }

  #text(text: string): boolean {
    const { length } = text
    if (length >= SHORT_TEXT) return this.#longText(text)
    if (!this.#reserve(ROOM)) return false
    const { bytes } = this
    let at = this.end
    if (length < 24) bytes[at++] = (Major.text << 5) | length
    else {
      bytes[at++] = (Major.text << 5) | 24
      bytes[at++] = length
    }
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 127) return this.#longText(text)
      bytes[at++] = unit
    }
    this.end = at
    return true
  }

  #longText(text: string): boolean {
    const { length } = text
    if (!text.isWellFormed() || !this.#reserve(ROOM + 3 * length)) return false
    const start = this.end
    this.#head(Major.text, length)
    const from = this.end
    const size = this.bytes.write(text, from)
    this.end += size
    return size === length || this.#headBefore(start, from, Major.text, size)
  }

  #byte(byte: number): boolean {
    if (!this.#reserve(ROOM)) return false
    this.bytes[this.end++] = byte
    return true
  }

  /** Writes a number, or the length of a text, an array, or an object, of at most 32 bits. */
  #head(major: number, argument: number): boolean {
    if (!this.#reserve(ROOM)) return false
    const { bytes } = this
    const initial = major << 5
    if (argument < 24) bytes[this.end++] = initial | argument
    else if (argument < 0x100) {
      bytes[this.end++] = initial | 24
      bytes[this.end++] = argument
    } else if (argument < 0x10000) {
      bytes[this.end++] = initial | 25
      bytes[this.end++] = argument >> 8
      bytes[this.end++] = argument
    } else {
      bytes[this.end] = initial | 26
      this.#view.setUint32(this.end + 1, argument)
      this.end += 5
    }
    return true
  }

  /** Writes a head at `start`, and moves the bytes that begin at `from` behind it. */
  #headBefore(start: number, from: number, major: number, argument: number): boolean {
    if (!this.#reserve(ROOM)) return false
    const { end } = this
    const to = start + headBytes(argument)
    if (to !== from) this.bytes.copyWithin(to, from, end)
    this.end = start
    this.#head(major, argument)
    this.end = end + to - from
    return true
  }

  /** Makes room for more bytes. Returns false if the message would be too large. */
  #reserve(size: number): boolean {
    return this.end + size <= this.#room || this.#grow(size)
  }

  #grow(size: number): boolean {
    const { bytes, end } = this
    if (end > this.#most || end + size > MOST_BYTES) return false
    if (end + size <= bytes.length) return true
    this.#allocate(Math.max(2 * bytes.length, end + size))
    bytes.copy(this.bytes, 0, 0, end)
    this.#room = Math.min(this.bytes.length, this.#most + ROOM)
    return true
  }

  #allocate(size: number): void {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.#view = new DataView(this.bytes.buffer)
  }
}

/** Returns how many bytes `#head` writes. */
function headBytes(argument: number): number {
  if (argument < 24) return 1
  if (argument < 0x100) return 2
  return argument < 0x10000 ? 3 : 5
}
