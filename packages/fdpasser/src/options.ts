import { type Handle, MAX_DESCRIPTORS } from '@anyfork/fdpass'
import {
  aBoolean,
  aFunction,
  anAbortSignal,
  anInteger,
  checkOptions,
  type Expectations,
  isHandle,
  isLinux,
  oneOf,
} from '@anyfork/fdpass/internal'
import type { Reservation } from './slot-reservation.js'

/** Options of `FdPasser`. */
export interface FdPasserOptions {
  /**
   * A connected AF_UNIX socket, or both ends of a connection. The passer takes over numbers and `Descriptor`s. It
   * duplicates any other handle, such as a `net.Socket`; no other code may then read from that socket. With two ends,
   * call `iAmParent()` or `iAmChild()` to choose one.
   *
   * @default a new pair of stream sockets
   */
  fd?: Handle | readonly [Handle, Handle]
  /**
   * Called once when the connection ends: with `undefined` if the peer has closed its end, or with the error if the
   * connection broke. Not called after `close()` or `destroy()`. An error that it throws is an uncaught exception.
   *
   * @default a function that does nothing
   */
  onError?: (error: Error | undefined) => void
  /**
   * The largest number of descriptors in a message, from 1 to `MAX_DESCRIPTORS` of `@anyfork/fdpass`. Every peer
   * understands 1. A peer that uses this package understands any number.
   *
   * @default 1
   */
  batch?: number
  /**
   * How the passer makes sure that an arriving descriptor finds a free slot in the descriptor table. Only Linux has `'peek'`;
   * elsewhere, `'both'` means `'sentinel'`.
   *
   * @default 'both'
   */
  reservation?: Reservation
  /**
   * Leave the socket's `O_NONBLOCK` flag unchanged, because other processes share the socket. The passer never waits on
   * the socket in either case.
   *
   * @default false
   */
  dontSetNonblocking?: boolean
  /**
   * The number of descriptors waiting to be sent at which `pressure` is 1, from 1. The queue accepts more.
   *
   * @default 256
   */
  highWaterMark?: number
}

/** Options of `pushSend`. */
export interface SendOptions {
  /**
   * Leave the handle to the caller, who must keep it open until the promise settles. With `false`, the passer closes
   * the handle after sending it. A `net.Server` that is kept removes its socket file when it closes.
   *
   * @default false
   */
  keep?: boolean
}

/** Options of `accept` and `connect`. */
export interface WaitOptions {
  /**
   * Stops waiting when it aborts. The promise then rejects with the signal's reason.
   *
   * @default undefined
   */
  signal?: AbortSignal
}

const passerOptions: Expectations<FdPasserOptions> = {
  fd: { test: value => (Array.isArray(value) ? value : [value]).every(isHandle), text: 'a socket or the ends of one' },
  onError: aFunction,
  batch: anInteger(1, MAX_DESCRIPTORS),
  reservation: oneOf('sentinel', 'peek', 'both'),
  dontSetNonblocking: aBoolean,
  highWaterMark: anInteger(1),
}
const sendOptions: Expectations<SendOptions> = { keep: aBoolean }
const waitOptions: Expectations<WaitOptions> = { signal: anAbortSignal }

/** Checks the options of a passer, and returns them with their defaults, except for the socket. */
export function complete(options: FdPasserOptions): Required<Omit<FdPasserOptions, 'fd'>> {
  checkOptions('new FdPasser()', options, passerOptions)
  if (options.reservation === 'peek' && !isLinux)
    throw new TypeError("option reservation of new FdPasser() can be 'peek' only on Linux")
  const {
    onError = () => {},
    batch = 1,
    reservation = 'both',
    dontSetNonblocking = false,
    highWaterMark = 256,
  } = options
  return { onError, batch, reservation, dontSetNonblocking, highWaterMark }
}

/** Checks the options of `pushSend`, and reports whether the caller keeps the handle. */
export function isKept(options: SendOptions): boolean {
  checkOptions('pushSend()', options, sendOptions)
  return options.keep ?? false
}

/** Checks the options of `accept` or `connect`, and returns the signal. */
export function signalOf(options: WaitOptions, call: string): AbortSignal | undefined {
  checkOptions(call, options, waitOptions)
  return options.signal
}
