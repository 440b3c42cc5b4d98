import { binding } from './binding.js'
import { Descriptor } from './descriptor.js'
import { checked } from './system-error.js'

const types: Record<'stream' | 'seqpacket' | 'dgram', number> = {
  stream: binding.SOCK_STREAM,
  seqpacket: binding.SOCK_SEQPACKET,
  dgram: binding.SOCK_DGRAM,
}

/** What kind of socket: a byte stream, a stream of packets (not on macOS), or datagrams. */
export interface SocketpairOptions {
  type?: 'stream' | 'seqpacket' | 'dgram'
}

/**
 * Makes two connected AF_UNIX sockets, blocking and close-on-exec, as
 * socketpair(2). The caller owns both.
 *
 * @throws TypeError for an unknown type; `EMFILE` and the like from the kernel
 */
export function socketpair(options: SocketpairOptions = {}): [Descriptor, Descriptor] {
  const type = types[options.type ?? 'stream']
  if (type === undefined) throw new TypeError(`unknown socket type ${String(options.type)}`)
  const pair = new Int32Array(2)
  checked(binding.socketpair(type, pair), 'socketpair')
  return [new Descriptor(pair[0]!), new Descriptor(pair[1]!)]
}
