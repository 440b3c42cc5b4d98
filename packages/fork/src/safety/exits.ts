import { writeSync } from 'node:fs'
import { inspect, types } from 'node:util'
import { binding } from '../binding.js'

/** Node calls this function for an error that no code handles. It returns whether a listener has handled it. */
type FatalException = (error: unknown, isPromise: boolean) => boolean
type ProcessInternals = { _fatalException: FatalException; reallyExit(code?: number): never }

/** Node's exit code if a listener of 'uncaughtException' throws. */
const HANDLER_FAILED = 7

let hasTeardown = true
let hasInstalled = false

/** Returns whether this process was forked with one thread. */
export function isForked(): boolean {
  return hasInstalled
}

/**
 * Makes a forked process end by _exit(2), no matter how it ends: Node's own way joins threads that a forked process
 * does not have. Listeners of 'exit' are called as usual. Forks of this process inherit this.
 */
export function installExits(): void {
  if (hasInstalled) return
  hasInstalled = true
  exitWithoutTeardown()
  binding.onLoopEnd(() => {
    process.emit('beforeExit', Number(process.exitCode ?? 0))
    if (!binding.isLoopAlive()) process.exit() // else this is called again once nothing is left
  })
}

/**
 * Makes process.exit() and errors that no code handles end this process by _exit(2), after the listeners of 'exit'. In
 * Node's own way, the main thread waits for threads of V8, one of which may wait until the main thread collects garbage:
 * such a process never ends (https://github.com/nodejs/node/issues/54918).
 */
export function exitWithoutTeardown(): void {
  if (!hasTeardown) return
  hasTeardown = false
  const internals = process as unknown as ProcessInternals
  internals.reallyExit = code => binding.exit(Number(code ?? process.exitCode ?? 0))
  const handle = internals._fatalException
  internals._fatalException = (error, isPromise) => {
    let isHandled
    try {
      isHandled = handle.call(process, error, isPromise)
    } catch (second) {
      printFatal(second)
      return binding.exit(HANDLER_FAILED)
    }
    if (isHandled) return true
    printFatal(error)
    return binding.exit(Number(process.exitCode ?? 1))
  }
}

function printFatal(error: unknown): void {
  const text = types.isNativeError(error) || error instanceof Error ? inspect(error) : `Uncaught ${inspect(error)}`
  try {
    writeSync(2, `${text}\n\nNode.js ${process.version}\n`)
  } catch {
    // standard error is closed
  }
}
