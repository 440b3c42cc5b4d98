import { serialize } from 'node:v8'

/** The lowest bits of all hashes. A table of 65,536 keys has as many buckets as these bits have values. */
const EQUAL_BITS = 15n

/** Makes integers of 32 bits that are in the same bucket of a set: V8 hashes them by `ComputeUnseededHash`. */
export function collidingIntegers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    let hash = xorShifted(BigInt(i) << EQUAL_BITS, 16n, 32)
    hash = xorShifted(divided(hash, 2057n, 32), 4n, 32)
    hash = xorShifted(divided(hash, 5n, 32), 12n, 32)
    return Number(BigInt.asIntN(32, divided(hash + 1n, (1n << 15n) - 1n, 32)))
  })
}

/** Makes fractions that are in the same bucket of a set: V8 hashes their bits by `ComputeLongHash`. */
export function collidingDoubles(count: number): number[] {
  const doubles: number[] = []
  const bits = new BigUint64Array(1)
  const double = new Float64Array(bits.buffer)
  for (let i = 1n; doubles.length < count; i++) {
    let hash = xorShifted(i << EQUAL_BITS, 22n, 64)
    hash = xorShifted(divided(hash, 65n, 64), 11n, 64)
    hash = xorShifted(divided(hash, 21n, 64), 31n, 64)
    bits[0] = divided(hash + 1n, (1n << 18n) - 1n, 64)
    const [value] = double
    if (Number.isFinite(value) && !Number.isInteger(value)) doubles.push(value!)
  }
  return doubles
}

/** Makes texts that are in the same bucket of a set: older releases of V8 take the number that they stand for as hash. */
export function collidingIndexes(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(2 ** 27 + i * 2 ** Number(EQUAL_BITS)))
}

/** A list in CBOR of a set of texts, or of a map from them. */
export function textsInCbor(keys: readonly string[], isMap = false): Buffer {
  const head = [0x81, 0xd9, 1, isMap ? 3 : 2, isMap ? 0xb9 : 0x99, keys.length >> 8, keys.length & 0xff]
  const items = keys.map(key => Buffer.from(`${String.fromCharCode(0x60 + key.length)}${key}${isMap ? '\0' : ''}`))
  return Buffer.concat([Buffer.from(head), ...items])
}

/** A list in CBOR of a set of numbers, or of a map from them. */
export function numbersInCbor(keys: readonly number[], isMap = false): Buffer {
  const head = [0x81, 0xd9, 1, isMap ? 3 : 2, isMap ? 0xb9 : 0x99, keys.length >> 8, keys.length & 0xff]
  const items = keys.map(key => {
    const isDouble = !Number.isInteger(key)
    const item = Buffer.alloc((isDouble ? 9 : 5) + (isMap ? 1 : 0))
    item[0] = isDouble ? 0xfb : key < 0 ? 0x3a : 0x1a
    if (isDouble) item.writeDoubleBE(key, 1)
    else item.writeUInt32BE(key < 0 ? -1 - key : key, 1)
    return item
  })
  return Buffer.concat([Buffer.from(head), ...items])
}

/** A set of numbers, or a map from them, in the format of V8's structured clone. */
export function numbersInClone(keys: readonly number[], isMap = false): Buffer {
  const value = Buffer.from(isMap ? '_' : '')
  const items = keys.flatMap(key => [serialize(key).subarray(prefix.length), value])
  const size = isMap ? 2 * keys.length : keys.length
  const end = [(size & 127) | 128, ((size >> 7) & 127) | 128, size >> 14]
  const [begins, ends] = isMap ? ';:' : "',"
  return Buffer.concat([prefix, Buffer.from(begins!), ...items, Buffer.from(ends!), Buffer.from(end)])
}

/** The version with which the format begins. */
const prefix = serialize(undefined).subarray(0, 2)

/** Returns the number whose product with an odd number, of as many bits, is this. */
function divided(product: bigint, odd: bigint, bits: number): bigint {
  let inverse = odd
  for (let i = 0; i < 6; i++) inverse = BigInt.asUintN(bits, inverse * (2n - odd * inverse))
  return BigInt.asUintN(bits, product * inverse)
}

/** Returns the number `n` for which `n ^ (n >>> shift)` is this. */
function xorShifted(result: bigint, shift: bigint, bits: number): bigint {
  let number = BigInt.asUintN(bits, result)
  for (let known = Number(shift); known < bits; known += Number(shift))
    number = BigInt.asUintN(bits, result) ^ (number >> shift)
  return number
}
