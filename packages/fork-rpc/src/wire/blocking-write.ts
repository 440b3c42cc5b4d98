import type { Descriptor } from '@anyfork/fdpass'
import type { FrameWriter } from './frame-writer.js'

/** How long to wait until there may be fewer descriptors in flight, in milliseconds. */
const CROWDED_MS = 20

/**
 * Writes all that waits, and waits by blocking while the peer does not read.
 *
 * @param socket - blocking
 * @param receiveMore - waits for something to come, where the peer has to agree to descriptors; false when nothing will
 * @throws the kernel's error
 */
export function writeAll(writer: FrameWriter, socket: Descriptor, receiveMore: () => boolean): void {
  for (;;) {
    const written = writer.writeTo(socket)
    if (written === 'all') return
    if (written === 'held' && !receiveMore()) return
    if (written === 'crowded') sleep(CROWDED_MS)
  }
}

/** Blocks for a time in milliseconds. */
export function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
