import { binding } from '../binding.js'
import { callAfterFork, onHooksChange } from '../fork-hooks.js'
import { areAllThreadsCopied } from '../safety/all-threads.js'
import { exitWithoutTeardown, installExits } from '../safety/exits.js'
import { noteListeners } from '../safety/listeners.js'
import { renewRandomness } from '../safety/randomness.js'
import { forgetThreads } from '../safety/threads.js'
import { beforeRejectingWorkers } from '../safety/worker-threads.js'
import { showTitle } from './title.js'

const TEMPLATE_TITLE = 'template'

/** What carrying out orders does to the whole process. */
export interface ProcessEffects {
  /** The process waits for orders: it is a template. */
  beTemplate(): void
  /** Sets what is called when hooks of forks are added or removed, and when a forked process starts a worker thread. */
  listen(onHooksChange: () => void, onWorker: ((starter: string) => void) | undefined): void
  /** The process has just been forked. */
  becomeChild(): void
  /** Calls the hooks of users. */
  callHooks(): Promise<void>
  /** The process begins to run a function with this name. */
  beginFunction(name: string): void
  /** Ends the process. */
  exit(code?: number): void
}

/** The effects on this process. */
export const processEffects: ProcessEffects = {
  beTemplate() {
    showTitle(TEMPLATE_TITLE)
    if (areAllThreadsCopied()) exitWithoutTeardown()
    binding.ignoreInterrupt(1)
  },
  listen(hooksListener, onWorker) {
    noteListeners()
    onHooksChange(hooksListener)
    if (onWorker) beforeRejectingWorkers(onWorker)
  },
  becomeChild() {
    renewRandomness()
    if (areAllThreadsCopied()) return // an empty event loop ends in Node's own way, and waits for tasks of V8's threads
    installExits()
    forgetThreads()
  },
  callHooks: callAfterFork,
  beginFunction(name) {
    binding.ignoreInterrupt(0)
    showTitle(name)
  },
  exit: code => process.exit(code),
}
