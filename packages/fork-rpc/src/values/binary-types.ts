import { RpcError } from '../errors.js'
import { LARGE_BYTES } from '../wire/frame.js'

const binaryTypes: Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView> = {
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
    (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) &&
    value.byteLength >= LARGE_BYTES &&
    (value.constructor.name === 'Buffer' ||
      value.constructor.name === 'ArrayBuffer' ||
      Object.hasOwn(binaryTypes, value.constructor.name))
  )
}

export function bytesOf(value: ArrayBufferView | ArrayBuffer): Buffer {
  return ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
}
