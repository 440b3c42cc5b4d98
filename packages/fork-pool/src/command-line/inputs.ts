import { createInterface } from 'node:readline'
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
 * @throws SyntaxError for a line that is no JSON
 */
export async function* inputsOf(args: readonly string[], format: Format): AsyncGenerator<Input> {
  let number = 0
  for await (const text of args.length ? args : format === 'null' ? betweenNuls() : lines()) {
    number++
    yield { number, text, value: format === 'ndjson' ? parse(text, number) : text }
  }
}

async function* lines(): AsyncGenerator<string> {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) if (line !== '') yield line
}

async function* betweenNuls(): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of process.stdin) {
    const texts = (rest + decoder.decode(bytes as Buffer, { stream: true })).split('\0')
    rest = texts.pop()!
    yield* texts
  }
  if (rest !== '') yield rest
}

function parse(text: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new SyntaxError(`input ${number} is no JSON: ${(error as Error).message}`)
  }
}
