import { checkOptions, type Expectations } from '@anyfork/fdpass/internal'
import { areCopiedThreads, type CopiedThreads, chooseThreads } from './copied-threads.js'
import { type ForkProcess, forkProcessOf } from './fork-process.js'
import { forkThisProgram } from './fork-self/fork-self.js'
import { OwnChild } from './owner/own-child.js'
import { ProcessHandle } from './owner/process-handle.js'
import { RemoteHandle } from './owner/remote-handle.js'
import { lastingObstacle } from './safety/lasting-obstacle.js'
import { installRandomness } from './safety/randomness.js'
import { rejectWorkersOnceForked } from './safety/worker-threads.js'

/** The flags with which a program must be started so that `forkTemplate` can fork it. */
export { FORKING_FLAGS as forkingFlags } from './interpreter-flags.js'

/** How a program is forked. */
export interface TemplateOptions {
  /**
   * Which threads the copy and its forks have: see `CopiedThreads`. With `'one'`, the program must have been started
   * with `forkingFlags`, and have no threads of its own.
   *
   * @default the environment variable `ANYFORK_THREADS`, else `'one'`; with a loader (`--import`, `--loader`), `'all'` where
   *   that is possible
   */
  threads?: CopiedThreads
}

const expectations: Expectations<TemplateOptions> = { threads: areCopiedThreads }

/**
 * Forks this program. The copy has everything that the program has loaded and computed so far. It waits for orders, and
 * so do its forks. In copies, no code that awaits something goes on. Follows AnyEvent::Fork::Template.
 *
 * Load what copies are to share, await this function, and only then begin: timers, sockets, child processes, and reading
 * standard input would go on in every copy, so they make this function reject. Timers and file watchers that were
 * `unref()`ed cannot be detected: they go on in every copy.
 *
 * With `threads: 'all'`, any program can be forked. Its worker threads go on in the copy and its forks, which share no
 * messages with them: code in a copy that awaits a message of a worker thread goes on as well. With `'one'`, start the
 * program with `forkingFlags`; worker threads make this function reject.
 *
 * @param options - which threads the copy has
 * @returns resolves with a process that waits for orders; if a hook of `afterFork` throws in it, its `ready` rejects
 *   with that error
 * @throws rejects with a TypeError if an option does not exist or is invalid, or ANYFORK_THREADS is
 * @throws rejects with `ERR_NOT_FORKABLE` if the program cannot be forked; `findings` says why
 * @throws rejects with what a hook of `beforeFork` throws
 * @throws rejects with the error of fork(2), such as `EAGAIN`
 */
export async function forkTemplate(options: TemplateOptions = {}): Promise<ForkProcess> {
  checkOptions('forkTemplate()', options, expectations)
  const choice = chooseThreads(options.threads, process.execArgv, process.env)
  const { pid, control } = await forkThisProgram(choice, ownDescriptors)
  return forkProcessOf(ProcessHandle.ofChild(control, new OwnChild(pid), 'fork'))
}

// Import this module first: other code could keep references to the functions that are replaced here.
if (!lastingObstacle()) {
  installRandomness()
  rejectWorkersOnceForked()
}

function ownDescriptors(): Set<number> {
  return new Set([...ProcessHandle.openDescriptors(), ...RemoteHandle.openDescriptors()])
}
