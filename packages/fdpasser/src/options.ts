import { type Handle, MAX_DESCRIPTORS } from '@anyfork/fdpass'
import {
  aBoolean,
  aFunction,
  anAbortSignal,
  anInteger,
  anything,
  checkOptions,
  type Expectations,
  oneOf,
} from '@anyfork/fdpass/internal'
import type { Reservation } from './slot-reservation.js'

export interface FdPasserOptions {
  /**
   * A connected AF_UNIX stream socket, or both ends of one; left out: a new pair. The
   * passer takes over numbers and `Descriptor`s; of anything else it takes a duplicate,
   * and nobody else may read from it. With two ends, `iAmParent` or `iAmChild` says
   * which one is meant.
   */
  fd?: Handle | readonly [Handle, Handle]
  /** Called once when the peer ends the connection, with `undefined`, or when it breaks, with the error. Not after `close` and `destroy`. */
  onError?: (error: Error | undefined) => void
  /** Most descriptors in a message, 1 to 253; default 1, which every peer understands. Any number is understood here. */
  batch?: number
  /** How room for received descriptors is made sure; default `'both'`. */
  reservation?: Reservation
  /** Leave the socket's `O_NONBLOCK` as it is, for others who share it; it is never waited on. Default: false. */
  dontSetNonblocking?: boolean
  /** So many descriptors wait to be sent when `pressure` is 1; default 256. */
  highWaterMark?: number
}

export interface SendOptions {
  /** The handle stays the caller's, who keeps it open until the promise has settled; default: it is closed once sent. A `net.Server` that is kept removes its socket file when it is closed. */
  keep?: boolean
}

export interface WaitOptions {
  /** Ends the waiting. */
  signal?: AbortSignal
}

const passerOptions: Expectations<FdPasserOptions> = {
  fd: anything, // assertUnixSocket() checks it
  onError: aFunction,
  batch: anInteger(1, MAX_DESCRIPTORS),
  reservation: oneOf('sentinel', 'peek', 'both'),
  dontSetNonblocking: aBoolean,
  highWaterMark: anInteger(1),
}
const sendOptions: Expectations<SendOptions> = { keep: aBoolean }
const waitOptions: Expectations<WaitOptions> = { signal: anAbortSignal }

/** The options with their defaults, those about the socket aside. @throws TypeError */
export function complete(options: FdPasserOptions): Required<Omit<FdPasserOptions, 'fd'>> {
  checkOptions('new FdPasser()', options, passerOptions)
  const {
    onError = () => {},
    batch = 1,
    reservation = 'both',
    dontSetNonblocking = false,
    highWaterMark = 256,
  } = options
  return { onError, batch, reservation, dontSetNonblocking, highWaterMark }
}

/** @throws TypeError */
export function isKept(options: SendOptions): boolean {
  checkOptions('pushSend()', options, sendOptions)
  return options.keep ?? false
}

/** @throws TypeError */
export function signalOf(options: WaitOptions, call: string): AbortSignal | undefined {
  checkOptions(call, options, waitOptions)
  return options.signal
}
