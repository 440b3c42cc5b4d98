import { fchmodSync } from 'node:fs'
import { type Descriptor, pipe } from '@anyfork/fdpass'
import { afterFork } from '../fork-hooks.js'
import { closeAtThreadEnd } from '../thread-end.js'

let ends: [read: Descriptor, write: Descriptor] | undefined

/** The end to read from of a pipe that nobody writes to: it ends when this process does, and all that hold it with it. */
export function lifeline(): Descriptor {
  if (!ends) {
    ends = pipe()
    fchmodSync(ends[0].fd, 0o444) // each opens it anew, also as another user
    for (const end of ends) closeAtThreadEnd(end)
  }
  return ends[0]
}

/**
 * To be called in a copy of this program, once: closes the end to write to, which would keep
 * the copy alive, and hands out the one to read from. The caller owns it.
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
