import { Descriptor } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from '../binding.js'

/** The pipe whose end is the end of this process. */
export interface Lifeline {
  /** As inherited, shared with all of the family. */
  shared: Descriptor
  /** Opened by this process, with its signal set; none where the system cannot do it. */
  own: Descriptor | undefined
}

/** Lets the kernel end this process with its owner, even in an endless loop. */
export function armLifeline({ shared, own }: Lifeline): Lifeline {
  own?.close()
  const fd = binding.armLifeline(shared.fd)
  if (fd < 0 && process.platform === 'linux') throw systemError(fd, 'fcntl')
  return { shared, own: fd < 0 ? undefined : new Descriptor(fd) }
}

/** Keeps the lifeline good for a process that has become another user. */
export function claimLifeline({ own }: Lifeline): void {
  const result = own ? binding.claimLifeline(own.fd) : 0
  if (result < 0) throw systemError(result, 'fcntl')
}

/** Lets the process live on when its owner ends; what it has left is what its copies arm. */
export function cutLifeline({ shared, own }: Lifeline): Lifeline {
  own?.close()
  return { shared, own: undefined }
}
