import { binding } from './binding.js'

/** A byte stream, a stream of packets (not on macOS), or datagrams. */
export type SocketType = 'stream' | 'seqpacket' | 'dgram'

/** The kernel's numbers. */
export const socketTypes: Record<SocketType, number> = {
  stream: binding.SOCK_STREAM,
  seqpacket: binding.SOCK_SEQPACKET,
  dgram: binding.SOCK_DGRAM,
}
