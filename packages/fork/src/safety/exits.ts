import { writeSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { inspect } from 'node:util'
import { binding } from '../binding.js'
import { requireModule } from '../entry-files.js'
import { ForkError } from '../errors.js'

/** What Node calls when nobody handles an error; true says that somebody did. */
type FatalException = (error: unknown, isPromise: boolean) => boolean
type ProcessInternals = { _fatalException: FatalException; reallyExit(code?: number): never }

/** Node's code for an error thrown by a handler of 'uncaughtException'. */
const HANDLER_FAILED = 7

let isForked = false

/**
 * Lets a forked process end by _exit(2), whatever way it ends: Node's own way
 * joins threads that it does not have. Listeners of 'exit' run as ever. Done once,
 * children of children have it.
 */
export function installExits(): void {
  if (isForked) return
  isForked = true
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
  binding.onLoopEnd(() => {
    process.emit('beforeExit', Number(process.exitCode ?? 0))
    if (!hasWork()) process.exit()
  })
}

/** Refuses worker threads in forked processes: to end one, Node waits for threads of its own that are not there. */
export function rejectWorkersOnceForked(): void {
  const threads = requireModule('node:worker_threads') as typeof import('node:worker_threads')
  threads.Worker = class Worker extends threads.Worker {
    constructor(...args: ConstructorParameters<typeof threads.Worker>) {
      if (isForked)
        throw new ForkError(
          'ERR_WORKER_UNSUPPORTED',
          'a forked process cannot have worker threads: fork another process instead',
        )
      super(...args)
    }
  }
  syncBuiltinESMExports()
}

/** The loop end is asked again on the next turn while something is alive. */
function hasWork(): boolean {
  return binding.isLoopAlive()
}

function printFatal(error: unknown): void {
  const text = error instanceof Error ? inspect(error) : `Uncaught ${inspect(error)}`
  try {
    writeSync(2, `${text}\n\nNode.js ${process.version}\n`)
  } catch {
    // nobody reads standard error
  }
}
