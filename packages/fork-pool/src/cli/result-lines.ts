import { PoolStream } from '../call/pool-stream.js'
import type { Progress } from './progress.js'

/**
 * Converts a result to JSON. A stream becomes one line for each value, available once all values have arrived, so that
 * a call that fails halfway can be repeated.
 *
 * @param onStream - called if the result is a stream, before it is read
 * @returns lines without the final line feed, or `undefined` if a stream has no values
 * @throws rejects with the error of the stream, or with a TypeError for a value that JSON cannot represent
 */
export async function linesOf(result: unknown, onStream: () => void): Promise<string | undefined> {
  if (!(result instanceof PoolStream)) return lineOf(result)
  onStream()
  const lines: string[] = []
  for await (const value of result) lines.push(lineOf(value))
  return lines.length ? lines.join('\n') : undefined
}

/**
 * Writes lines to standard output, and waits until the kernel has them.
 *
 * @throws rejects with the kernel's code
 */
export async function printLines(lines: string, progress: Progress): Promise<void> {
  if (process.stdout.isTTY) progress.clear()
  await new Promise<void>((resolve, reject) =>
    process.stdout.write(`${lines}\n`, error => (error ? reject(error) : resolve())),
  )
}

function lineOf(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
}
