import { getSystemErrorMap } from 'node:util'

const names = getSystemErrorMap()
const others = new Map<number, [name: string, message: string]>(
  process.platform === 'linux'
    ? [
        [-109, ['ETOOMANYREFS', 'too many references: cannot splice']],
        [-74, ['EBADMSG', 'the system refused a descriptor of this message']],
      ]
    : [],
)

/** An error of the kernel, in the shape that Node's own have. */
export interface SystemError extends Error {
  /** The kernel's name for it, as in errno(3): `'EAGAIN'`. */
  code: string
  /** The negative number behind the name. */
  errno: number
  /** The call that failed. */
  syscall: string
}

/**
 * Makes the error for a negative errno.
 *
 * @param errno - negative, as the addon returns it
 * @param syscall - the call that returned it, for the message
 */
export function systemError(errno: number, syscall: string): SystemError {
  const code = getSystemErrorName(errno)
  const error = new Error(`${code}: ${getSystemErrorMessage(errno)}, ${syscall}`)
  return Object.assign(error, { code, errno, syscall })
}

/** Returns a result, or throws the error that a negative one stands for. */
export function checked(result: number, syscall: string): number {
  if (result < 0) throw systemError(result, syscall)
  return result
}

/** The kernel's name of a negative errno; those that Node lacks are here. */
function getSystemErrorName(errno: number): string {
  return (names.get(errno) ?? others.get(errno))?.[0] ?? `errno ${-errno}`
}

/** What the kernel says of a negative errno. */
function getSystemErrorMessage(errno: number): string {
  return (names.get(errno) ?? others.get(errno))?.[1] ?? 'unknown system error'
}
