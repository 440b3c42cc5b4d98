import { getBeginning } from './beginning.js'

/**
 * Whether something that was written to standard output or error is not out yet: a pipe
 * that is full takes it later, when the event loop turns. Makes neither stream.
 */
export function hasUnwrittenOutput(): boolean {
  const { usedStreams } = getBeginning()
  if (!usedStreams.size) return false
  for (const name of usedStreams) if (process[name].writableLength > 0) return true
  return false
}

/** Resolves when all of it is out, or cannot be. */
export async function outputWritten(): Promise<void> {
  for (const name of getBeginning().usedStreams) {
    if (process[name].writableLength > 0) await new Promise<void>(resolve => process[name].write('', () => resolve()))
  }
}
