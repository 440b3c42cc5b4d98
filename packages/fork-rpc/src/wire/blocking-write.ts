import type { Descriptor } from '@anyfork/fdpass'
import type { FrameWriter } from './frame-writer.js'

/** How long to wait until fewer descriptors may be in flight, in milliseconds. */
const CROWDED_MS = 20

/**
 * Writes all queued frames. Blocks while the peer does not read.
 *
 * @param socket - must be blocking
 * @param receiveMore - blocks until more frames have arrived, while the peer has yet to accept descriptors; returns
 *   false at the end of the stream
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

/** Blocks for a number of milliseconds. */
export function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
