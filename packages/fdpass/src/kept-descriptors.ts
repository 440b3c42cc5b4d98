import { binding } from './binding.js'
import { checked } from './system-error.js'

/** Whether this thread may keep descriptors. Otherwise they need not be forgotten, which takes a call. */
let keepsAny = false

/**
 * Calls a function. What it opens with this package is closed when this thread ends, unless it is closed, released, or
 * forgotten before. That also holds if `worker.terminate()` ends the thread, even before the function returns.
 *
 * @param open - synchronous
 * @returns what `open` returns
 * @throws what `open` throws; `ENOMEM`
 */
export function keepOpened<T>(open: () => T): T {
  keepsAny = true
  binding.keepOpened(true)
  try {
    return open()
  } finally {
    binding.keepOpened(false)
  }
}

/**
 * Closes a descriptor when this thread ends, unless it is closed, released, or forgotten before.
 *
 * @param fd - its number; may be kept already
 * @throws `ENOMEM`
 */
export function keepDescriptor(fd: number): void {
  keepsAny = true
  checked(binding.keep(fd, true), 'realloc')
}

/** Lets a descriptor outlive this thread. Does nothing if it is not kept. */
export function forgetDescriptor(fd: number): void {
  if (keepsAny) binding.keep(fd, false)
}
