import { syncBuiltinESMExports } from 'node:module'
import { dirname, join } from 'node:path'
import { PACKAGE_FOLDER, requireModule } from '../entry-files.js'
import { ForkError } from '../errors.js'
import { afterFork } from '../fork-hooks.js'
import { isForked } from './exits.js'

/** How many calls of a stack are searched for the code that starts a thread. */
const STACK_DEPTH = 50

/** The folder of the files into which this package is bundled. */
const OWN_FILES = join(PACKAGE_FOLDER, 'dist')

/** The module from which `child/modules.ts` loads others. */
const OWN_MODULE = /\/\[anyfork\]:\d+$/

/** The code that has started each worker thread that is still there. */
const starters = new Map<object, string>()

let replaceProcess: ((starter: string) => void) | undefined

/**
 * Sets what happens before a forked process rejects a worker thread.
 *
 * @param replace - replaces this process by one that can have worker threads. If it returns, that was not possible
 */
export function beforeRejectingWorkers(replace: (starter: string) => void): void {
  replaceProcess = replace
}

/** Returns which code has started the worker threads that are still there, each code once. */
export function startersOfWorkers(): string[] {
  return [...new Set(starters.values())]
}

/**
 * Makes forked processes reject worker threads: to end one, Node waits for threads of its own that do not exist there.
 * All other processes remember which code has started their worker threads.
 */
export function rejectWorkersOnceForked(): void {
  const threads = requireModule('node:worker_threads') as typeof import('node:worker_threads')
  threads.Worker = class Worker extends threads.Worker {
    constructor(...args: ConstructorParameters<typeof threads.Worker>) {
      const starter = `a worker thread${placeOfCaller(Worker as never)}`
      if (isForked()) {
        let cause: unknown
        try {
          replaceProcess?.(starter)
        } catch (error) {
          cause = error
        }
        throw new ForkError(
          'ERR_WORKER_UNSUPPORTED',
          "a forked process cannot have worker threads: fork another process instead, or use mode 'exec'",
          cause === undefined ? {} : { cause },
        )
      }
      super(...args)
      starters.set(this, starter)
      this.once('exit', () => starters.delete(this))
    }
  }
  rememberRegister()
  syncBuiltinESMExports()
}

/** Remembers which code starts the thread for hooks of modules, which never ends. */
function rememberRegister(): void {
  const modules = requireModule('node:module') as typeof import('node:module')
  const { register } = modules
  modules.register = function registerRemembered(...args: Parameters<typeof register>) {
    if (!starters.has(registerRemembered))
      starters.set(registerRemembered, `the thread of module.register()${placeOfCaller(registerRemembered)}`)
    return register.apply(modules, args)
  } as typeof register
}

/**
 * Returns the place of the code that calls a function or constructor and, if that code is in a package, the place from
 * which the package was called.
 */
function placeOfCaller(callee: (...args: never[]) => unknown): string {
  const places = placesOfCallers(callee)
  const first = places[0]
  if (first === undefined) return ''
  const outside = places.find(place => !place.includes('/node_modules/'))
  return `, started at ${first}${outside === undefined || outside === first ? '' : `, called at ${outside}`}`
}

/**
 * Returns the places in files of the calls that lead to `callee`, the innermost first, up to those of this package, which
 * loads and runs all code of users.
 */
function placesOfCallers(callee: (...args: never[]) => unknown): string[] {
  const { stackTraceLimit } = Error
  const trace = { stack: '' }
  Error.stackTraceLimit = STACK_DEPTH
  Error.captureStackTrace(trace, callee)
  Error.stackTraceLimit = stackTraceLimit
  const places = String(trace.stack)
    .split('\n')
    .flatMap(line => /(?:^|[ (])((?:file:\/\/)?\/[^()]*:\d+):\d+\)?$/.exec(line)?.[1] ?? [])
  const own = places.findIndex(isOwn)
  return own < 0 ? places : places.slice(0, own)
}

function isOwn(place: string): boolean {
  return OWN_MODULE.test(place) || dirname(place.replace(/^file:\/\//, '')) === OWN_FILES
}

afterFork(() => starters.clear()) // a fork copies only one thread
