import { binding } from './binding.js'
import { descriptorNumber, type Handle } from './handle.js'
import { isLinux } from './platform.js'
import { checked } from './system-error.js'

/** The process that has sent bytes, as the kernel says. */
export interface Sender {
  /** Its pid in the pid namespace of this process; 0 if it is in another one, or the kernel does not know it. */
  readonly pid: number
  /** Its real user id. */
  readonly uid: number
}

const out = new Int32Array(2)

/**
 * Lets the kernel attach to all bytes that are sent to a socket from now on which process has sent them, or no longer
 * (`SO_PASSCRED`, unix(7)). Meanwhile, a call receives bytes of one sender only.
 *
 * @param socket - an AF_UNIX socket; borrowed
 * @returns whether the system can do that; only Linux can
 * @throws SystemError `ENOTSOCK`, `EBADF`
 */
export function passCredentials(socket: Handle, on: boolean): boolean {
  const result = binding.passCredentials(descriptorNumber(socket), on)
  return isLinux ? checked(result, 'setsockopt') === 0 : false
}

/**
 * Returns which process has sent the next byte of a stream. Takes nothing from the stream, and never waits.
 *
 * @param socket - a socket for which `passCredentials` has returned true; borrowed
 * @returns `undefined` if there is no next byte, or the connection has failed, as the next call that receives reports
 */
export function peekSender(socket: Handle): Sender | undefined {
  if (binding.peekSender(descriptorNumber(socket), out) <= 0) return undefined
  return { pid: out[0]!, uid: out[1]! >>> 0 }
}
