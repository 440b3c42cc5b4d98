import { finished, type Writable } from 'node:stream'
import { getBaseline } from './baseline.js'

/**
 * Returns whether text for standard output or error still waits in this process, as when a pipe is full. The event loop
 * will write it. Creates neither stream.
 */
export function hasUnwrittenOutput(): boolean {
  const { usedStreams } = getBaseline()
  if (!usedStreams.size) return false
  for (const name of usedStreams) if (isOnItsWay(process[name])) return true
  return false
}

/** Resolves when all of it has been written, or cannot be. */
export async function outputWritten(): Promise<void> {
  for (const name of getBaseline().usedStreams) {
    const stream = process[name]
    if (isOnItsWay(stream)) await written(stream)
  }
}

/** Text that users' code holds back by `cork` does not count. */
function isOnItsWay({ writableLength, writableCorked, destroyed }: Writable): boolean {
  return writableLength > 0 && !writableCorked && !destroyed
}

function written(stream: Writable): Promise<void> {
  return new Promise(resolve => {
    if (stream.writableEnded) finished(stream, () => resolve())
    else stream.write('', () => resolve())
  })
}
