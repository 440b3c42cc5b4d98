import { types } from 'node:util'
import { RpcError } from '../errors.js'
import { LARGE_BYTES } from '../wire/frame.js'

type ViewClass = new (buffer: ArrayBufferLike, offset: number, length: number) => ArrayBufferView

const binaryTypes: Record<string, ViewClass> = {
  BigInt64Array,
  BigUint64Array,
  DataView,
  Float32Array,
  Float64Array,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint8ClampedArray,
  Uint16Array,
  Uint32Array,
  ...('Float16Array' in globalThis && {
    Float16Array: (globalThis as { Float16Array?: unknown }).Float16Array as ViewClass,
  }), // since Node 24
}

/** Returns the class of a typed array of any realm, or `undefined`. */
const typedArrayClass = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)!.get as (this: unknown) => string | undefined

/**
 * Returns the built-in class of a binary, of this realm or of another one: `'Buffer'`, `'ArrayBuffer'`, `'DataView'`,
 * or that of a typed array. Returns `undefined` for other values.
 */
export function binaryClass(value: object): string | undefined {
  if (!ArrayBuffer.isView(value)) return types.isArrayBuffer(value) ? 'ArrayBuffer' : undefined
  return Buffer.isBuffer(value) ? 'Buffer' : (typedArrayClass.call(value) ?? 'DataView')
}

/** Returns a view of the same memory whose class is built in and of this realm. */
export function asBuiltIn(view: ArrayBufferView, name: string): ArrayBufferView {
  const View = binaryTypes[name]!
  const unit = (View as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1
  return Object.getPrototypeOf(view) === View.prototype
    ? view
    : new View(view.buffer, view.byteOffset, view.byteLength / unit)
}

/**
 * Makes a binary of a class from its bytes.
 *
 * @param bytes - becomes the memory of the result, if possible without a copy
 * @throws RpcError if the class is unknown, or the length is not a multiple of its element size
 */
export function binaryOf(type: string, bytes: Buffer): unknown {
  if (type === 'Buffer') return bytes
  const { buffer, byteOffset, byteLength } = bytes
  if (type === 'ArrayBuffer')
    return byteOffset === 0 && byteLength === buffer.byteLength
      ? buffer
      : buffer.slice(byteOffset, byteOffset + byteLength)
  const View = Object.hasOwn(binaryTypes, type) ? binaryTypes[type]! : undefined
  const unit = (View as unknown as { BYTES_PER_ELEMENT?: number } | undefined)?.BYTES_PER_ELEMENT ?? 1
  if (!View || byteLength % unit)
    throw new RpcError('ERR_RPC_PROTOCOL', 'a binary has an unknown class or an invalid length')
  return new View(buffer as ArrayBuffer, byteOffset, byteLength / unit)
}

export function isLargeBinary(value: object): value is ArrayBufferView | ArrayBuffer {
  return (
    (value as ArrayBuffer).byteLength >= LARGE_BYTES &&
    (ArrayBuffer.isView(value) || types.isArrayBuffer(value)) &&
    isKnownBinary(binaryClass(value)!)
  )
}

function isKnownBinary(name: string): boolean {
  return name === 'Buffer' || name === 'ArrayBuffer' || Object.hasOwn(binaryTypes, name)
}

export function bytesOf(value: ArrayBufferView | ArrayBuffer): Buffer {
  return ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
}
