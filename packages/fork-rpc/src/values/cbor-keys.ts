import {
  hashOfDigit,
  hashOfDouble,
  hashOfIndex,
  hashOfNumber,
  indexOfText,
  type KeyHashes,
} from '@anyfork/fork/internal/error-codec'
import { Major } from './cbor-heads.js'

const Initial = { unsigned64: 0x1b, negative64: 0x3b, float32: 0xfa, float64: 0xfb } as const
const Tag = { bigInt: 2, negativeBigInt: 3 } as const

const float32 = new DataView(new ArrayBuffer(4))

/**
 * Adds a key of a set or a map in CBOR to the keys before it, if V8 hashes it without a seed.
 *
 * @param at - where the key begins. It may be incomplete
 * @returns how many comparisons that takes, minus the usual number
 */
export function addKey(keys: KeyHashes, bytes: Uint8Array, at: number): number {
  const initial = bytes[at]!
  switch (initial) {
    case Initial.unsigned64:
      return keys.add(hashOfDigit(uint32At(bytes, at + 1), uint32At(bytes, at + 5)))
    case Initial.negative64:
      return keys.add(hashOfNegative(uint32At(bytes, at + 1), uint32At(bytes, at + 5)))
    case Initial.float32:
      float32.setUint32(0, uint32At(bytes, at + 1))
      return keys.add(hashOfNumber(float32.getFloat32(0)))
    case Initial.float64:
      return keys.add(hashOfDouble(uint32At(bytes, at + 1), uint32At(bytes, at + 5)))
  }
  const argument = integerAt(bytes, at)
  switch (initial >> 5) {
    case Major.unsigned:
      return keys.add(hashOfNumber(argument))
    case Major.negative:
      return keys.add(hashOfNumber(-1 - argument))
    case Major.text: {
      const index = indexOfText(bytes, at + 1 + integerBytes(initial), argument)
      return index < 0 ? 0 : keys.add(hashOfIndex(index))
    }
    case Major.tag:
      if (argument !== Tag.bigInt && argument !== Tag.negativeBigInt) return 0
      return addBigInt(keys, bytes, at + 1 + integerBytes(initial), argument === Tag.negativeBigInt)
    default:
      return 0
  }
}

/** @param at - where its bytes begin */
function addBigInt(keys: KeyHashes, bytes: Uint8Array, at: number, isNegative: boolean): number {
  const initial = bytes[at]!
  if (initial >> 5 !== Major.bytes) return 0 // `checkCbor` rejects it
  const size = integerAt(bytes, at)
  const end = at + 1 + integerBytes(initial) + size
  const high = size > 4 ? numberBefore(bytes, end - 4, Math.min(size - 4, 4)) : 0
  const low = numberBefore(bytes, end, Math.min(size, 4))
  return keys.add(isNegative ? hashOfNegative(high, low) : hashOfDigit(high, low), size)
}

/** Returns the hash of -1 - n: of n + 1, because the sign does not count. */
function hashOfNegative(high: number, low: number): number {
  return low === 0xffffffff ? hashOfDigit((high + 1) >>> 0, 0) : hashOfDigit(high, low + 1)
}

/** Returns how many bytes the number after an initial byte has. */
function integerBytes(initial: number): number {
  const info = initial & 31
  return info < 24 ? 0 : 1 << (info - 24)
}

/** Returns the number that an initial byte begins. */
function integerAt(bytes: Uint8Array, at: number): number {
  const size = integerBytes(bytes[at]!)
  if (size === 0) return bytes[at]! & 31
  let value = 0
  for (let i = 1; i <= size; i++) value = value * 256 + bytes[at + i]!
  return value
}

function uint32At(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** Returns the number in the last bytes before `end`, at most four. */
function numberBefore(bytes: Uint8Array, end: number, size: number): number {
  let value = 0
  for (let at = end - size; at < end; at++) value = (value << 8) | bytes[at]!
  return value >>> 0
}
