import { binding } from './binding.js'
import { aBoolean, anArray, anInteger, checkArgument, checkOptions, type Expectations } from './check-options.js'
import { Descriptor } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { MOST_RECEIVED } from './most-received.js'
import { checked, systemError } from './system-error.js'

/**
 * The most descriptors in one message: 253, `SCM_MAX_FD` of Linux, or 252 with musl before 1.2.4 on 64-bit systems, whose
 * sendmsg(2) refuses more.
 */
export const MAX_DESCRIPTORS: number = binding.maxDescriptors

/** What `receiveMessage` received. */
export interface Message {
  /** The number of bytes now at the start of the buffer. */
  bytes: number
  /** The descriptors that came with the bytes, close-on-exec; the caller owns them. */
  descriptors: Descriptor[]
  /**
   * Whether the peer has closed or shut down its end and nothing is left to receive. Datagram sockets do not report
   * this: there, it only means an empty message.
   */
  endOfFile: boolean
  /** Whether a packet was longer than the buffer. The rest of its bytes is lost; its descriptors are all here. */
  truncated: boolean
}

const sendOptions = { dontWait: aBoolean }
const sendManyOptions = { batch: anInteger(1, MAX_DESCRIPTORS), dontWait: aBoolean }
export const receiveOptions: Expectations<ReceiveOptions> = { peek: aBoolean, dontWait: aBoolean }

const outgoing = new Int32Array(MAX_DESCRIPTORS)
const incoming = new Int32Array(2 + MOST_RECEIVED)

/**
 * Sends one descriptor with one zero byte, like IO::FDPass::send.
 *
 * @param socket - an AF_UNIX socket, borrowed; over other sockets the kernel sends only the byte, see
 *   `assertUnixSocket`
 * @param handle - the descriptor to send; borrowed, and the caller may close it as soon as this returns
 * @throws TypeError if a handle has no descriptor
 * @throws SystemError `EAGAIN` if a non-blocking socket has no room; `EPIPE` if the peer is gone; `ETOOMANYREFS` if too
 *   many descriptors are in flight; `EBADF` if a descriptor is not open
 */
export function send(socket: Handle, handle: Handle): void {
  checked(binding.sendOne(descriptorNumber(socket), descriptorNumber(handle)), 'sendmsg')
}

/**
 * Sends bytes, and descriptors with the first of them, with sendmsg(2).
 *
 * @param socket - an AF_UNIX socket, borrowed; over other sockets the kernel sends only the bytes, see
 *   `assertUnixSocket`
 * @param bytes - what to send; on a stream, at least one byte if there are descriptors
 * @param handles - up to `MAX_DESCRIPTORS` descriptors; borrowed
 * @param options - see `SendOptions`
 * @returns the number of bytes that the socket accepted. A non-blocking stream may accept only some of them. The
 *   descriptors are then already sent: send the rest of the bytes without them.
 * @throws TypeError if `bytes` is not a Buffer or typed array, `handles` is not an array of handles, or an option is
 *   invalid
 * @throws RangeError if there are more than `MAX_DESCRIPTORS` handles
 * @throws SystemError the same codes as `send`; nothing was sent
 */
export function sendMessage(
  socket: Handle,
  bytes: Uint8Array,
  handles: readonly Handle[] = [],
  options: SendOptions = {},
): number {
  checkOptions('sendMessage()', options, sendOptions)
  const { dontWait = false } = options
  checkArgument('handles', handles, anArray)
  if (handles.length > MAX_DESCRIPTORS)
    throw new RangeError(`a message has room for ${MAX_DESCRIPTORS} descriptors, not ${handles.length}`)
  for (let i = 0; i < handles.length; i++) outgoing[i] = descriptorNumber(handles[i]!)
  return checked(
    binding.send(
      descriptorNumber(socket),
      bytes,
      0,
      bytes?.byteLength,
      outgoing,
      handles.length,
      dontWait ? binding.DONT_WAIT : 0,
    ),
    'sendmsg',
  )
}

/**
 * Sends up to `MAX_DESCRIPTORS` descriptors with one system call. Each message has one zero byte and `batch`
 * descriptors.
 *
 * @param socket - an AF_UNIX stream socket, borrowed; over other sockets the kernel sends only the bytes, see
 *   `assertUnixSocket`
 * @param handles - the descriptors to send; borrowed
 * @param options - see `SendManyOptions`
 * @returns the number of descriptors sent, counted from the first. Fewer than all are sent if there are more than
 *   `MAX_DESCRIPTORS`, if the socket has no room for more, or if one cannot be sent. In the last two cases, a call with
 *   the rest throws the reason.
 * @throws TypeError if `handles` is not an array of handles, or an option is invalid
 * @throws SystemError the same codes as `send`; nothing was sent
 */
