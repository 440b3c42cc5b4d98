import { isMainThread } from 'node:worker_threads'
import type { Descriptor } from '@anyfork/fdpass'
import { systemError } from '@anyfork/fdpass/internal'
import { binding } from './binding.js'

/**
 * Closes a descriptor when this thread ends, even if `worker.terminate()` ends it, which runs no code in it. Otherwise
 * the descriptor would stay open in the other threads.
 *
 * @returns undoes this; to be called before the descriptor is closed
 * @throws `ENOMEM`
 */
export function closeAtThreadEnd(descriptor: Descriptor): () => void {
  return untilThreadEnd(binding.keepFd, descriptor.fd)
}

/**
 * Kills and reaps a child when this thread ends: no other code waits for it.
 *
 * @returns undoes this; to be called once the child was reaped
 * @throws `ENOMEM`
 */
export function reapAtThreadEnd(pid: number): () => void {
  return untilThreadEnd(binding.keepChild, pid)
}

/**
 * Lets such a child live on when this thread ends. It is reaped some time after its exit: when the next worker thread
 * starts a child or ends.
 */
export function spareAtThreadEnd(pid: number): void {
  if (!isMainThread) binding.spareChild(pid, true)
}

/** Does nothing in the main thread, whose end is the end of the program. */
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
