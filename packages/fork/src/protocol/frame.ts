/**
 * What goes over the control socket of a process: a header of 12 bytes, then
 * the payload. Descriptors ride on the header's first byte.
 *
 *     u32 payload length · u8 type · u8 number of descriptors · u16 0 · u32 id
 *
 * All numbers are little-endian.
 */
export const HEADER_BYTES = 12

/** Commands of the owner to a process. */
export const Command = {
  /** Load modules. Payload: specifiers and the folder that bare names start from. */
  require: 1,
  /** Run code. Payload: source and arguments. */
  eval: 2,
  /** Keep arguments for the function. Payload: an array of values. */
  argument: 3,
  /** Keep the descriptor that comes along for the function. */
  descriptor: 4,
  /** Fork. The child's control socket comes along; the id names the child in the answer. */
  fork: 5,
  /** Call the function. Its socket comes along. Payload: module, export, folder. */
  run: 6,
  /** Answer when all commands before this have been carried out. */
  ready: 7,
  /** Tell the end of a process whose parent has gone. Payload: its pid. */
  adopt: 8,
  /** End, after the children have ended. */
  end: 9,
  /** Restrict the process. Payload: the restrictions. */
  restrict: 10,
  /** Run a function several times, so that it is compiled. Payload: module, export, folder, arguments, times. */
  warm: 11,
  /** Live on after the owner has ended, once the function runs. */
  outlive: 12,
  /** All orders of the process that this one stands in for have come. */
  replayed: 13,
  /** Answer with the pid, and how the process was made. */
  identify: 14,
  /** Die with another owner. The read end of its pipe comes along. */
  lifeline: 15,
  /** Tell what stands in the way of a fork. */
  check: 20,
  /** Open the inspector. Payload: host and port. */
  inspect: 21,
} as const

/** What a process tells its owner. */
export const Report = {
  /** All commands up to the one of this id are done; of `run`, the function is about to be called. Payload: what was asked for. */
  done: 64,
  /** A command failed; the process ends. Payload: the error. */
  failed: 65,
  /** A child was made. The id is that of the `fork` command; payload: its pid and how it was made. */
  forked: 66,
  /** A child could not be made. Payload: the error. */
  forkFailed: 67,
  /** A child has ended. Payload: pid, code, signal. */
  exited: 68,
  /** A process tells its own pid and how it was made, first of all where it was made by another. */
  started: 69,
  /** What the command of this id asked for could not be had; the process goes on. Payload: the error. */
  rejected: 80,
} as const

/** A frame as received: the payload and the descriptors belong to whoever gets it. */
export interface Frame<D> {
  type: number
  id: number
  payload: Buffer
  descriptors: D[]
}

/** Writes the header of a frame. */
export function frameHeader(type: number, id: number, payloadBytes: number, descriptors: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(payloadBytes, 0)
  header[4] = type
  header[5] = descriptors
  header.writeUInt32LE(id, 8)
  return header
}
