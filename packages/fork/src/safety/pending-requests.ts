import { setImmediate, setTimeout } from 'node:timers/promises'
import { binding } from '../binding.js'
import { counted } from '../counted.js'
import { ForkError } from '../errors.js'

/** How long to wait, in milliseconds. */
const PATIENCE_MS = 5000
/** The longest interval between two checks, in milliseconds. */
const MOST_INTERVAL_MS = 4

/**
 * Waits until no request is pending in libuv's thread pool or in the kernel: a forked process would wait for it
 * forever.
 *
 * @throws `ERR_PENDING_REQUESTS`, naming what has not ended
 */
export async function waitForRequests(): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  await setImmediate() // at least one turn, so that no fork happens within libuv's polling
  for (let interval = 1; binding.activeRequests() > 0; interval = Math.min(2 * interval, MOST_INTERVAL_MS)) {
    if (performance.now() >= deadline) throw pendingRequests()
    await setTimeout(interval)
  }
}

function pendingRequests(): ForkError {
  const names = process.getActiveResourcesInfo().join(', ')
  return new ForkError(
    'ERR_PENDING_REQUESTS',
    `the template has ${counted(binding.activeRequests(), 'pending request')} that a fork would not copy; active handles and requests: ${names}`,
  )
}
