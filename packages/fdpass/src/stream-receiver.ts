import { constants } from 'node:os'
import { binding } from './binding.js'
import { aBoolean, aNumber, checkOptions } from './check-options.js'
import { Descriptor } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { MAX_DESCRIPTORS } from './message.js'
import { systemError } from './system-error.js'

export interface StreamReceiverOptions {
  /** Never wait, also where the socket is blocking; default: false. */
  dontWait?: boolean
  /** Before it sleeps, or says that nothing is there, try again and again for so many microseconds, up to a second; default: 0. */
  spin?: number
  /** Let others have the processor between the tries, where there is only one; default: false. */
  yields?: boolean
}

const MOST_SPIN_US = 1_000_000
const receiveOptions = { dontWait: aBoolean, spin: aNumber(0, MOST_SPIN_US), yields: aBoolean }
const NO_OPTIONS: StreamReceiverOptions = {}
const NOTHING_THERE = -constants.errno.EAGAIN
const incoming = new Int32Array(2 + MAX_DESCRIPTORS)

/**
 * Receives a stream of bytes, and where it is told so the descriptors in it, with few
 * system calls and nothing thrown when nothing is there: for those who receive all the
 * time. There must be one reader at a time.
 */
export class StreamReceiver {
  /** What came and was not taken yet, in order; whoever takes one owns it. */
  readonly descriptors: Descriptor[] = []
  /**
   * Whether descriptors are expected. Without, one system call suffices, and those that
   * come all the same are dropped. With, none is lost when the descriptor table is full.
   */
  takesDescriptors = false
  readonly #fd: number

  /** @param socket - an AF_UNIX stream socket; borrowed, and to be open as long as this is used */
  constructor(socket: Handle) {
    this.#fd = descriptorNumber(socket)
  }

  /**
   * Receives what is there, and waits for it where the socket is blocking.
   *
   * @param buffer - the bytes go there, from `offset` on
   * @returns how many bytes came; 0 at the end of the stream; -1 when nothing is there
   * @throws TypeError for what is no buffer, RangeError where there is no room in it, or for a time out of range; `EMFILE` when the descriptor table is full: nothing is lost, try again later; `EBADMSG` as `receiveMessage`; `ECONNRESET`
   */
  receive(buffer: Uint8Array, offset = 0, options: StreamReceiverOptions = NO_OPTIONS): number {
    if (!areValid(options)) checkOptions('receive()', options, receiveOptions)
    const { dontWait = false, spin = 0, yields = false } = options
    const flags =
      (dontWait ? binding.DONT_WAIT : 0) |
      (yields ? binding.YIELD : 0) |
      (this.takesDescriptors ? binding.PEEK : binding.BYTES_ONLY)
    const bytes = binding.receiveSpinning(this.#fd, buffer, offset, buffer?.byteLength - offset, incoming, flags, spin)
    if (bytes < 0) {
      if (bytes === NOTHING_THERE) return -1
      throw systemError(bytes, 'recvmsg')
    }
    const count = incoming[0]!
    for (let i = 0; i < count; i++) this.descriptors.push(new Descriptor(incoming[2 + i]!))
    return bytes
  }

  /** Closes what was not taken. */
  discard(): void {
    for (const descriptor of this.descriptors.splice(0)) descriptor.close()
  }
}

/**
 * Accepts valid options faster than `checkOptions`, in 20 instead of 70 ns. A call that finds nothing takes 700 ns, and
 * callers repeat it. Leaves everything that is unusual to `checkOptions`.
 */
function areValid(options: StreamReceiverOptions): boolean {
  if (options === NO_OPTIONS) return true
  if (typeof options !== 'object' || options === null) return false
  const { dontWait, spin, yields } = options
  let count = 0
  if (dontWait !== undefined) {
    if (typeof dontWait !== 'boolean') return false
    count++
  }
  if (spin !== undefined) {
    if (!(typeof spin === 'number' && spin >= 0 && spin <= MOST_SPIN_US)) return false
    count++
  }
  if (yields !== undefined) {
    if (typeof yields !== 'boolean') return false
    count++
  }
  return count > 0 && Object.keys(options).length === count
}
