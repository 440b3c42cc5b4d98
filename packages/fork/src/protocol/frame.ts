import { MOST_RECEIVED } from '@anyfork/fdpass/internal'

/**
 * A frame on the control socket of a process: a header of 12 bytes, then the payload. Descriptors are sent along with
 * the first byte of the header.
 *
 *     u8 type · u8 number of descriptors · u16 mark · u32 payload length · u32 id
 *
 * All numbers are little-endian.
 */
export const HEADER_BYTES = 12

/** Offsets within a header. */
export const At = { type: 0, descriptors: 1, mark: 2, length: 4, id: 8 } as const

/**
 * What is in each header. Other bytes that get into the socket, such as text, hardly ever look like a header, for whose
 * payload the receiver would wait. Change it with the format.
 */
export const MARK = 0xb7a5

/** The orders and questions of the owner to a process. */
export const Command = {
  /** Load modules. Payload: specifiers, and the folder from which names are looked up. */
  require: 1,
  /** Run code. Payload: source and arguments. */
  eval: 2,
  /** Keep arguments for the function. Payload: an array. */
  argument: 3,
  /** Keep the attached descriptor for the function. */
  descriptor: 4,
  /** Fork. Attached: the child's control socket. The id identifies the child in the report. */
  fork: 5,
  /** Call the function. Attached: its socket. Payload: module, export, folder. */
  run: 6,
  /** Answer, now that all earlier orders have been carried out. */
  ready: 7,
  /** Report the exit of a process whose parent is gone. Payload: its pid. */
  adopt: 8,
  /** Exit once all children have ended. */
  end: 9,
  /** Restrict this process. Payload: the restrictions. */
  restrict: 10,
  /** Call a function several times, so that it is compiled. Payload: module, export, folder, arguments, times. */
  warm: 11,
  /** Outlive the owner, once the function runs. */
  outlive: 12,
  /** The replay ends: all orders of the other process have been sent. */
  replayed: 13,
  /** Answer with the pid and how the process was made. */
  identify: 14,
  /** Die with another owner. Attached: the read end of its lifeline. */
  lifeline: 15,
  /** Only in a replay: the orders so far were those of the process that was forked. */
  inherited: 16,
  /**
   * Call a function, and answer with its result. Payload: module, export, folder, arguments. In a replay, the id is 0, and
   * there is no answer.
   */
  call: 17,
  /** Change the surroundings. Payload: a `Configuration`. Attached: the standard streams that it names. */
  configure: 18,
  /** Report what prevents a fork. */
  check: 20,
  /** Open the inspector. Payload: host and port. */
  inspect: 21,
} as const

/** How many descriptors come with an order: at least and at most. None come with all others. */
const descriptorsOf: ReadonlyMap<number, readonly [least: number, most: number]> = new Map([
  [Command.fork, [1, 1]],
  [Command.run, [1, 1]],
  [Command.lifeline, [1, 1]],
  [Command.descriptor, [1, MOST_RECEIVED]],
  [Command.configure, [0, 3]],
])

/** @throws TypeError if the number of descriptors with an order is wrong */
export function checkOrder({ type, descriptors: { length } }: Frame<unknown>): void {
  const [least, most] = descriptorsOf.get(type) ?? [0, 0]
  if (length < least || length > most) throw new TypeError(`an order of type ${type} has ${length} descriptors`)
}

/** The reports of a process to its owner. */
export const Report = {
  /**
   * The command with this id has been carried out; after `run`, the function is about to be called. Payload: the
   * answer.
   */
  done: 64,
  /** An order failed, and the process exits. Payload: the error. */
  failed: 65,
  /** A child was made. The id is that of `fork`. Payload: the pid, how it was made, and what was in the way of a fork. */
  forked: 66,
  /** A child could not be made. The id is that of `fork`. Payload: the error. */
  forkFailed: 67,
  /** A child has ended. Payload: pid, code, signal. */
  exited: 68,
  /**
   * The first report of a process that was forked, and again after it was replaced by an interpreter. Payload: as for
   * `forked`. Attached: its pidfd. The process must send it itself: the kernel attaches the pid of the sender, which is
   * the one that the owner believes.
   */
  started: 69,
  /** The first report of an interpreter that this program has started: it takes orders. */
  listening: 70,
  /** The question with this id cannot be answered; the process goes on. Payload: the error. */
  rejected: 80,
} as const

/** What one side accepts of each type: the largest payload in bytes, and how many descriptors. */
export type Accepted = ReadonlyMap<number, { readonly bytes: number; readonly descriptors: number }>

/** The largest payload of an error, in bytes: the limit of the error codec. */
const MOST_ERROR_BYTES = 3 << 22
/** The largest answer to a question, in bytes: a report of `check` names every descriptor. */
export const MOST_ANSWER_BYTES: number = 1 << 26
/** The largest payload of a report that has only a few numbers and a short text, in bytes. */
const MOST_NUMBERS_BYTES = 1 << 12

const answer = { bytes: MOST_ANSWER_BYTES, descriptors: 0 }
const error = { bytes: MOST_ERROR_BYTES, descriptors: 0 }
const numbers = { bytes: MOST_NUMBERS_BYTES, descriptors: 0 }

/** What an owner accepts from a process. */
export const acceptedReports: Accepted = new Map([
  [Report.done, answer],
  [Report.failed, error],
  [Report.forked, numbers],
  [Report.forkFailed, error],
  [Report.exited, numbers],
  [Report.started, { ...numbers, descriptors: 1 }],
  [Report.listening, numbers],
  [Report.rejected, error],
])

/** What a process accepts from its owner, which it trusts with its memory. */
export const acceptedOrders: Accepted = new Map(
  Object.values(Command).map(type => [type, { bytes: Infinity, descriptors: MOST_RECEIVED }]),
)

/** The largest payload of all, in bytes: its length is a u32. */
const MOST_PAYLOAD_BYTES = 2 ** 32 - 1

/** A frame as received. The receiver owns the payload and the descriptors. */
export interface Frame<D> {
  type: number
  id: number
  payload: Buffer
  descriptors: D[]
}

/** @throws RangeError if a payload takes 4 GiB or more */
export function checkPayload(bytes: number): void {
  if (bytes > MOST_PAYLOAD_BYTES) throw new RangeError(`a payload has ${bytes} bytes, more than ${MOST_PAYLOAD_BYTES}`)
}

/**
 * Encodes the header of a frame.
 *
 * @throws RangeError if the payload takes 4 GiB or more
 */
export function frameHeader(type: number, id: number, payloadBytes: number, descriptors: number): Buffer {
  checkPayload(payloadBytes)
  const header = Buffer.alloc(HEADER_BYTES)
  header[At.type] = type
  header[At.descriptors] = descriptors
  header.writeUInt16LE(MARK, At.mark)
  header.writeUInt32LE(payloadBytes, At.length)
  header.writeUInt32LE(id, At.id)
  return header
}
