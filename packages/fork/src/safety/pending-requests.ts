import { binding } from '../binding.js'
import { counted } from '../counted.js'
import { ForkError } from '../errors.js'

/** How long to wait, in milliseconds. */
const PATIENCE_MS = 5000

/**
 * Waits until no request is pending in libuv's thread pool or in the kernel: a forked process would wait for it
 * forever.
 *
 * @throws `ERR_PENDING_REQUESTS`, naming what has not ended
 */
export async function waitForRequests(): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  do {
    // At least one turn, so that no fork happens within libuv's polling.
    await new Promise(setImmediate)
    if (binding.activeRequests() === 0) return
  } while (performance.now() < deadline)
  const names = process.getActiveResourcesInfo().join(', ')
  throw new ForkError(
    'ERR_PENDING_REQUESTS',
    `the template has ${counted(binding.activeRequests(), 'pending request')} that a fork would not copy; active handles and requests: ${names}`,
  )
}
