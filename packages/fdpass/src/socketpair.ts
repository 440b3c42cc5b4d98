import { binding } from './binding.js'
import { checkOptions, oneOf } from './check-options.js'
import { Descriptor } from './descriptor.js'
import { type SocketType, socketTypes } from './socket-kind.js'
import { checked } from './system-error.js'

const socketpairOptions = { type: oneOf(...Object.keys(socketTypes)) }

/** Options of `socketpair`. */
export interface SocketpairOptions {
  /**
   * The type of the sockets.
   *
   * @default 'stream'
   */
  type?: SocketType
}

/**
 * Creates two connected AF_UNIX sockets with socketpair(2). They are blocking and close-on-exec.
 *
 * @param options - see `SocketpairOptions`
 * @returns both sockets; the caller owns them
 * @throws TypeError if an option is invalid
 * @throws SystemError `EMFILE` or `ENFILE` if the descriptor table is full; `EPROTONOSUPPORT` if the system lacks the
 *   type
 */
export function socketpair(options: SocketpairOptions = {}): [Descriptor, Descriptor] {
  checkOptions('socketpair()', options, socketpairOptions)
  const { type = 'stream' } = options
  const pair = new Int32Array(2)
  checked(binding.socketpair(socketTypes[type], pair), 'socketpair')
  return [new Descriptor(pair[0]!), new Descriptor(pair[1]!)]
}

/**
 * Creates a pipe with pipe2(2). Both ends are blocking and close-on-exec.
 *
 * @returns the end to read from and the end to write to; the caller owns them
 * @throws SystemError `EMFILE` or `ENFILE` if the descriptor table is full
 */
export function pipe(): [read: Descriptor, write: Descriptor] {
  const pair = new Int32Array(2)
  checked(binding.pipe(pair), 'pipe2')
  return [new Descriptor(pair[0]!), new Descriptor(pair[1]!)]
}
