import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { Readable } from 'node:stream'
import { emptyInheritedInput } from './inherited-input.js'

const { O_APPEND, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** The descriptors of the connection. */
export interface ConnectionDescriptors {
  input: number
  output: number
}

/**
 * Keeps other code away from the connection, which came as standard input and output: `process.stdout` becomes standard
 * error, and `process.stdin` is empty. Where the system lets them, the descriptors 0 and 1 become `/dev/null` and standard
 * error, too, for code that uses the numbers, and for processes that inherit them.
 *
 * Node cannot duplicate a descriptor. But pipes can be opened again by their names in /dev/fd, and where both directions are
 * one socket, one number is enough. That stays 0: code must not use the number. Processes that would inherit it get an empty
 * input instead.
 */
export function takeStandardStreams(): ConnectionDescriptors {
  const descriptors = takeDescriptors()
  emptyInheritedInput()
  const stdin = Readable.from([])
  Object.defineProperty(process, 'stdin', { configurable: true, enumerable: true, get: () => stdin })
  Object.defineProperty(process, 'stdout', { configurable: true, enumerable: true, get: () => process.stderr })
  return descriptors
}

function takeDescriptors(): ConnectionDescriptors {
  if (process.platform === 'win32') return { input: 0, output: 1 }
  if (isOneSocket()) {
    replace(1, ['/dev/fd/2', O_WRONLY | O_APPEND], ['/dev/null', O_WRONLY])
    return { input: 0, output: 0 }
  }
  const output = reopen(1, O_WRONLY)
  if (output !== 1) replace(1, ['/dev/fd/2', O_WRONLY | O_APPEND], ['/dev/null', O_WRONLY])
  const input = reopen(0, O_RDONLY)
  if (input !== 0) replace(0, ['/dev/null', O_RDONLY])
  return { input, output }
}

/** Returns whether standard input and output are the same socket, as those of sshd are. */
function isOneSocket(): boolean {
  const [input, output] = [fstatSync(0, { bigint: true }), fstatSync(1, { bigint: true })]
  return input.isSocket() && output.isSocket() && input.dev === output.dev && input.ino === output.ino
}

/** Opens a pipe again. Returns the same number if that is not possible. */
function reopen(number: number, flags: number): number {
  try {
    return fstatSync(number).isFIFO() ? openSync(`/dev/fd/${number}`, flags | O_NONBLOCK) : number
  } catch {
    return number
  }
}

/** Closes a descriptor, and opens the first of some files that can be opened: it gets the lowest free number. */
function replace(number: number, ...files: readonly [path: string, flags: number][]): void {
  closeSync(number)
  for (const [path, flags] of files) {
    try {
      openSync(path, flags)
      return
    } catch {
      // a socket, or a file of another user
    }
  }
}
