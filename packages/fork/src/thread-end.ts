import { isMainThread } from 'node:worker_threads'
import { type Descriptor } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from './binding.js'

/**
 * Lets a descriptor be closed when this thread ends, also when it runs no code then, as
 * by `worker.terminate()`: what is open in one thread stays open in the others.
 *
 * @returns undoes it; to be called before the descriptor is closed
 */
export function closeAtThreadEnd(descriptor: Descriptor): () => void {
  return untilThreadEnd(binding.keepFd, descriptor.fd)
}

/**
 * Lets a child be killed and reaped when this thread ends: nobody else waits for it.
 *
 * @returns undoes it; to be called once it was reaped
 */
export function reapAtThreadEnd(pid: number): () => void {
  return untilThreadEnd(binding.keepChild, pid)
}

/** Lets such a child live on when this thread ends: it is reaped after its end when the next worker thread starts one or ends. */
export function spareAtThreadEnd(pid: number): void {
  if (!isMainThread) binding.spareChild(pid, true)
}

/** In the main thread everything ends with the program. */
function untilThreadEnd(keep: (number: number, on: boolean) => number, number: number): () => void {
  if (isMainThread) return () => {}
  const result = keep(number, true)
  if (result < 0) throw systemError(result, 'realloc')
  let isKept = true
  return () => {
    if (isKept) keep(number, false)
    isKept = false
  }
}
