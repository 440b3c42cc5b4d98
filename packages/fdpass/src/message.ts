import { binding } from './binding.js'
import { aBoolean, anInteger, checkOptions, type Expectations } from './check-options.js'
import { Descriptor } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked, systemError } from './system-error.js'

/** The most descriptors in one message: `SCM_MAX_FD` of Linux. */
export const MAX_DESCRIPTORS: number = binding.maxDescriptors

/** What `receiveMessage` took from a socket. */
export interface Message {
  /** How many bytes are now at the start of the buffer. */
  bytes: number
  /** The descriptors that came with them, close-on-exec; the caller owns them. */
  descriptors: Descriptor[]
  /** The peer has closed or shut down its side, and nothing is left. Only streams tell. */
  endOfFile: boolean
  /** A packet was longer than the buffer; the rest of its bytes is gone, its descriptors are here. */
  truncated: boolean
}

const sendOptions = { dontWait: aBoolean }
const sendManyOptions = { batch: anInteger(1, MAX_DESCRIPTORS), dontWait: aBoolean }
export const receiveOptions: Expectations<ReceiveOptions> = { peek: aBoolean, dontWait: aBoolean }

const outgoing = new Int32Array(MAX_DESCRIPTORS)
const incoming = new Int32Array(2 + MAX_DESCRIPTORS)

/**
 * Sends one descriptor with one zero byte, as IO::FDPass::send does.
 *
 * @param socket - an AF_UNIX socket; over others the kernel sends the byte alone, see `assertUnixSocket`
 * @param handle - what to send; the caller still owns its own copy and may close it at once
 * @throws the kernel's error: `EAGAIN` (non-blocking, queue full), `EPIPE` (peer gone), `ETOOMANYREFS`, `EBADF`
 */
export function send(socket: Handle, handle: Handle): void {
  checked(binding.sendOne(descriptorNumber(socket), descriptorNumber(handle)), 'sendmsg')
}

/**
 * Sends bytes and, with the first of them, descriptors, as sendmsg(2).
 *
 * @param socket - an AF_UNIX socket; over others the kernel sends the bytes alone, see `assertUnixSocket`
 * @param bytes - at least one where descriptors go along on a stream
 * @param handles - at most `MAX_DESCRIPTORS`; the caller still owns them
 * @returns how many bytes were taken. Fewer than all is possible on a
 *   non-blocking stream: the descriptors are then on their way, and only the
 *   rest of the bytes is to be sent again.
 * @throws TypeError, RangeError; else the kernel's error, and nothing was sent
 */
export function sendMessage(
  socket: Handle,
  bytes: Uint8Array,
  handles: readonly Handle[] = [],
  options: SendOptions = {},
): number {
  checkOptions('sendMessage()', options, sendOptions)
  const { dontWait = false } = options
  if (!Array.isArray(handles)) throw new TypeError('handles are an array')
  if (handles.length > MAX_DESCRIPTORS)
    throw new RangeError(`at most ${MAX_DESCRIPTORS} descriptors fit in a message, not ${handles.length}`)
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
 * Sends descriptors with one zero byte for each, or for each `batch`, with one call
 * for up to `MAX_DESCRIPTORS` of them.
 *
 * @param socket - an AF_UNIX stream socket; over others the kernel sends the bytes alone, see `assertUnixSocket`
 * @param handles - the caller still owns them
 * @param batch - how many go into a message, 1 to `MAX_DESCRIPTORS`; default: 1, as `send`
 * @returns how many were sent, from the first; fewer than all when these are more than
 *   one call takes, when the queue is full, or when one cannot be sent: the next call tells
 * @throws TypeError, RangeError; else the kernel's error, as `send`, and nothing was sent
 */
export function sendMany(socket: Handle, handles: readonly Handle[], options: SendManyOptions = {}): number {
  checkOptions('sendMany()', options, sendManyOptions)
  const { batch = 1, dontWait = false } = options
  if (!Array.isArray(handles)) throw new TypeError('handles are an array')
  const count = Math.min(handles.length, MAX_DESCRIPTORS)
  for (let i = 0; i < count; i++) outgoing[i] = descriptorNumber(handles[i]!)
  return checked(
    binding.sendMany(descriptorNumber(socket), outgoing, count, batch, dontWait ? binding.DONT_WAIT : 0),
    'sendmmsg',
  )
}

export interface SendManyOptions extends SendOptions {
  batch?: number
}

export interface SendOptions {
  /** Never wait: `EAGAIN` also on a blocking socket (`MSG_DONTWAIT`). */
  dontWait?: boolean
}

export interface ReceiveOptions extends SendOptions {
  /**
   * Look at the message first (`MSG_PEEK`), so that it stays queued when the
   * descriptor table has no room for it; default: true. Without, the kernel drops
   * what does not fit: for those who keep slots free themselves, in a process
   * without other threads. Only Linux can look first.
   */
  peek?: boolean
}

/**
 * Receives bytes and the descriptors that came with them, as recvmsg(2), but
 * loses none when the descriptor table is full: that is `EMFILE`, and the
 * message stays queued. There must be one reader at a time.
 *
 * @param socket - an AF_UNIX socket
 * @param buffer - where the bytes go, at least one long
 * @throws TypeError for what is no buffer, RangeError for an empty one; `EAGAIN` (non-blocking, nothing there), `EMFILE`, `ECONNRESET`;
 *   `EBADMSG` when the system refused a descriptor though there was room, and,
 *   without `peek`, when there was none: the descriptors of this message are lost
 */
export function receiveMessage(socket: Handle, buffer: Uint8Array, options: ReceiveOptions = {}): Message {
  checkOptions('receiveMessage()', options, receiveOptions)
  const { peek = true, dontWait = false } = options
  const flags = (peek ? binding.PEEK : 0) | (dontWait ? binding.DONT_WAIT : 0)
  const bytes = checked(
    binding.receive(descriptorNumber(socket), buffer, 0, buffer?.byteLength, incoming, flags),
    'recvmsg',
  )
  const count = incoming[0]!
  const descriptors: Descriptor[] = []
  for (let i = 0; i < count; i++) descriptors.push(new Descriptor(incoming[2 + i]!))
  return { bytes, descriptors, endOfFile: bytes === 0 && count === 0, truncated: incoming[1] !== 0 }
}

/**
 * Receives one descriptor sent by `send` or by IO::FDPass::send.
 *
 * @returns the descriptor, which the caller owns, or `undefined` at the end of the stream
 * @throws as `receiveMessage`; `EPROTO` when a byte came without a descriptor or with several (these are closed)
 */
export function recv(socket: Handle): Descriptor | undefined {
  const fd = binding.receiveOne(descriptorNumber(socket))
  if (fd >= 0) return new Descriptor(fd)
  if (fd === binding.END_OF_STREAM) return undefined
  throw systemError(fd, 'recvmsg')
}

/**
 * Whether a stream has ended: its peer has closed it, and all that it sent was received.
 * Takes nothing, and never waits.
 *
 * @throws `ECONNRESET` and the like
 */
export function hasEnded(socket: Handle): boolean {
  const isPending = binding.pending(descriptorNumber(socket))
  return isPending !== binding.EAGAIN && checked(isPending, 'recv') === 0
}