export function sendMany(socket: Handle, handles: readonly Handle[], options: SendManyOptions = {}): number {
  checkOptions('sendMany()', options, sendManyOptions)
  const { batch = 1, dontWait = false } = options
  checkArgument('handles', handles, anArray)
  const count = Math.min(handles.length, MAX_DESCRIPTORS)
  for (let i = 0; i < count; i++) outgoing[i] = descriptorNumber(handles[i]!)
  return checked(
    binding.sendMany(descriptorNumber(socket), outgoing, count, batch, dontWait ? binding.DONT_WAIT : 0),
    'sendmmsg',
  )
}

/** Options of `sendMany`. */
export interface SendManyOptions extends SendOptions {
  /**
   * The number of descriptors in each message, from 1 to `MAX_DESCRIPTORS`. `recv` accepts only messages of 1.
   *
   * @default 1
   */
  batch?: number
}

/** Options of `sendMessage`. */
export interface SendOptions {
  /**
   * Throw `EAGAIN` instead of waiting, even on a blocking socket (`MSG_DONTWAIT`).
   *
   * @default false
   */
  dontWait?: boolean
}

/** Options of `receiveMessage` and `DescriptorReceiver`. */
export interface ReceiveOptions extends SendOptions {
  /**
   * Look at a message first (`MSG_PEEK`), so that it stays queued if the descriptor table has no room for it. With
   * `false`, the kernel closes the descriptors that do not fit, so use that only if the process has no other threads
   * and keeps slots free. Has an effect on Linux only.
   *
   * @default true
   */
  peek?: boolean
}

/**
 * Receives bytes and the descriptors that came with them, with recvmsg(2). Unlike a plain recvmsg(2), it loses no
 * descriptor when the table is full: it throws `EMFILE`, and the message stays queued. Only one reader may use the
 * socket at a time.
 *
 * @param socket - an AF_UNIX socket; borrowed
 * @param buffer - receives the bytes; at least one byte long
 * @param options - see `ReceiveOptions`
 * @returns the bytes and descriptors of one message or, on a stream, of adjacent bytes; see `Message`
 * @throws TypeError if `buffer` is not a Buffer or typed array, or an option is invalid
 * @throws RangeError if `buffer` is empty
 * @throws SystemError `EAGAIN` if nothing is queued and the call must not wait; `EMFILE` or `ENFILE` if the descriptor
 *   table is full; `ECONNRESET` if the peer closed its end without reading everything
 * @throws SystemError `EBADMSG` if the system rejected a descriptor although there was room, or, without `peek`, if
 *   there was no room; the descriptors of this message are lost
 */
export function receiveMessage(socket: Handle, buffer: Uint8Array, options: ReceiveOptions = {}): Message {
  checkOptions('receiveMessage()', options, receiveOptions)
  const { peek = true, dontWait = false } = options
  const flags = (peek ? binding.PEEK : 0) | (dontWait ? binding.DONT_WAIT : 0)
  const bytes = checked(
    binding.receive(descriptorNumber(socket), buffer, 0, buffer?.byteLength, incoming, flags, 0),
    'recvmsg',
  )
  const count = incoming[0]!
  const descriptors: Descriptor[] = []
  for (let i = 0; i < count; i++) descriptors.push(new Descriptor(incoming[2 + i]!))
  return { bytes, descriptors, endOfFile: bytes === 0 && count === 0, truncated: incoming[1] !== 0 }
}

/**
 * Receives one descriptor that `send` or IO::FDPass::send has sent. Follows IO::FDPass::recv.
 *
 * @param socket - an AF_UNIX socket; borrowed
 * @returns the descriptor, close-on-exec and owned by the caller; `undefined` at the end of the stream
 * @throws SystemError `EPROTO` if a byte came without a descriptor, or with several, which are closed; other codes as
 *   in `receiveMessage`
 */
export function recv(socket: Handle): Descriptor | undefined {
  const fd = binding.receiveOne(descriptorNumber(socket))
  if (fd >= 0) return new Descriptor(fd)
  if (fd === binding.END_OF_STREAM) return undefined
  throw systemError(fd, 'recvmsg')
}

/**
 * Reports whether a stream has ended: the peer has closed or shut down its end, and everything it sent has been
 * received. Takes nothing from the stream, and never waits.
 *
 * @param socket - borrowed
 * @throws SystemError `ECONNRESET` if the peer closed its end without reading everything; `ENOTSOCK`, `EBADF`
 */
export function hasEnded(socket: Handle): boolean {
  const isPending = binding.pending(descriptorNumber(socket))
  return isPending !== binding.EAGAIN && checked(isPending, 'recv') === 0
}
