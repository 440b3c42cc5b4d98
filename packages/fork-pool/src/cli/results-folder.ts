import { appendFileSync, createReadStream, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { Input } from './inputs.js'
import { type ResultText, tagged } from './result-text.js'

/** The folder of `--results`. It has a folder for each input, named by its number, as `--results 'folder/{#}/'` of GNU parallel. */
export interface ResultsFolder {
  /** Descriptors of the files for what modules print while they load, for standard output and error. */
  readonly descriptors: readonly [number, number]
  /**
   * Makes the folder of an input, with the file `input`. Removes the files of an earlier call.
   *
   * @returns its path
   */
  begin(input: Input): string
  /** Writes the file `result`. */
  addResult(input: Input, result: ResultText): void
  /** Appends to the file `stderr`. */
  addFailure(input: Input, text: string): void
  /** Copies what a call has printed to standard error. @param tag - begins each line */
  repeatOutput(input: Input, tag: string | undefined): Promise<void>
}

/** @throws Error with the kernel's code if the folder cannot be made or written to */
export function openResultsFolder(folder: string): ResultsFolder {
  const root = resolve(folder)
  mkdirSync(root, { recursive: true })
  const open = (name: string): number => openSync(join(root, name), 'w')
  const folderOf = ({ number }: Input): string => join(root, String(number))
  return {
    descriptors: [open('stdout'), open('stderr')],
    begin: input => {
      const made = folderOf(input)
      mkdirSync(made, { recursive: true })
      for (const name of ['result', 'stdout', 'stderr']) rmSync(join(made, name), { force: true })
      writeFileSync(join(made, 'input'), input.text)
      return made
    },
    addResult: (input, result) => writeFileSync(join(folderOf(input), 'result'), result),
    addFailure: (input, text) => appendFileSync(join(folderOf(input), 'stderr'), `${text}\n`),
    repeatOutput: async (input, tag) => {
      for (const name of ['stdout', 'stderr']) await repeat(join(folderOf(input), name), tag)
    },
  }
}

async function repeat(file: string, tag: string | undefined): Promise<void> {
  if (!existsSync(file)) return // no worker has begun the call
  const input = createReadStream(file)
  if (tag === undefined) for await (const chunk of input) process.stderr.write(chunk as Buffer)
  else for await (const line of createInterface({ input })) process.stderr.write(`${tagged(tag, line)}\n`)
}
