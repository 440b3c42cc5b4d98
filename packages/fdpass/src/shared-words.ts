import { binding } from './binding.js'
import { Descriptor } from './descriptor.js'
import { descriptorNumber, type Handle } from './handle.js'
import { checked, systemError } from './system-error.js'

/** Words of memory that this process can share with another one. */
export interface SharedWords {
  /** All zero at first. Use `Atomics`. */
  words: Int32Array
  /** Lets another process map the same memory. The caller owns it. */
  descriptor: Descriptor
}

/**
 * Makes memory to share with another process. Neither process can harm the other by changing the size of the memory.
 *
 * @param count - the number of words, each of 32 bits
 * @throws SystemError `ENOSYS` on other systems than Linux; `ENOTSUP` if the runtime has no buffers of shared memory;
 *   `EMFILE` or `ENFILE` if the descriptor table is full
 */
export function shareWords(count: number): SharedWords {
  const descriptor = new Descriptor(checked(binding.sharedMemory(count * 4), 'memfd_create'))
  try {
    return { words: mapSharedWords(descriptor, count), descriptor }
  } catch (error) {
    descriptor.close()
    throw error
  }
}

/**
 * Maps the memory that `shareWords` has made. It stays mapped while the array exists.
 *
 * @param handle - borrowed
 * @param count - the number of words, as for `shareWords`
 * @throws SystemError the error of mmap(2); `ENOTSUP` if the runtime has no buffers of shared memory
 */
export function mapSharedWords(handle: Handle, count: number): Int32Array {
  const buffer = binding.mapMemory(descriptorNumber(handle), count * 4)
  if (typeof buffer === 'number') throw systemError(buffer, 'mmap')
  return new Int32Array(buffer)
}
