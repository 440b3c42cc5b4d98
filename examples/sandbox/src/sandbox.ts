import { type ForkPool, ForkProcess, ncpu, pool } from '@anyfork/fork-pool'
import { nextConfinement } from './confinement.js'
import type { runSnippet } from './snippet.js'

/** What a snippet may use. */
export interface Limits {
  /** How long it may take, in milliseconds. */
  timeoutMs: number
  /** How much processor time it may take, in milliseconds. */
  cpuMs: number
  /** How much memory its process may have, in bytes. An idle one has a few megabytes. */
  memoryBytes: number
  /** How large its code and its input, or its result, may be, in bytes. */
  messageBytes: number
  /** How many snippets run at a time. */
  max: number
}

const defaults: Limits = { timeoutMs: 5000, cpuMs: 1000, memoryBytes: 200e6, messageBytes: 1e6, max: ncpu() }
const MOST_HEAP_MB = 100

/** Runs untrusted snippets, each in a process of its own, which ends with it. */
export class Sandbox {
  readonly #limits: Limits
  readonly #run: ForkPool<typeof runSnippet>

  constructor(limits: Partial<Limits> = {}) {
    this.#limits = { ...defaults, ...limits }
    const { timeoutMs, cpuMs, memoryBytes, messageBytes, max } = this.#limits
    this.#run = pool(makeTemplate, new URL('./snippet.js', import.meta.url), 'runSnippet', {
      isolate: true,
      max,
      timeout: timeoutMs,
      cpuMs,
      memory: memoryBytes,
      maxMessageBytes: messageBytes,
      maxDescriptors: 1,
      serialiser: 'json',
    })
  }

  /**
   * Runs a snippet.
   *
   * @param code - the body of an asynchronous function with the parameter `input`
   * @param input - a value that JSON can express
   * @returns what the snippet returns: untrusted data
   * @throws what the snippet throws, also untrusted: it can look like any other error
   * @throws `ERR_POOL_TIMEOUT`, `ERR_POOL_CPU`, `ERR_POOL_MEMORY`, or `ERR_PROCESS_EXITED` if the process was ended, and
   *   `ERR_RPC_PROTOCOL` if it has sent something else than an answer
   * @throws the kernel's error if it refuses a restriction; the snippet has not run then
   */
  async run(code: string, input?: unknown): Promise<unknown> {
    const restrict = nextConfinement(Math.ceil(this.#limits.cpuMs / 1000) + 1)
    return this.#run.with({ restrict })(code, input)
  }

  /** Ends all processes. */
  close(): Promise<void> {
    return this.#run.close()
  }
}

/** All snippets start with what the template has: no environment, and no output that would reach a terminal. */
function makeTemplate(): ForkProcess {
  return ForkProcess.exec({
    mode: 'fork', // a fresh interpreter has threads, which would escape some restrictions
    env: {},
    stdio: ['ignore', 'ignore', 'ignore'],
    execArgv: [`--max-old-space-size=${MOST_HEAP_MB}`],
    cwd: '/',
    title: 'sandbox',
  })
}
