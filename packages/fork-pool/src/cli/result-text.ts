import { PoolStream } from '../call/pool-stream.js'

/** What is printed for a result, without the final line feed. */
export type ResultText = string | Buffer

/**
 * Converts a result to the text that is printed. A stream becomes one line for each value, available once all values
 * have arrived, so that a call that fails halfway can be repeated.
 *
 * @param isRaw - whether strings and binaries are printed as they are, rather than as JSON
 * @param onStream - called if the result is a stream, before it is read
 * @returns `undefined` if a stream has no values
 * @throws rejects with the error of the stream, or with a TypeError for a value that JSON cannot represent
 */
export async function textOfResult(
  result: unknown,
  isRaw: boolean,
  onStream: () => void,
): Promise<ResultText | undefined> {
  if (!(result instanceof PoolStream)) return textOfValue(result, isRaw)
  onStream()
  const lines: ResultText[] = []
  for await (const value of result) lines.push(textOfValue(value, isRaw))
  return lines.length ? joined(lines) : undefined
}

/** Puts a tag and a tab before each line. */
export function tagged(tag: string, text: ResultText): ResultText {
  const prefix = `${tag}\t`
  if (typeof text === 'string') return prefix + text.replaceAll('\n', () => `\n${prefix}`)
  const bytes = tagged(Buffer.from(tag).toString('latin1'), text.toString('latin1')) as string // keeps every byte
  return Buffer.from(bytes, 'latin1')
}

/**
 * Writes a text and a line feed to standard output, and waits until the kernel has them.
 *
 * @throws rejects with the kernel's code
 */
export async function printText(text: ResultText): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    process.stdout.write(joined([text, '']), error => (error ? reject(error) : resolve())),
  )
}

function textOfValue(value: unknown, isRaw: boolean): ResultText {
  if (isRaw && typeof value === 'string') return value
  if (isRaw && value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return JSON.stringify(value) ?? 'null'
}

function joined(lines: ResultText[]): ResultText {
  if (lines.every(line => typeof line === 'string')) return lines.join('\n')
  return Buffer.concat(lines.flatMap((line, i) => [Buffer.from(i ? '\n' : ''), Buffer.from(line as string)]))
}
