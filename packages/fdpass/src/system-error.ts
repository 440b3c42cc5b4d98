import { getSystemErrorMap } from 'node:util'

const names = getSystemErrorMap()
/** Errors that Node's map lacks, by their numbers on Linux and macOS. */
const [ETOOMANYREFS, EBADMSG] = process.platform === 'linux' ? [-109, -74] : [-59, -94]
const others = new Map<number, [name: string, message: string]>([
  [ETOOMANYREFS, ['ETOOMANYREFS', 'too many references: cannot splice']],
  [EBADMSG, ['EBADMSG', 'the system refused a descriptor of this message']],
])

/** An error of the kernel, with the same properties as Node's own system errors. */
export interface SystemError extends Error {
  /** The name in errno(3), such as `'EAGAIN'`. */
  code: string
  /** The negative error number. */
  errno: number
  /** The system call that failed. */
  syscall: string
}

/**
 * Creates the error for a negative errno.
 *
 * @param errno - negative, as the addon returns it
 * @param syscall - the system call that failed, for the message
 */
export function systemError(errno: number, syscall: string): SystemError {
  const code = nameOf(errno)
  const error = new Error(`${code}: ${messageOf(errno)}, ${syscall}`)
  return Object.assign(error, { code, errno, syscall })
}

/** Returns a result of the addon, or throws the system error if it is negative. */
export function checked(result: number, syscall: string): number {
  if (result < 0) throw systemError(result, syscall)
  return result
}

function nameOf(errno: number): string {
  return (names.get(errno) ?? others.get(errno))?.[0] ?? `errno ${-errno}`
}

function messageOf(errno: number): string {
  return (names.get(errno) ?? others.get(errno))?.[1] ?? 'unknown system error'
}
