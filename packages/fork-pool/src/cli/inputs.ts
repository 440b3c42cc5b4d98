import { createReadStream, ReadStream } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { TextDecoder } from 'node:util'

/** How inputs are told apart on standard input. */
export type Format = 'lines' | 'ndjson' | 'null'

/** One input: what the function is called with, and how it is named in messages. */
export interface Input {
  /** From 1. */
  number: number
  text: string
  value: unknown
}

const NUL = 0
const LINE_FEED = 10
const CARRIAGE_RETURN = 13

/**
 * The inputs given as arguments, or, without any, those of standard input: lines that are
 * not empty, JSON for each line that is not blank, or texts with a NUL after each.
 *
 * @throws SyntaxError for a line that is no JSON; TypeError for what is not UTF-8; Error when standard input cannot be read
 */
export async function* inputsOf(args: readonly string[], format: Format): AsyncGenerator<Input> {
  let number = 0
  for await (const text of args.length ? args : format === 'null' ? texts(NUL) : lines(format)) {
    number++
    yield { number, text, value: format === 'ndjson' ? parse(text, number) : text }
  }
}

async function* lines(format: Format): AsyncGenerator<string> {
  for await (const line of texts(LINE_FEED)) if ((format === 'ndjson' ? line.trim() : line) !== '') yield line
}

async function* texts(end: number): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let count = 0
  for await (const bytes of pieces(end)) {
    count++
    try {
      yield decoder.decode(end === LINE_FEED && bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes)
    } catch {
      throw new TypeError(`input ${count} of standard input is not UTF-8`)
    }
  }
}

/** What is between the ends, the last of which may be missing. */
async function* pieces(end: number): AsyncGenerator<Buffer> {
  let begun: Buffer[] = []
  for await (const chunk of standardInput() as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(end); at >= 0; at = chunk.indexOf(end, from)) {
      const last = chunk.subarray(from, at)
      yield begun.length ? Buffer.concat([...begun, last]) : last
      begun = []
      from = at + 1
    }
    if (from < chunk.length) begun.push(chunk.subarray(from))
  }
  if (begun.length) yield Buffer.concat(begun)
}

/** As a stream that tells what goes wrong; of a folder, for instance, Node's own would just end. */
function standardInput(): Readable {
  const stdin: Readable = process.stdin
  return stdin instanceof Socket || stdin instanceof ReadStream
    ? stdin
    : createReadStream('', { fd: 0, autoClose: false })
}

function parse(text: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SyntaxError(`input ${number} is no JSON: ${(error as Error).message}`)
  }
}
