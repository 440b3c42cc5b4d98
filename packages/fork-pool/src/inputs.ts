import { createInterface } from 'node:readline'

/** The inputs given as arguments, or, without any, the lines of standard input that are not empty. */
export async function* inputsOf(inputs: readonly string[]): AsyncGenerator<string> {
  if (inputs.length) return yield* inputs
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) if (line !== '') yield line
}
