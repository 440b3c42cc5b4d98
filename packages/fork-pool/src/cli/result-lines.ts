import { PoolStream } from '../call/pool-stream.js'

/**
 * A result as JSON; what is iterated over as a line for each value, once all have come, so
 * that a call that fails in between can be made again.
 *
 * @param onStream - called when it is iterated over, before that begins
 * @returns lines without the last line's end; `undefined` where there is none
 * @throws rejects with what went wrong with a value
 */
export async function linesOf(result: unknown, onStream: () => void): Promise<string | undefined> {
  if (!(result instanceof PoolStream)) return lineOf(result)
  onStream()
  const lines: string[] = []
  for await (const value of result) lines.push(lineOf(value))
  return lines.length ? lines.join('\n') : undefined
}

function lineOf(value: unknown): string {
  return JSON.stringify(value) ?? 'null'
}
