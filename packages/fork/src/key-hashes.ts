/** How many keys the first table has room for. */
const FIRST_CAPACITY = 16

/**
 * How many comparisons of keys the sets and maps of one message may take, beside a few for each key: well below two
 * seconds. A message that takes more was made for this purpose.
 */
export const MOST_COMPARISONS: number = 1 << 25
/** How many comparisons a key takes at most on average if the keys were not chosen to collide. */
const USUAL_COMPARISONS = 4

/** How many bytes of a big integer are compared in the time that the comparison takes otherwise. */
const BYTES_PER_COMPARISON = 64

/**
 * Counts with how many others V8 compares each key that is added to a set or a map. V8 hashes numbers and big integers
 * without a seed, so another process can choose keys that all collide. Their number then takes quadratic time. Older
 * releases do the same with text that is the index of an array, such as `'999'`. Other text and objects have random
 * hashes. This table grows as V8's does (ordered-hash-table.h), with two keys a bucket at most.
 */
export class KeyHashes {
  #hashes = new Int32Array(FIRST_CAPACITY)
  #buckets = new Uint32Array(FIRST_CAPACITY / 2)
  #size = 0

  /**
   * Adds a key.
   *
   * @param hash - what `hashOfNumber` or `hashOfDigit` returned
   * @param bytes - the size of a big integer
   * @returns how many comparisons that takes, minus the usual number
   */
  add(hash: number, bytes = 0): number {
    if (this.#size === this.#hashes.length) this.#grow()
    this.#hashes[this.#size++] = hash
    const others = this.#buckets[hash & (this.#buckets.length - 1)]!++
    return others * (1 + ((bytes / BYTES_PER_COMPARISON) | 0)) - USUAL_COMPARISONS
  }

  #grow(): void {
    const hashes = new Int32Array(2 * this.#size)
    hashes.set(this.#hashes)
    const buckets = new Uint32Array(this.#size)
    for (let i = 0; i < this.#size; i++) buckets[hashes[i]! & (this.#size - 1)]!++
    this.#hashes = hashes
    this.#buckets = buckets
  }
}

const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)
double[0] = 1
/** Which of the words is the upper one: the one with the exponent. */
const HIGH: number = words[0] === 0 ? 1 : 0

/** Returns V8's hash of a number. */
export function hashOfNumber(value: number): number {
  if ((value | 0) === value) return hashOfInteger(value)
  double[0] = value
  return hashOfDigit(words[HIGH]!, words[1 - HIGH]!)
}

/** Returns the double that has these bits. */
export function doubleOf(high: number, low: number): number {
  words[HIGH] = high
  words[1 - HIGH] = low
  return double[0]!
}

/**
 * Returns V8's hash of a double.
 *
 * @param high - its upper 32 bits
 * @param low - its lower 32 bits
 */
export function hashOfDouble(high: number, low: number): number {
  const value = doubleOf(high, low)
  return (value | 0) === value ? hashOfInteger(value) : hashOfDigit(high, low)
}

/** Returns the lowest bits of the hash that older releases of V8 have for text that is an index (`MakeArrayIndexHash`). */
export function hashOfIndex(index: number): number {
  return index & 0xffffff
}

/** Returns V8's hash of an integer of 32 bits (`ComputeUnseededHash`). */
function hashOfInteger(value: number): number {
  let hash = (~value + (value << 15)) | 0
  hash ^= hash >>> 12
  hash = (hash + (hash << 2)) | 0
  hash ^= hash >>> 4
  hash = Math.imul(hash, 2057)
  hash ^= hash >>> 16
  return hash & 0x3fffffff
}

/**
 * Returns V8's hash of 64 bits (`ComputeLongHash`): those of a double, or the lowest of the magnitude of a big integer.
 *
 * @param high - the upper 32 bits
 * @param low - the lower 32 bits
 */
export function hashOfDigit(high: number, low: number): number {
  // ~digit + (digit << 18)
  let sum = (~low >>> 0) + ((low << 18) >>> 0)
  let hi = (~high + ((high << 18) | (low >>> 14)) + carryOf(sum)) | 0
  let lo = sum | 0
  // ^= >>> 31
  lo ^= (hi << 1) | (lo >>> 31)
  hi ^= hi >>> 31
  // *= 21
  sum = (lo >>> 0) * 21
  hi = (Math.imul(hi, 21) + carryOf(sum)) | 0
  lo = sum | 0
  // ^= >>> 11
  lo ^= (hi << 21) | (lo >>> 11)
  hi ^= hi >>> 11
  // += << 6
  sum = (lo >>> 0) + ((lo << 6) >>> 0)
  hi = (hi + ((hi << 6) | (lo >>> 26)) + carryOf(sum)) | 0
  lo = sum | 0
  // ^= >>> 22
  lo ^= (hi << 10) | (lo >>> 22)
  return lo & 0x3fffffff
}

function carryOf(sum: number): number {
  return (sum / 0x100000000) | 0
}
