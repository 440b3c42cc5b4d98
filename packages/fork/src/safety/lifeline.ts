import { Descriptor } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'

/** The read end of a pipe whose write end only the owner has. The kernel ends this process when the pipe ends. */
export interface Lifeline {
  /** The inherited descriptor, which the whole family shares. */
  shared: Descriptor
  /**
   * The descriptor that this process has opened anew, with its signal set. `undefined` where the system has no such
   * signal.
   */
  own: Descriptor | undefined
}

/** Makes the kernel end this process together with its owner, even in an endless loop. */
export function armLifeline({ shared, own }: Lifeline): Lifeline {
  own?.close()
  const fd = binding.armLifeline(shared.fd)
  if (fd < 0 && process.platform === 'linux') throw systemError(fd, 'fcntl')
  return { shared, own: fd < 0 ? undefined : new Descriptor(fd) }
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
