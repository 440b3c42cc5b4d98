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

/** Encodes the payload of the reports `started` and `forked`: see src/protocol/reports.ts. */
export function madePayload(pid: number, { mode = 0, obstacle = '' } = {}): Buffer {
  const numbers = Buffer.alloc(5)
  numbers.writeUInt32LE(pid)
  numbers[4] = mode
  return Buffer.concat([numbers, Buffer.from(obstacle)])
}

/** Makes the report `exited`. */
export function exitReport(...ended: Parameters<typeof exitPayload>): Buffer {
  return controlFrame(68, exitPayload(...ended))
}

/** Encodes the payload of that report. A signal above 0 goes with the code -1. */
export function exitPayload(pid: number, code = 0, signal = 0): Buffer {
  const payload = Buffer.alloc(7)
  payload.writeUInt32LE(pid)
  payload.writeInt16LE(code, 4)
  payload[6] = signal
  return payload
}
