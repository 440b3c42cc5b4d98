import { binding } from './binding.js'
import { Descriptor } from './descriptor.js'
import { checked } from './system-error.js'

/**
 * Makes a pipe, blocking and close-on-exec, as pipe2(2). The caller owns both ends.
 *
 * @returns the end to read from and the end to write to
 * @throws `EMFILE` and the like from the kernel
 */
export function pipe(): [read: Descriptor, write: Descriptor] {
  const pair = new Int32Array(2)
  checked(binding.pipe(pair), 'pipe2')
  return [new Descriptor(pair[0]!), new Descriptor(pair[1]!)]
}
