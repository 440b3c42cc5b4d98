import { type ForkProcess, forkProcessOf } from './fork-process.js'
import { forkThisProgram } from './fork-self/fork-self.js'
import { OwnChild } from './owner/own-child.js'
import { ProcessHandle } from './owner/process-handle.js'
import { rejectWorkersOnceForked } from './safety/exits.js'
import { installRandomness } from './safety/randomness.js'

/** The flags that a program is to be started with that wants to be forked itself. */
export { FORKING_FLAGS as forkingFlags } from './interpreter.js'

/**
 * Forks the current program: the copy, which has all that the program has loaded and
 * computed so far, waits for orders, and what is forked from it has all of that, too. What
 * the program awaits never goes on in a copy. As AnyEvent::Fork::Template.
 *
 * The program must have been started with the flags that forking needs, and must not have
 * begun yet: what it has under way (timers, sockets, worker threads, child processes, what
 * it reads from standard input) would go on in every copy. So: load all that is to be
 * shared, await this, then begin. Timers and watchers of files that were `unref()`ed cannot
 * be seen: they are no reason to refuse, and their callbacks are called in every copy, too.
 *
 * @returns a process that waits for orders, to fork from; what a hook of `afterFork` throws in it rejects its `ready`
 * @throws rejects with `ERR_NOT_FORKABLE` and the findings that say why; the kernel's error of fork(2)
 */
export async function forkTemplate(): Promise<ForkProcess> {
  const { pid, control } = await forkThisProgram(() => ProcessHandle.openSockets())
  return forkProcessOf(ProcessHandle.ofChild(control, new OwnChild(pid), 'fork'))
}

// Before other code can take hold of what copies are to have of their own.
installRandomness()
rejectWorkersOnceForked()
