import { binding } from './binding.js'
import { checkOptions, oneOf } from './check-options.js'
import { Descriptor } from './descriptor.js'
import { type SocketType, socketTypes } from './socket-kind.js'
import { checked } from './system-error.js'

const socketpairOptions = { type: oneOf(...Object.keys(socketTypes)) }

export interface SocketpairOptions {
  /** Default: `'stream'`. */
  type?: SocketType
}

/**
 * Makes two connected AF_UNIX sockets, blocking and close-on-exec, as
 * socketpair(2). The caller owns both.
 *
 * @throws TypeError for options that make no sense; `EMFILE` and the like from the kernel
 */
export function socketpair(options: SocketpairOptions = {}): [Descriptor, Descriptor] {
  checkOptions('socketpair()', options, socketpairOptions)
  const { type = 'stream' } = options
  const pair = new Int32Array(2)
  checked(binding.socketpair(socketTypes[type], pair), 'socketpair')
  return [new Descriptor(pair[0]!), new Descriptor(pair[1]!)]
}

/**
 * Makes a pipe, blocking and close-on-exec, as pipe2(2). The caller owns both ends.
 *
 * @returns the end to read from and the end to write to
 * @throws `EMFILE` and the like from the kernel
 */
export function pipe(): [read: Descriptor, write: Descriptor] {
  const pair = new Int32Array(2)
  checked(binding.pipe(pair), 'pipe2')
  return [new Descriptor(pair[0]!), new Descriptor(pair[1]!)]
}
