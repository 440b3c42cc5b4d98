import { serialize } from 'node:v8'

/** The fields of a frame that are not zero. `length` is what the header says: by default, the length of the payload. */
export interface Fields {
  id?: number
  flags?: number
  number?: number
  payload?: Uint8Array
  length?: number
}

/** Makes a frame, as it goes over the socket: see docs/WIRE.md. */
export function frame(
  kind: number,
  { id = 0, flags = 0, number = 0, payload = Buffer.alloc(0), length }: Fields = {},
): Buffer {
  const header = Buffer.alloc(12)
  header[0] = kind
  header[1] = 0xa0 | flags
  header.writeUInt16LE(number, 2)
  header.writeUInt32LE(length ?? payload.length, 4)
  header.writeUInt32LE(id, 8)
  return Buffer.concat([header, payload])
}

/** Makes a frame of notes. */
export function notes(...list: unknown[]): Buffer {
  return frame(49, { payload: Buffer.from(JSON.stringify(list)) })
}

/** Makes the payload of an array in CBOR. */
export function cborArray(...items: Uint8Array[]): Buffer {
  const head = Buffer.from([0x99, items.length >> 8, items.length & 0xff])
  return Buffer.concat([head, ...items])
}

/** Text of at most 23 ASCII characters in CBOR. */
export function cborText(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x60 | text.length]), Buffer.from(text)])
}

/** Bytes in CBOR. */
export function cborBytes(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head[0] = 0x5a
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/**
 * Arrays in the format of V8's structured clone. V8 would allocate 256 MiB for each, because each claims 33,554,431
 * elements.
 */
export function longArrays(count: number): Buffer {
  const length = [0xff, 0xff, 0xff, 0x0f]
  const array = [0x61, ...length, 0x40, 0, ...length]
  const all = [0x41, count, ...Array<number[]>(count).fill(array).flat(), 0x24, 0, count]
  return Buffer.concat([serialize(undefined).subarray(0, 2), Buffer.from(all)])
}

/**
 * Makes a frame, as it goes over the control socket of a process: see packages/fork/src/protocol/frame.ts. By default,
 * `length` is the length of the payload.
 */
export function controlFrame(
  type: number,
  payload: Uint8Array = Buffer.alloc(0),
  { length = payload.length, descriptors = 0, id = 0 } = {},
): Buffer {
  const header = Buffer.alloc(12)
  header[0] = type
  header[1] = descriptors
  header.writeUInt16LE(0xb7a5, 2)
  header.writeUInt32LE(length, 4)
  header.writeUInt32LE(id, 8)
  return Buffer.concat([header, payload])
}

/** A list in CBOR of a set, or a map, of big integers whose lowest 64 bits are the same: V8 hashes only these. */
export function collidingBigInts(count: number, isMap = false): Buffer {
  const head = Buffer.from([0x81, 0xd9, 1, isMap ? 3 : 2, isMap ? 0xb9 : 0x99, count >> 8, count & 0xff])
  const keys = Array.from({ length: count }, (_, i) => {
    const key = Buffer.alloc(isMap ? 19 : 18)
    key[0] = 0xc2
    key[1] = 0x50
    key.writeUInt32BE(i + 1, 6)
    return key
  })
  return Buffer.concat([head, ...keys])
}

/** The same set in the format of V8's structured clone. */
export function clonedCollidingBigInts(count: number): Buffer {
  const keys = Array.from({ length: count }, (_, i) => {
    const key = Buffer.alloc(18)
    key[0] = 0x5a
    key[1] = 0x20
    key.writeUInt32LE(i + 1, 10)
    return key
  })
  // the set ends with the number of its keys, in three groups of seven bits
  const end = [0x2c, (count & 127) | 128, ((count >> 7) & 127) | 128, count >> 14]
  return Buffer.concat([serialize(undefined).subarray(0, 2), Buffer.from("'"), ...keys, Buffer.from(end)])
}
