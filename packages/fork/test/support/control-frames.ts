/**
 * Makes a frame, as it goes over the control socket of a process: see src/protocol/frame.ts. By default, `length` is the
 * length of the payload.
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
