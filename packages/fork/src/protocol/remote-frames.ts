import { type Accepted, acceptedReports, Command, Report } from './frame.js'

/**
 * The frames that only the connection to a remote process has: it is the only one between the two sides, so it carries the
 * bytes of the function's socket, too.
 *
 * They go in both directions. Neither side sends more than the other one has room for, so both can always read: an order, a
 * report, and the end of the connection are never behind bytes that a function does not take.
 */
export const Socket = {
  /** Bytes for the other end of the function's socket, at least one. */
  bytes: 96,
  /** No more bytes will come. */
  end: 97,
  /** Frames have been taken, so that as much more may be sent. Payload: their size in the window, as u32. */
  taken: 98,
  /** The sender's end is closed: no more bytes are taken, and none will come. */
  gone: 99,
} as const

/** The orders that only a remote process gets. */
export const RemoteCommand = {
  /** The first frame: the program of the remote process. */
  program: 100,
  /** Make a module available that is not installed there. Payload: a `ProvidedModule`. */
  provide: 101,
} as const

/** The report that only a remote process sends: it exits, and reads no more. */
export const EXITING = 104

/** A module that is sent to a remote process. */
export interface ProvidedModule {
  /** The name under which orders refer to it. */
  specifier: string
  /** The source of a CommonJS module. */
  code: string
  /** What modules of users may import as if it was installed: the names of exports that are modules, by specifier. */
  offers?: Readonly<Record<string, string>>
}

/** How many bytes of the function's socket may be on their way in one direction, with `FRAME_BYTES` for each frame. */
export const WINDOW_BYTES: number = 1 << 21
/** How many bytes each frame counts in addition to its payload: about what a small one takes in the memory of a receiver. */
export const FRAME_BYTES = 512
/** The most bytes of the socket in one frame. */
export const MOST_SOCKET_BYTES = 65536
/** The payload of `taken`, in bytes. */
export const TAKEN_BYTES = 4

const ofSocket = [
  [Socket.bytes, { bytes: MOST_SOCKET_BYTES, descriptors: 0 }],
  [Socket.end, { bytes: 0, descriptors: 0 }],
  [Socket.taken, { bytes: TAKEN_BYTES, descriptors: 0 }],
  [Socket.gone, { bytes: 0, descriptors: 0 }],
] as const

/** What an owner accepts from a remote process: no descriptors, and no reports about other processes. */
export const acceptedFromRemote: Accepted = new Map([
  ...[Report.listening, Report.done, Report.failed, Report.rejected].map(
    type => [type, acceptedReports.get(type)!] as const,
  ),
  [EXITING, { bytes: 0, descriptors: 0 }],
  ...ofSocket,
])

/** What a remote process accepts from its owner, which it trusts with its memory. */
export const acceptedByRemote: Accepted = new Map([
  ...[
    Command.require,
    Command.eval,
    Command.argument,
    Command.warm,
    Command.call,
    Command.configure,
    Command.run,
    Command.ready,
    Command.end,
    RemoteCommand.provide,
  ].map(type => [type, { bytes: Infinity, descriptors: 0 }] as const),
  ...ofSocket,
])
