import { finished, type Writable } from 'node:stream'
import { getBaseline } from './baseline.js'

/**
 * Whether something that was written to standard output or error is not out yet, and will
 * be: a pipe that is full takes it later, when the event loop turns. Makes neither stream.
 */
export function hasUnwrittenOutput(): boolean {
  const { usedStreams } = getBaseline()
  if (!usedStreams.size) return false
  for (const name of usedStreams) if (isOnItsWay(process[name])) return true
  return false
}

/** Resolves when all of it is out, or cannot be. */
export async function outputWritten(): Promise<void> {
  for (const name of getBaseline().usedStreams) {
    const stream = process[name]
    if (isOnItsWay(stream)) await written(stream)
  }
}

/** What a program holds back, by `cork`, is not. */
function isOnItsWay({ writableLength, writableCorked, destroyed }: Writable): boolean {
  return writableLength > 0 && !writableCorked && !destroyed
}

function written(stream: Writable): Promise<void> {
  return new Promise(resolve => {
    if (stream.writableEnded) finished(stream, () => resolve())
    else stream.write('', () => resolve())
  })
}
