import { Descriptor } from '@anyfork/fdpass'
import { isLinux, systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'

/** The read end of a pipe whose write end only the owner has. The kernel ends this process when the pipe ends. */
export interface Lifeline {
  /** The inherited descriptor, which the whole family shares. */
  shared: Descriptor
  /**
   * What this process has opened for itself: the pipe anew, with its signal set, or on other systems than Linux, a pipe to
   * a thread that watches the lifeline. `undefined` once it is cut.
   */
  own: Descriptor | undefined
}

/**
 * Makes the kernel, or on other systems than Linux a thread, end this process together with its owner, even in an endless
 * loop.
 *
 * @throws the error of open(2), fcntl(2), pipe(2), or pthread_create(3)
 */
export function armLifeline({ shared, own }: Lifeline): Lifeline {
  own?.close()
  const fd = binding.armLifeline(shared.fd)
  if (fd < 0) throw systemError(fd, isLinux ? 'fcntl' : 'pipe')
  return { shared, own: new Descriptor(fd) }
}

/** Keeps the lifeline working after this process has changed its user. */
export function claimLifeline({ own }: Lifeline): void {
  const result = own ? binding.claimLifeline(own.fd, binding.getpid()) : 0
  if (result < 0) throw systemError(result, 'fcntl')
}

/** Lets this process outlive its owner. Copies of it arm the remaining descriptor. */
export function cutLifeline({ shared, own }: Lifeline): Lifeline {
  own?.close()
  return { shared, own: undefined }
}
