import { createReadStream, ReadStream } from 'node:fs'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
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

/**
 * The inputs given as arguments, or, without any, those of standard input: lines that are
 * not empty, JSON for each line, or texts with a NUL after each.
 *
 * @throws SyntaxError for a line that is no JSON; Error when standard input cannot be read
 */
export async function* inputsOf(args: readonly string[], format: Format): AsyncGenerator<Input> {
  let number = 0
  for await (const text of args.length ? args : format === 'null' ? betweenNuls() : lines()) {
    number++
    yield { number, text, value: format === 'ndjson' ? parse(text, number) : text }
  }
}

async function* lines(): AsyncGenerator<string> {
  for await (const line of createInterface({ input: standardInput(), crlfDelay: Infinity })) if (line !== '') yield line
}

async function* betweenNuls(): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of standardInput()) {
    const texts = (rest + decoder.decode(bytes as Buffer, { stream: true })).split('\0')
    rest = texts.pop()!
    yield* texts
  }
  if (rest !== '') yield rest
}

/** As a stream that tells what goes wrong; of a folder, for instance, Node's own would just end. */
function standardInput(): Readable {
  const stdin: Readable = process.stdin
  return stdin instanceof Socket || stdin instanceof ReadStream ? stdin : createReadStream('', { fd: 0, autoClose: false })
}

function parse(text: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SyntaxError(`input ${number} is no JSON: ${(error as Error).message}`)
  }
}
