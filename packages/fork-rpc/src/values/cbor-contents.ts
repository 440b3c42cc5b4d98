import { IndexKeys, memoryOfProperties, REG_EXP_CHARACTER } from '@anyfork/fork/internal/error-codec'
import { argumentAt, argumentBytes, Major, malformed } from './cbor-heads.js'

/** What an index and its value count as: at least two elements and a number, in bytes. */
const ENTRY = 32

/** What an array is that stands for a regular expression: its name, its source, its flags. */
const REG_EXP_ITEMS = 3
const REG_EXP = Buffer.from('fRegExp') // 0x66 is the head of a text of six bytes

/**
 * Checks that an array stands for a regular expression. cbor-x would also make errors of it, and convert any value to
 * text.
 *
 * @param items - how many it has
 * @param at - where they begin
 * @returns the memory that its properties take, and that V8 needs while it parses it, in bytes
 * @throws RpcError if it does not
 */
export function checkRegExp(
  bytes: Uint8Array,
  items: number,
  at: number,
  end: number,
): { properties: number; parsing: number } {
  if (items !== REG_EXP_ITEMS || REG_EXP.some((byte, i) => bytes[at + i] !== byte)) throw malformed()
  const from = at + REG_EXP.length
  const initial = bytes[from]!
  if (from >= end || initial >> 5 !== Major.text) throw malformed()
  const length = argumentAt(bytes, initial, from + 1, end)
  const start = from + 1 + argumentBytes(initial)
  if (start + length >= end || bytes[start + length]! >> 5 !== Major.text) throw malformed()
  return { properties: memoryOfProperties(bytes, start, length), parsing: REG_EXP_CHARACTER * length }
}

/** An array with holes, whose length and whose indexes and values follow. */
export class SparseArray {
  readonly #keys = new IndexKeys(ENTRY)

  /**
   * Returns the memory of the array's holes, in bytes.
   *
   * @param at - the offset at which the length of the array begins
   * @throws RpcError if no length begins there
   */
  addLength(bytes: Uint8Array, at: number, end: number): number {
    const length = indexAt(bytes, at, end)
    return length === 0 ? 0 : this.#keys.add(length - 1)
  }

  /** Returns the memory of the holes before an index, in bytes. */
  addIndex(bytes: Uint8Array, at: number, end: number): number {
    return this.#keys.add(indexAt(bytes, at, end))
  }
}

/** Returns a number of at most 32 bits. */
function indexAt(bytes: Uint8Array, at: number, end: number): number {
  const initial = bytes[at]!
  if (at >= end || initial >> 5 !== Major.unsigned || (initial & 31) > 26) throw malformed()
  return argumentAt(bytes, initial, at + 1, end)
}
