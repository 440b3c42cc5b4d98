import assert from 'node:assert/strict'
import { type Descriptor, dup } from '@anyfork/fdpass'

/** Takes all slots of the descriptor table that are free. */
export function fill(): Descriptor[] {
  const hoard: Descriptor[] = []
  try {
    for (;;) hoard.push(dup(0))
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EMFILE')
  }
  return hoard
}
