import { LARGE_BYTES } from '../wire/frame.js'
import { MOST_DEPTH } from './cbor-check.js'
import { kindOf } from './kinds.js'

/** The prototypes of the classes, besides arrays, maps, and sets, that cbor-x and v8 carry unchanged. */
export const carried: ReadonlySet<unknown> = new Set(
  [
    Date,
    RegExp,
    Buffer,
    BigInt64Array,
    BigUint64Array,
    Float32Array,
    Float64Array,
    Int8Array,
    Int16Array,
    Int32Array,
    Uint8Array,
    Uint8ClampedArray,
    Uint16Array,
    Uint32Array,
  ].map(({ prototype }) => prototype),
)

/**
 * Reports whether cbor-x carries a value unchanged and without attachments: the usual case, in which nothing is copied.
 * If not, `CborPacker` replaces parts of the value, or rejects it.
 *
 * @param depth - how many arrays and objects contain the value
 */
export function isCarriedByCbor(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed()
    case 'number':
      return value !== 0 || 1 / value > 0
    case 'object':
      return value === null || isObjectCarried(value, depth)
    case 'function':
    case 'symbol':
      return false
    default:
      return true
  }
}

function isObjectCarried(value: object, depth: number): boolean {
  if (depth >= MOST_DEPTH) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) {
    // cbor-x decides by `constructor`, which may be an own property.
    return value.constructor === Object && !(Symbol.asyncIterator in value) && arePropertiesCarried(value, depth)
  }
  if (prototype === Array.prototype) {
    if (!Array.isArray(value) || value.constructor !== Array) return false
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i]
      if (item === undefined ? !(i in value) : !isCarriedByCbor(item, depth + 1)) return false
    }
    return true
  }
  if (carried.has(prototype)) return !ArrayBuffer.isView(value) || value.byteLength < LARGE_BYTES
  if (prototype === Map.prototype) {
    for (const [key, part] of value as Map<unknown, unknown>)
      if (!isCarriedByCbor(key, depth + 1) || !isCarriedByCbor(part, depth + 1)) return false
    return true
  }
  if (prototype === Set.prototype) {
    for (const part of value as Set<unknown>) if (!isCarriedByCbor(part, depth + 1)) return false
    return true
  }
  return isInstanceCarried(value, prototype, depth)
}

/** Reports whether cbor-x encodes the own properties of an object without a prototype or of a user's class. */
function isInstanceCarried(value: object, prototype: unknown, depth: number): boolean {
  if (Symbol.iterator in value || Symbol.asyncIterator in value || Symbol.toStringTag in value) return false
  if (prototype === null) return value.constructor === undefined && arePropertiesCarried(value, depth)
  return kindOf(value) === 'instance' && Object.keys(value).length > 0 && arePropertiesCarried({ ...value }, depth)
}

function arePropertiesCarried(object: object, depth: number): boolean {
  for (const key in object) {
    if (key === '__proto__' || !key.isWellFormed()) return false
    if (!isCarriedByCbor((object as Record<string, unknown>)[key], depth + 1)) return false
  }
  return true
}
