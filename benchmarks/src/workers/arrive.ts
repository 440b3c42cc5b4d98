import { appendFileSync, closeSync, openSync } from 'node:fs'

/**
 * Appends the time and the identity of this worker to a file. Returns when another process has opened a named pipe, and
 * uses no processor until then.
 */
export function arrive(file: string, pipe: string): void {
  appendFileSync(file, `${process.hrtime.bigint()} ${process.pid}\n`)
  closeSync(openSync(pipe, 'r'))
}

export { add } from './tasks.js' // which also loads the module that the benchmark asks for
