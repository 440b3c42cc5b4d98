import { types } from 'node:util'
import { LARGE_BYTES } from '../wire/frame.js'
import type { Codec } from './codec.js'
import { unsendable } from './unsendable.js'

const FIRST_BYTES = 4096
/** Each value is a u32 length, with this bit set for UTF-8 text, then its bytes. Little-endian. */
const TEXT = 0x80000000
const LONGEST = 0x7fffffff
/** Up to this many characters, a loop is faster than a call into C++. */
const SHORT = 24
const SHORT_READ = 12
const HEADER = 4
/** How many bytes of memory a value may take, beside its own bytes. */
const COST = 320

/** Strings and buffers, each after its length. The fastest serialiser; it carries nothing else. */
export class OctetsCodec implements Codec {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES)
  start = 0
  end = 0
  readonly attachable = 'buffers'
  #view = new DataView(this.bytes.buffer)
  readonly #budget: number

  /** @param budget - for messages that are not trusted: how much memory their values may take, in bytes */
  constructor(budget: number = Infinity) {
    this.#budget = budget
  }

  encode(values: readonly unknown[], frameKind: number): void {
    if (this.end - this.start >= LARGE_BYTES) this.#allocate(FIRST_BYTES) // the last message owns its memory
    this.end = 0
    for (let i = 0; i < values.length; i++) {
      const value = values[i]
      if (typeof value === 'string') {
        if (!this.#addText(value))
          throw unsendable(frameKind, [i], 'the serialiser octets cannot carry a lone surrogate', this.encode)
      } else if (types.isUint8Array(value)) this.#addBytes(value)
      else if (value !== undefined || values.length > 1)
        throw unsendable(
          frameKind,
          [i],
          `the serialiser octets carries strings and Uint8Arrays, not ${value === null ? 'null' : typeof value}`,
          this.encode,
        )
    }
  }

  decode(bytes: Buffer, start: number, end: number): unknown[] {
    const values: unknown[] = []
    for (let at = start; at < end; ) {
      if (end - at < HEADER) throw new RangeError('a message in octets is truncated')
      const word = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
      const from = at + HEADER
      at = from + (word & LONGEST)
      if (at > end) throw new RangeError('a message in octets is truncated')
      if (values.length * COST > this.#budget) throw new RangeError('a message in octets has too many values')
      values.push(word & TEXT ? textOf(bytes, from, at) : Buffer.from(bytes.subarray(from, at)))
    }
    return values
  }

  /** Returns false if the text has a surrogate without its other half, which UTF-8 cannot carry. */
  #addText(text: string): boolean {
    const { length } = text
    this.#makeRoom(HEADER + length * 3)
    const from = this.end + HEADER
    const isAscii = length <= SHORT && writeAscii(this.bytes, from, text)
    if (!isAscii && !text.isWellFormed()) return false
    const size = isAscii ? length : this.bytes.write(text, from)
    this.#view.setUint32(this.end, (TEXT | size) >>> 0, true)
    this.end = from + size
    return true
  }

  #addBytes(bytes: Uint8Array): void {
    const size = bytes.byteLength
    if (size > LONGEST) throw new RangeError('a value in octets can have at most 2 GiB')
    this.#makeRoom(HEADER + size)
    this.#view.setUint32(this.end, size, true)
    this.bytes.set(bytes, this.end + HEADER)
    this.end += HEADER + size
  }

  #makeRoom(size: number): void {
    if (this.end + size <= this.bytes.length) return
    const { bytes, end } = this
    this.#allocate(Math.max(end + size, bytes.length * 2))
    bytes.copy(this.bytes, 0, 0, end)
    this.end = end
  }

  #allocate(size: number): void {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.#view = new DataView(this.bytes.buffer)
  }
}

/** Writes ASCII text. Returns false if the text is not ASCII. */
function writeAscii(bytes: Buffer, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0x7f) return false
    bytes[at + i] = code
  }
  return true
}

function textOf(bytes: Buffer, from: number, to: number): string {
  if (to - from > SHORT_READ) return bytes.toString('utf8', from, to)
  for (let i = from; i < to; i++) if (bytes[i]! > 0x7f) return bytes.toString('utf8', from, to)
  let text = ''
  let at = from
  for (; at + 4 <= to; at += 4) text += String.fromCharCode(bytes[at]!, bytes[at + 1]!, bytes[at + 2]!, bytes[at + 3]!)
  for (; at < to; at++) text += String.fromCharCode(bytes[at]!)
  return text
}
