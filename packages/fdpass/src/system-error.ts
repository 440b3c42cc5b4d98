import { getSystemErrorMessage, getSystemErrorName } from './system-error-names.js'

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
