import { finished, type Writable } from 'node:stream'
import { getBaseline } from './baseline.js'

type OutputName = 'stdout' | 'stderr'
const outputNames: readonly OutputName[] = ['stdout', 'stderr']

/**
 * Returns whether text for standard output or error still waits in this process, as when a pipe is full. The event loop
 * will write it. Creates neither stream.
 */
export function hasUnwrittenOutput(): boolean {
  if (!getBaseline().usedStreams.size) return false
  for (const name of usedOutputs()) if (isOnItsWay(process[name])) return true
  return false
}

/** Resolves when all of it has been written, or cannot be: that of these streams, or by default of both. */
export async function outputWritten(names: readonly OutputName[] = usedOutputs()): Promise<void> {
  for (const name of names) {
    const stream = process[name]
    if (isOnItsWay(stream)) await written(stream)
  }
}

/** The outputs that code has used. */
export function usedOutputs(): OutputName[] {
  return outputNames.filter(name => getBaseline().usedStreams.has(name))
}

/** Whether a stream has text that will be written. Text that users' code holds back by `cork` does not count. */
export function isOnItsWay({ writableLength, writableCorked, destroyed }: Writable): boolean {
  return writableLength > 0 && !writableCorked && !destroyed
}

function written(stream: Writable): Promise<void> {
  return new Promise(resolve => {
    if (stream.writableEnded) finished(stream, () => resolve())
    else stream.write('', () => resolve())
  })
}
