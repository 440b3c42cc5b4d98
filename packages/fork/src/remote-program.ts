import { readFileSync } from 'node:fs'
import { REMOTE_PROGRAM } from './entry-files.js'

let program: Buffer | undefined

/** Returns the program that a remote process runs, as one CommonJS module without dependencies. */
export function remoteProgram(): Buffer {
  return (program ??= readFileSync(REMOTE_PROGRAM))
}
