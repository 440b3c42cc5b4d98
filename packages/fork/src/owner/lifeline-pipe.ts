import { type Descriptor, pipe } from '@anyfork/fdpass'
import { binding } from '../binding.js'
import { afterFork } from '../fork-hooks.js'
import { openUntilThreadEnd } from '../thread-end.js'

let ends: [read: Descriptor, write: Descriptor] | undefined

/**
 * Returns the read end of a pipe to which nothing is ever written. It reaches its end when this program ends, and then
 * the processes that hold it end.
 */
export function lifeline(): Descriptor {
  if (!ends) {
    ends = openUntilThreadEnd(() => pipe())
    binding.shareLifeline(ends[0].fd) // only processes that become another user depend on it: a filter may refuse it
  }
  return ends[0]
}

/**
 * Returns the read end, and closes the write end, which would keep the lifeline of this process open. Call this
 * once, in a copy of this program.
 *
 * @returns owned by the caller
 */
export function takeLifeline(): Descriptor {
  const [read, write] = ends!
  ends = undefined
  write.close()
  return read
}

afterFork(() => {
  for (const end of ends ?? []) end.close()
  ends = undefined
})
