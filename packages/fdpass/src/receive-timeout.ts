import { binding } from './binding.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked } from './system-error.js'

/**
 * Sets how long a call waits for data on a blocking socket (`SO_RCVTIMEO`, socket(7)). `StreamReceiver.receive` returns
 * -1 after that time.
 *
 * @param socket - borrowed
 * @param milliseconds - an integer from 1, or 0 to wait without limit
 * @throws SystemError `ENOTSOCK`, `EBADF`
 */
export function setReceiveTimeout(socket: Handle, milliseconds: number): void {
  checked(binding.setReceiveTimeout(descriptorNumber(socket), milliseconds), 'setsockopt')
}
