import { binding } from './binding.js'
import { anInteger, checkOptions } from './check-options.js'
import { Descriptor } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked } from './system-error.js'

/** How many connections may wait to be accepted, where nothing else is said. */
const BACKLOG = 128
/** The kernel takes an int, and makes less of it. */
const MOST_BACKLOG = 0x7fffffff

const listenOptions = { backlog: anInteger(0, MOST_BACKLOG) }
const ways = { read: binding.SHUT_RD, write: binding.SHUT_WR, both: binding.SHUT_RDWR }

/** Who is at the other end of a connection. */
export interface PeerCredentials {
  pid: number
  uid: number
  gid: number
}

export interface ListenOptions {
  /** How many connections may wait to be accepted; default: 128. */
  backlog?: number
}

/**
 * Makes a blocking AF_UNIX stream socket that listens at a path. A socket that
 * was left behind there is removed. One that somebody still has, and any other file, is
 * `EADDRINUSE`; so is a socket of which that cannot be told, for want of permission.
 *
 * @param path - of the socket; one that begins with `\0` is an abstract name of Linux, unix(7)
 * @returns the listening socket; the caller owns it, and the file
 * @throws TypeError, RangeError; `ENAMETOOLONG` beyond some 100 bytes; `EADDRINUSE`, `EACCES`, `ENOENT`
 */
export function listen(path: string, options: ListenOptions = {}): Descriptor {
  checkOptions('listen()', options, listenOptions)
  const { backlog = BACKLOG } = options
  return new Descriptor(checked(binding.listen(pathBytes(path), backlog), 'listen'))
}

/**
 * Takes the next connection of a listening socket, as accept(2).
 *
 * @returns a blocking socket; the caller owns it
 * @throws `EAGAIN` where the listener is non-blocking and nobody waits; `EMFILE`: the connection stays queued
 */
export function accept(listener: Handle): Descriptor {
  return new Descriptor(checked(binding.accept(descriptorNumber(listener)), 'accept'))
}

/**
 * Connects to a listening AF_UNIX stream socket.
 *
 * @returns a blocking socket; the caller owns it
 * @throws `EAGAIN` when the listener's queue is full; `ENOENT`, `ECONNREFUSED`, `ENAMETOOLONG`
 */
export function connect(path: string): Descriptor {
  return new Descriptor(checked(binding.connect(pathBytes(path)), 'connect'))
}

/** Ends one direction of a connection, or both, for all who share it, as shutdown(2). */
export function shutdown(socket: Handle, how: 'read' | 'write' | 'both'): void {
  if (!Object.hasOwn(ways, how)) throw new TypeError(`what to shut down is read, write or both, not ${String(how)}`)
  checked(binding.shutdown(descriptorNumber(socket), ways[how]), 'shutdown')
}

/**
 * Tells who made a connection, as of then: SO_PEERCRED of Linux, LOCAL_PEERCRED
 * of macOS.
 *
 * @throws `ENOTCONN` for a socket that is not connected
 */
export function peerCredentials(socket: Handle): PeerCredentials {
  const out = new Int32Array(3)
  checked(binding.peerCredentials(descriptorNumber(socket), out), 'getsockopt')
  return { pid: out[0]!, uid: out[1]! >>> 0, gid: out[2]! >>> 0 }
}

/**
 * Lets the socket file of a `net.Server` stay when that is closed. Otherwise Node removes
 * it, and whoever has the listening socket by then, another process maybe, cannot be
 * reached. Does nothing for other sockets: their files stay in any case.
 *
 * @param server - one that listens; of this thread. From now on the file is the caller's to remove
 * @throws TypeError when it does not listen; the kernel's error for what is not a socket
 */
export function keepPath(server: Handle): void {
  checked(binding.keepPath(descriptorNumber(server)), 'getsockname')
}

function pathBytes(path: string): Buffer {
  if (typeof path !== 'string') throw new TypeError('a path is a string')
  return Buffer.from(path)
}
