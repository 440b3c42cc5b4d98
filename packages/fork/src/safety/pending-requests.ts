import { binding } from '../binding.js'
import { ForkError } from '../errors.js'

/** How long to wait for them, in milliseconds. */
const PATIENCE_MS = 5000

/**
 * Waits until nothing is under way in libuv's thread pool or on its way to the
 * kernel: a forked process would wait for it for ever.
 *
 * @throws `ERR_PENDING_REQUESTS`, naming what did not end
 */
export async function waitForRequests(): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  do {
    await new Promise(setImmediate) // also: no fork from within libuv's polling
    if (binding.activeRequests() === 0) return
  } while (performance.now() < deadline)
  const names = process.getActiveResourcesInfo().join(', ')
  throw new ForkError(
    'ERR_PENDING_REQUESTS',
    `the template has ${binding.activeRequests()} requests under way that a fork would not copy; active are: ${names}`,
  )
}
