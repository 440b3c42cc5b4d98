import type { ChildProcess } from 'node:child_process'
import { isMainThread } from 'node:worker_threads'
import type { Descriptor } from '@anyfork/fdpass'
import { forgetDescriptor, keepDescriptor, keepOpened, systemError } from '@anyfork/fdpass/internal'
import { binding } from './binding.js'

// `worker.terminate()` ends a thread without running code in it, between any two steps of its code. What the thread has
// opened and started would stay with the other threads. The main thread needs none of this: its end is that of the
// program.

/**
 * Calls a function. The descriptors that it opens with `@anyfork/fdpass` are closed when this thread ends, unless they
 * are closed, released, or forgotten before.
 */
export function openUntilThreadEnd<T>(open: () => T): T {
  return isMainThread ? open() : keepOpened(open)
}

/**
 * Closes a descriptor when this thread ends, unless it is closed or released before.
 *
 * @returns undoes this; does nothing after the descriptor was closed
 * @throws `ENOMEM`
 */
export function closeAtThreadEnd(descriptor: Descriptor): () => void {
  if (isMainThread) return () => {}
  keepDescriptor(descriptor.fd)
  return () => outliveThread(descriptor)
}

/** Lets a descriptor stay open when this thread ends. Does nothing if it is closed. */
export function outliveThread(descriptor: Descriptor): void {
  if (!isMainThread && descriptor.isOpen) forgetDescriptor(descriptor.fd)
}

/**
 * Starts a child, which is killed and reaped when this thread ends: no other code waits for it.
 *
 * @param spawn - starts it by `child_process`
 * @returns the child
 * @throws what `spawn` throws; `ENOMEM`
 */
export function spawnUntilThreadEnd(spawn: () => ChildProcess): ChildProcess {
  if (isMainThread) return spawn()
  checked(binding.beginSpawn())
  let pid = 0
  try {
    const child = spawn()
    pid = child.pid ?? 0
    child.once('exit', () => binding.forgetChild(pid))
    return child
  } finally {
    checked(binding.endSpawn(pid))
  }
}

/**
 * Lets such a child live on when this thread ends. It is reaped some time after its exit: when the next worker thread
 * starts a child or ends.
 */
export function spareAtThreadEnd(pid: number): void {
  if (!isMainThread) binding.spareChild(pid)
}

function checked(result: number): void {
  if (result < 0) throw systemError(result, 'realloc')
}
