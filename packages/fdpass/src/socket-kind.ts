import { binding } from './binding.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked } from './system-error.js'

/** A byte stream, a stream of packets (not on macOS), or datagrams. */
export type SocketType = 'stream' | 'seqpacket' | 'dgram'

/** The kernel's numbers. */
export const socketTypes: Record<SocketType, number> = {
  stream: binding.SOCK_STREAM,
  seqpacket: binding.SOCK_SEQPACKET,
  dgram: binding.SOCK_DGRAM,
}

/** What a socket is. */
export interface SocketKind {
  /** Whether it is of the family AF_UNIX: only these carry descriptors. */
  isUnix: boolean
  /** `undefined`: another one. */
  type: SocketType | undefined
  /** Whether connections are accepted from it: it carries nothing itself. */
  isListening: boolean
}

const out = new Int32Array(3)

/**
 * Tells what a socket is, and changes nothing.
 *
 * @throws TypeError for what has no descriptor; `ENOTSOCK` for what is no socket, `EBADF` for what is not open
 */
export function socketKind(socket: Handle): SocketKind {
  checked(binding.socketKind(descriptorNumber(socket), out), 'getsockopt')
  const [isUnix, number, isListening] = out
  const type = (Object.keys(socketTypes) as SocketType[]).find(name => socketTypes[name] === number)
  return { isUnix: isUnix === 1, type, isListening: isListening !== 0 }
}

/**
 * Makes sure that a socket is one that carries descriptors: of the family AF_UNIX, of one
 * of these types, and not one that listens. The kernel ignores descriptors that are sent over
 * others. For who takes over a socket, before that; whether it has a peer shows when it is used.
 *
 * @param socket - borrowed
 * @param types - default: streams only
 * @throws TypeError where it is none; `ENOTSOCK`, `EBADF`
 */
export function assertUnixSocket(socket: Handle, types: readonly SocketType[] = ['stream']): void {
  const { isUnix, type, isListening } = socketKind(socket)
  if (!isUnix) throw new TypeError('only AF_UNIX sockets carry descriptors')
  if (!type || !types.includes(type))
    throw new TypeError(`expected a socket of type ${types.join(' or ')}, not ${String(type)}`)
  if (isListening) throw new TypeError('the socket listens: accept() a connection from it')
}

/** Whether a descriptor is a socket that listens; nothing else does. */
export function isListening(fd: number): boolean {
  return binding.socketKind(fd, out) >= 0 && out[2] !== 0
}
