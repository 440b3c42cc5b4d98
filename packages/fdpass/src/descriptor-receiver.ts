import { binding } from './binding.js'
import { checkOptions, describeValue } from './check-options.js'
import { Descriptor } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { type ReceiveOptions, receiveOptions } from './message.js'
import { MOST_RECEIVED } from './most-received.js'
import { assertUnixSocket } from './socket-kind.js'
import { checked, type SystemError, systemError } from './system-error.js'

const incoming = new Int32Array(2 + MOST_RECEIVED)

/**
 * Receives the descriptors that `send` and `sendMany` send: messages of one byte with one or more descriptors. Takes
 * many messages with few system calls. Like `receiveMessage`, it loses no descriptor when the table is full.
 */
export class DescriptorReceiver {
  readonly #socket: Handle
  readonly #flags: number
  /** Whether to receive in bursts. Messages with several descriptors are received one by one. */
  #isBurst = false
  /** An error that follows descriptors already returned; the next call throws it. */
  #later: SystemError | undefined

  /**
   * @param socket - a connected AF_UNIX socket; borrowed, and no other code may read from it
   * @param options - the same as for `receiveMessage`; without `peek`, it receives one message at a time
   * @throws TypeError if the socket cannot carry descriptors, or an option is invalid
   * @throws SystemError `ENOTSOCK` if the handle is not a socket; `EBADF` if it is not open
   */
  constructor(socket: Handle, options: ReceiveOptions = {}) {
    checkOptions('new DescriptorReceiver()', options, receiveOptions)
    const { peek = true, dontWait = false } = options
    assertUnixSocket(socket, ['stream', 'seqpacket', 'dgram'])
    this.#socket = socket
    this.#flags = (peek ? binding.PEEK : 0) | (dontWait ? binding.DONT_WAIT : 0)
  }

  /**
   * Receives queued descriptors. On a blocking socket, waits for the first one.
   *
   * @param most - the number of descriptors to receive, from 1. The result has more only if the last message brings
   *   more, and can have fewer although more are queued.
   * @returns the descriptors, close-on-exec and owned by the caller; an empty array at the end of the stream;
   *   `undefined` if nothing is queued
   * @throws RangeError if `most` is not a positive integer
   * @throws SystemError `EPROTO` if a byte came without a descriptor; `EMFILE`, `ENFILE`, `EBADMSG`, and `ECONNRESET`
   *   as in `receiveMessage`
   */
  receive(most: number): Descriptor[] | undefined {
    if (!Number.isInteger(most) || most < 1)
      throw new RangeError(
        `the number of descriptors to receive must be a positive integer, not ${describeValue(most)}`,
      )
    const wanted = this.#isBurst && !this.#later ? Math.min(most, MOST_RECEIVED) : 1
    const result = binding.receiveMany(descriptorNumber(this.#socket), incoming, wanted, this.#flags)
    if (incoming[1]) this.#later = systemError(incoming[1], 'recvmmsg')
    if (result === binding.EAGAIN) return undefined
    const count = checked(result, 'recvmsg')
    if (count === 0 && this.#later) {
      const error = this.#later
      this.#later = undefined
      throw error
    }
    this.#isBurst = count === 1 || incoming[0] === 1
    const descriptors: Descriptor[] = []
    for (let i = 0; i < count; i++) descriptors.push(new Descriptor(incoming[2 + i]!))
    return descriptors
  }
}
