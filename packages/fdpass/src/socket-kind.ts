import { binding } from './binding.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked } from './system-error.js'

/** `'stream'` carries bytes, `'seqpacket'` packets in order over a connection (not on macOS), `'dgram'` datagrams. */
export type SocketType = 'stream' | 'seqpacket' | 'dgram'

/** The kernel's number of each type. */
export const socketTypes: Record<SocketType, number> = {
  stream: binding.SOCK_STREAM,
  seqpacket: binding.SOCK_SEQPACKET,
  dgram: binding.SOCK_DGRAM,
}

/** What `socketKind` finds out about a socket. */
export interface SocketKind {
  /** Whether the socket is of the family AF_UNIX. Only these sockets carry descriptors. */
  isUnix: boolean
  /** The type; `undefined` for a type that is not listed in `SocketType`. */
  type: SocketType | undefined
  /** Whether the socket listens. Such a socket accepts connections and carries no data itself. */
  isListening: boolean
}

const out = new Int32Array(3)

/**
 * Returns the family and type of a socket, and whether it listens, with getsockopt(2).
 *
 * @param socket - borrowed
 * @throws TypeError if the handle has no descriptor
 * @throws SystemError `ENOTSOCK` if the handle is not a socket; `EBADF` if it is not open
 */
export function socketKind(socket: Handle): SocketKind {
  checked(binding.socketKind(descriptorNumber(socket), out), 'getsockopt')
  const [isUnix, number, isListening] = out
  const type = (Object.keys(socketTypes) as SocketType[]).find(name => socketTypes[name] === number)
  return { isUnix: isUnix === 1, type, isListening: isListening !== 0 }
}

/**
 * Throws unless a socket can carry descriptors: it must be of the family AF_UNIX, of a given type, and must not listen.
 * Over any other socket, the kernel sends the bytes and silently discards the descriptors. Call this before taking
 * ownership of a socket. It does not check whether the socket is connected.
 *
 * @param socket - borrowed
 * @param types - the types to accept; streams only by default
 * @throws TypeError if the socket cannot carry descriptors or has another type
 * @throws SystemError `ENOTSOCK` if the handle is not a socket; `EBADF` if it is not open
 */
export function assertUnixSocket(socket: Handle, types: readonly SocketType[] = ['stream']): void {
  const { isUnix, type, isListening } = socketKind(socket)
  if (!isUnix) throw new TypeError('expected an AF_UNIX socket: only these carry descriptors')
  if (!type || !types.includes(type))
    throw new TypeError(`expected a socket of type ${types.join(' or ')}, not ${String(type)}`)
  if (isListening) throw new TypeError('the socket listens: accept() a connection from it')
}

/** Reports whether a descriptor is a listening socket. Returns false for descriptors that are not sockets. */
export function isListening(fd: number): boolean {
  return binding.socketKind(fd, out) >= 0 && out[2] !== 0
}
