import { binding } from './binding.js'
import { checkOptions } from './check-options.js'
import { Descriptor } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { MAX_DESCRIPTORS, type ReceiveOptions, receiveOptions } from './message.js'
import { assertUnixSocket } from './socket-kind.js'
import { checked, type SystemError, systemError } from './system-error.js'

const incoming = new Int32Array(2 + MAX_DESCRIPTORS)

/**
 * Receives descriptors that come with one byte each, or several with one byte, as
 * `send` and `sendMany` send them: many at a time, with a few calls. As
 * `receiveMessage`, it loses none when the descriptor table is full.
 */
export class DescriptorReceiver {
  readonly #socket: Handle
  readonly #flags: number
  /** Messages that bring several descriptors come one by one, the others in bursts. */
  #isBurst = false
  #later: SystemError | undefined

  /**
   * @param socket - a connected AF_UNIX socket; borrowed, and nobody else may read from it
   * @param options - as those of `receiveMessage`; without `peek` it receives one message at a time
   * @throws TypeError for another socket, and for options that make no sense; `ENOTSOCK`, `EBADF`
   */
  constructor(socket: Handle, options: ReceiveOptions = {}) {
    checkOptions('new DescriptorReceiver()', options, receiveOptions)
    const { peek = true, dontWait = false } = options
    assertUnixSocket(socket, ['stream', 'seqpacket', 'dgram'])
    this.#socket = socket
    this.#flags = (peek ? binding.PEEK : 0) | (dontWait ? binding.DONT_WAIT : 0)
  }

  /**
   * Receives what is there; on a blocking socket, waits until something is.
   *
   * @param most - how many at the most; more only where the last message brings them.
   *   Fewer may come though more are there.
   * @returns the descriptors, close-on-exec, which the caller owns; none at the end of
   *   the stream; `undefined` where nothing is there yet
   * @throws as `receiveMessage` in other cases; `EPROTO` when a byte came without a descriptor
   */
  receive(most: number): Descriptor[] | undefined {
    if (!Number.isInteger(most) || most < 1)
      throw new RangeError(`at least one descriptor is to be received, not ${String(most)}`)
    const wanted = this.#isBurst && !this.#later ? Math.min(most, MAX_DESCRIPTORS) : 1
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
