import { createReadStream, ReadStream } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'

/** How standard input is divided into inputs: by line feeds, as JSON by line feeds, or by NUL bytes. */
export type Format = 'lines' | 'ndjson' | 'null'

/** One input: the argument of one call. */
export interface Input {
  /** The position among the inputs, from 1. */
  number: number
  /** The input as the user wrote it, for messages. */
  text: string
  /** The argument of the call. */
  value: unknown
}

const NUL = 0
const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const BYTE_ORDER_MARK = Buffer.from('\ufeff')

/**
 * Yields the inputs given as arguments or, if there are none, those of standard input. Skips empty lines and, in
 * `'ndjson'`, blank lines. Ignores a byte order mark at the beginning of standard input.
 *
 * @throws SyntaxError if an input is not valid JSON
 * @throws TypeError if an input is not valid UTF-8
 * @throws Error with the kernel's code if standard input cannot be read
 */
export async function* inputsOf(args: readonly string[], format: Format): AsyncGenerator<Input> {
  let number = 0
  const source = args.length ? args : format === 'null' ? texts(NUL) : lines(format)
  for await (const text of source) {
    number++
    yield { number, text, value: format === 'ndjson' ? parse(text, number) : text }
  }
}

async function* lines(format: Format): AsyncGenerator<string> {
  for await (const line of texts(LINE_FEED)) if ((format === 'ndjson' ? line.trim() : line) !== '') yield line
}

/** @param end - the byte that ends each text; a carriage return before a line feed is removed */
async function* texts(end: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let count = 0
  for await (const piece of pieces(end)) {
    const bytes = count++ === 0 ? withoutByteOrderMark(piece) : piece
    if (!bytes.length && piece.length) continue // the input has nothing else
    try {
      yield decoder.decode(end === LINE_FEED && bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes)
    } catch {
      throw new TypeError(`input ${count} of standard input is not UTF-8`)
    }
  }
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK)
    ? bytes.subarray(BYTE_ORDER_MARK.length)
    : bytes
}

/** Yields the bytes before each `end`, and the bytes after the last one, if any. */
async function* pieces(end: number): AsyncGenerator<Buffer> {
  let parts: Buffer[] = []
  for await (const chunk of standardInput() as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(end); at >= 0; at = chunk.indexOf(end, from)) {
      const last = chunk.subarray(from, at)
      yield parts.length ? Buffer.concat([...parts, last]) : last
      parts = []
      from = at + 1
    }
    if (from < chunk.length) parts.push(chunk.subarray(from))
  }
  if (parts.length) yield Buffer.concat(parts)
}

/** Returns standard input as a stream that reports errors. Node's own just ends, for example if it is a folder. */
function standardInput(): Readable {
  const stdin: Readable = process.stdin
  return stdin instanceof Socket || stdin instanceof ReadStream
    ? stdin
    : createReadStream('', { fd: 0, autoClose: false })
}

function parse(text: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new SyntaxError(`input ${number} is not valid JSON`) // the error of JSON.parse() would show the input
  }
}
