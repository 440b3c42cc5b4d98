import { Server } from 'node:net'
import { binding } from './binding.js'
import { anInteger, checkArgument, checkOptions, describeValue, type Expectation, oneOf } from './check-options.js'
import { Descriptor, dup } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked } from './system-error.js'

const DEFAULT_BACKLOG = 128
/** The kernel takes an int, and reduces it to its own limit. */
const MOST_BACKLOG = 0x7fffffff

const listenOptions = { backlog: anInteger(0, MOST_BACKLOG) }
const directions = { read: binding.SHUT_RD, write: binding.SHUT_WR, both: binding.SHUT_RDWR }
const aServer: Expectation = { test: value => value instanceof Server, text: 'a net.Server' }
const aDirection = oneOf(...Object.keys(directions))

/** The process at the other end of a connection, as it was when the connection was made. */
export interface PeerCredentials {
  /** The process id. */
  pid: number
  /** The effective user id. */
  uid: number
  /** The effective group id. */
  gid: number
}

/** Options of `listen`. */
export interface ListenOptions {
  /**
   * The number of connections that can wait to be accepted, from 0.
   *
   * @default 128
   */
  backlog?: number
}

/**
 * Creates a blocking AF_UNIX stream socket that listens at a path. Removes a dead socket file that an earlier process
 * left at the path.
 *
 * @param path - the path of the socket; on Linux, a path that begins with `\0` is an abstract name, see unix(7)
 * @param options - see `ListenOptions`
 * @returns the listening socket; the caller owns it and the socket file
 * @throws TypeError if `path` is not a string, or an option is invalid
 * @throws SystemError `EADDRINUSE` if another process still has the socket at the path, if its state cannot be
 *   determined for want of permission, or if another kind of file is there; `ENAMETOOLONG` if the path is longer than
 *   about 100 bytes; `EACCES`, `ENOENT`
 */
export function listen(path: string, options: ListenOptions = {}): Descriptor {
  checkOptions('listen()', options, listenOptions)
  const { backlog = DEFAULT_BACKLOG } = options
  return new Descriptor(checked(binding.listen(pathBytes(path), backlog), 'listen'))
}

/**
 * Accepts the next connection of a listening socket, with accept(2).
 *
 * @param listener - borrowed
 * @returns a blocking socket; the caller owns it
 * @throws SystemError `EAGAIN` if the listener is non-blocking and no connection waits; `EMFILE` or `ENFILE` if the
 *   descriptor table is full, in which case the connection stays queued; `EINVAL` if the socket does not listen
 */
export function accept(listener: Handle): Descriptor {
  return new Descriptor(checked(binding.accept(descriptorNumber(listener)), 'accept'))
}

/**
 * Connects to a listening AF_UNIX stream socket.
 *
 * @param path - the path or abstract name of the listener, see `listen`
 * @returns a blocking socket; the caller owns it
 * @throws TypeError if `path` is not a string
 * @throws SystemError `EAGAIN` if the listener's queue is full; `ENOENT` if the path does not exist; `ECONNREFUSED` if
 *   no process listens; `ENAMETOOLONG`, `EINVAL`, `EACCES`
 */
export function connect(path: string): Descriptor {
  return new Descriptor(checked(binding.connect(pathBytes(path), binding.SOCK_STREAM), 'connect'))
}

/**
 * Ends one or both directions of a connection for every process that shares the socket, with shutdown(2).
 *
 * @param socket - borrowed
 * @param how - the direction, as this end sees it
 * @throws TypeError if `how` is invalid
 * @throws SystemError `ENOTCONN` if the socket is not connected; `ENOTSOCK`, `EBADF`
 */
export function shutdown(socket: Handle, how: 'read' | 'write' | 'both'): void {
  checkArgument('the direction of shutdown()', how, aDirection)
  checked(binding.shutdown(descriptorNumber(socket), directions[how]), 'shutdown')
}

/**
 * Returns the process that made the connection: SO_PEERCRED on Linux, LOCAL_PEERCRED on macOS.
 *
 * @param socket - borrowed
 * @throws SystemError `ENOTCONN` if the socket is not connected; `ENOTSOCK`, `EBADF`
 */
export function peerCredentials(socket: Handle): PeerCredentials {
  const out = new Int32Array(3)
  checked(binding.peerCredentials(descriptorNumber(socket), out), 'getsockopt')
  return { pid: out[0]!, uid: out[1]! >>> 0, gid: out[2]! >>> 0 }
}

/**
 * Keeps the socket file of a `net.Server` when the server closes. Otherwise Node removes the file, and clients can no
 * longer reach a process to which the listening socket was passed. Does nothing for a handle that Node did not bind to
 * a path.
 *
 * @param server - a listening server of this thread; from now on, the caller removes the socket file
 * @throws TypeError if the server does not listen
 * @throws SystemError `ENOTSOCK` if the handle is not a socket; `EBADF`
 */
export function keepPath(server: Handle): void {
  checked(binding.keepPath(descriptorNumber(server)), 'getsockname')
}

/**
 * Takes the listening socket out of a `net.Server`, which closes, so that this process decides itself when it accepts
 * connections: see `acceptAll`. So you can use everything that `server.listen()` can do, such as host names and
 * `reusePort`.
 *
 * Call this in the `'listening'` event of the server, or right after `await once(server, 'listening')`. Later, Node may
 * already have accepted a connection, which then belongs to the server.
 *
 * @param server - a listening server of this thread, without a `'connection'` listener
 * @returns the listening socket; the caller owns it, and removes the socket file if the server listens at a path
 * @throws TypeError if `server` is not a `net.Server`, or does not listen
 * @throws SystemError `EMFILE` if the descriptor table is full; the server then goes on
 */
export function takeListener(server: Server): Descriptor {
  checkArgument('the server of takeListener()', server, aServer)
  const listener = dup(server)
  keepPath(server)
  server.close()
  return listener
}

function pathBytes(path: string): Buffer {
  if (typeof path !== 'string') throw new TypeError(`the path must be a string, not ${describeValue(path)}`)
  return Buffer.from(path)
}
