import { killIfPermitted } from '@anyfork/fork/internal'
import {
  connect,
  type ExitStatus,
  type ForkProcess,
  ProcessExitedError,
  type Remote,
  type RpcControl,
  rpcOf,
} from '@anyfork/fork-rpc'
import { SERVE_PREFORK } from '../entry-files.js'
import { PoolError } from '../errors.js'
import { DRAINING, type ServedCounts } from '../prefork-protocol.js'
import { limitStart } from '../worker/limit-start.js'
import type { PreforkWorkerFigures, PreforkWorkerState } from './prefork-stats.js'

/** What a worker reports. */
export interface PreforkWorkerListener {
  /** Its state has changed. */
  onState(worker: PreforkWorker): void
  /** It got SIGTERM: it accepts no more connections, and completes its requests. */
  onDraining(worker: PreforkWorker): void
  /** It has ended. */
  onEnded(worker: PreforkWorker): void
}

/** How long a worker may take to count what it has served, in milliseconds. */
const COUNT_TIMEOUT_MS = 1000
/** How long a server that stops waits for a process that is being forked, in milliseconds. */
const FORK_PATIENCE_MS = 2000

/** @param value - comes from a worker, and may be anything */
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

/** A process of a prefork server. */
export class PreforkWorker {
  readonly id: number
  readonly generation: number
  /** When it was started, in milliseconds of `performance.now()`. */
  readonly startedAt: number = performance.now()
  /** When it began to accept connections. */
  readyAt: number = Infinity
  /** Why it has died, or could not start. `undefined` if it has ended on request. */
  death: Error | undefined
  /** Whether the server has killed it, because it took too long to drain. */
  isKilled = false
  readonly ended: Promise<void>
  /** Resolves when it accepts no more connections. */
  readonly deaf: Promise<void>
  readonly #process: ForkProcess
  readonly #template: ForkProcess
  readonly #remote: Remote<{ countServed: () => ServedCounts }>
  readonly #control: RpcControl
  readonly #listener: PreforkWorkerListener
  #resolveDeaf!: () => void
  #state: PreforkWorkerState = 'starting'
  #status: ExitStatus | undefined
  #killer: NodeJS.Timeout | undefined
  /** When it is killed if it still drains, as `performance.now()`. */
  #deadline = Infinity

  /** @param process - has its listener and settings already, and belongs to the worker from now on */
  constructor(
    process: ForkProcess,
    template: ForkProcess,
    { id, generation }: { id: number; generation: number },
    listener: PreforkWorkerListener,
  ) {
    this.id = id
    this.generation = generation
    this.#process = process
    this.#template = template
    this.#listener = listener
    this.deaf = new Promise(resolve => (this.#resolveDeaf = resolve))
    this.#remote = connect(process, SERVE_PREFORK, {
      async: true,
      init: 'start',
      done: { module: SERVE_PREFORK, name: 'finish', exits: true },
      onEvent: value => {
        if (value !== DRAINING) return
        this.#resolveDeaf()
        if (this.#state === 'ready') listener.onDraining(this)
      },
      onError: error => (this.death = this.#named(error)),
    })
    this.#control = rpcOf(this.#remote)
    this.ended = this.#untilEnded()
  }

  get state(): PreforkWorkerState {
    return this.#state
  }

  get figures(): PreforkWorkerFigures {
    const { id, generation, startedAt, state } = this
    const { pid, mode } = this.#process
    const status = this.#status && { exitCode: this.#status.code, signal: this.#status.signal }
    return { id, pid, state, mode, generation, ageMilliseconds: performance.now() - startedAt, ...status }
  }

  /**
   * Resolves when the worker accepts connections.
   *
   * @param timeout - in milliseconds; after that, the worker is killed
   * @throws rejects with why it could not start
   */
  async ready(timeout: number): Promise<void> {
    let late: PoolError | undefined
    const endLimit = limitStart(this.#process, this.#template, timeout, () => {
      late = new PoolError('ERR_POOL_START_TIMEOUT', `a worker has not started within ${timeout} ms`)
      this.#killStarting(0)
    })
    let hasStarted = false
    try {
      await this.#control.ready()
      hasStarted = true
    } catch (error) {
      throw late ?? this.#named(error as Error)
    } finally {
      endLimit(hasStarted)
    }
    this.readyAt = performance.now()
    this.#become('ready')
  }

  /**
   * Lets the worker complete its requests and end. Kills it after the grace period, and at once if it is not ready. A
   * second call can only shorten the grace period.
   *
   * @param grace - in milliseconds
   */
  drain(grace: number): void {
    if (this.#state === 'ended') return
    if (this.#state === 'starting') return this.#killStarting(FORK_PATIENCE_MS)
    const deadline = performance.now() + grace
    if (deadline >= this.#deadline) return
    this.#deadline = deadline
    this.#become('draining')
    void this.#control.close()
    clearTimeout(this.#killer)
    this.#killer = setTimeout(() => {
      this.isKilled = true
      this.kill()
    }, grace)
  }

  /** Kills the worker. If this program has changed its user, and may not, the worker ends after its requests. */
  kill(): void {
    this.#control.destroy().catch(() => {}) // EPERM
  }

  /**
   * Kills the worker before it is ready. A template that hangs would never fork it, so the template is killed, too.
   *
   * @param patience - how long to wait for the fork, in milliseconds
   */
  #killStarting(patience: number): void {
    this.kill()
    if (this.#process.pid !== undefined) return
    const killer = setTimeout(() => killIfPermitted(this.#template), patience)
    void this.ended.then(() => clearTimeout(killer))
  }

  /** What the worker has served, or `undefined` if it does not answer. */
  async served(): Promise<ServedCounts | undefined> {
    if (this.#state !== 'ready') return undefined
    try {
      const { connections, pending, requests } = await this.#remote.countServed.with({ timeout: COUNT_TIMEOUT_MS })()
      return [connections, pending, requests].every(isCount) ? { connections, pending, requests } : undefined
    } catch {
      return undefined
    }
  }

  async #untilEnded(): Promise<void> {
    void this.#process.exited // keeps this program running
    this.#status = await this.#control.ended
    clearTimeout(this.#killer)
    this.#resolveDeaf()
    this.#become('ended')
    this.#listener.onEnded(this)
  }

  /** Lets the message of an error say which worker has exited. */
  #named(error: Error): Error {
    if (!(error instanceof ProcessExitedError)) return error
    const { exitCode: code, signal, cause } = error
    return new ProcessExitedError({ code, signal }, `worker ${this.id}`, cause === undefined ? {} : { cause })
  }

  #become(state: PreforkWorkerState): void {
    if (this.#state === state || this.#state === 'ended') return
    this.#state = state
    this.#listener.onState(this)
  }
}
