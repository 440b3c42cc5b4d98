import { checkOptions, type Expectations } from '@anyfork/fdpass/internal'
import { memoryOf } from '@anyfork/fork-rpc'
import { aDuration } from '../expectations.js'
import type { WithMemory } from '../pool-stats.js'
import type { Listeners, PreforkAddress } from './listeners.js'
import type { PreforkSettings } from './prefork-options.js'
import type { PreforkStats, PreforkWorkerFigures } from './prefork-stats.js'
import { onSignals } from './signals.js'
import type { Supervisor } from './supervisor.js'

/** The options of `stop` of a prefork server. */
export interface PreforkStopOptions {
  /**
   * How long workers may take to complete their requests, in milliseconds. After that, they are killed.
   *
   * @default the option `grace` of `prefork`
   */
  grace?: number
}

const stopExpectations: Expectations<PreforkStopOptions> = { grace: aDuration }

/** Makes the public object of a prefork server. Only this package uses it: the constructor is private. */
export let preforkServerOf: (supervisor: Supervisor, listeners: Listeners, settings: PreforkSettings) => PreforkServer

/** A running prefork server, which `prefork` returns. It keeps the program running until it has stopped. */
export class PreforkServer implements AsyncDisposable {
  /** Where the server listens: `{ address, family, port }`, or the path of a socket file. */
  readonly address: PreforkAddress
  /** Resolves when the server has stopped, and all its processes have ended. */
  readonly stopped: Promise<void>
  readonly #supervisor: Supervisor
  readonly #listeners: Listeners
  readonly #grace: number
  readonly #startedAt = performance.now()
  readonly #forgetSignals: () => void
  #reloading: Promise<void> | undefined
  #nextReload: Promise<void> | undefined
  #resolveStopped!: () => void
  #isStopping = false

  private constructor(supervisor: Supervisor, listeners: Listeners, { grace, signals, onError }: PreforkSettings) {
    this.address = listeners.address
    this.#supervisor = supervisor
    this.#listeners = listeners
    this.#grace = grace
    this.stopped = new Promise(resolve => (this.#resolveStopped = resolve))
    this.#forgetSignals = signals
      ? onSignals({
          reload: () => void this.reload().catch((error: Error) => this.#isStopping || onError(error)),
          stop: () => (this.#isStopping ? this.#supervisor.kill() : void this.stop()),
        })
      : () => {}
  }

  /** The workers that have not ended. */
  get workers(): PreforkWorkerFigures[] {
    return [...this.#supervisor.all].map(worker => worker.figures)
  }

  /**
   * Replaces all workers by others that have the code as it is now. Makes a new template, starts a worker from it, and
   * then replaces the others one after the other. An old worker accepts connections until the new one in its place does;
   * then it completes its requests. No request fails. While a reload is under way, another one waits for it; all calls
   * that wait share one reload.
   *
   * @returns resolves when only new workers accept connections; old ones may still have requests
   * @throws rejects with the error of the first new worker if it does not start; then nothing has changed. A worker after
   *   it that fails to start is started again, with back-off
   * @throws rejects with `ERR_POOL_CLOSED` if the server was stopped
   */
  reload(): Promise<void> {
    this.#nextReload ??= this.#reloadNext()
    return this.#nextReload
  }

  /**
   * Closes the listener, lets workers complete their requests, and ends all processes. A second call can shorten the grace
   * period.
   *
   * @returns resolves when all processes have ended. Never rejects
   * @throws TypeError if the option does not exist or is invalid
   */
  stop(options: PreforkStopOptions = {}): Promise<void> {
    checkOptions('stop()', options, stopExpectations)
    void this.#stop(options.grace ?? this.#grace)
    return this.stopped
  }

  /** Collects figures of the server, and asks each worker for its own. */
  async stats(): Promise<PreforkStats> {
    const { all, totals, generation, templates } = this.#supervisor
    const { pid, lastFork } = templates.current.process
    const made = { pid, mode: lastFork?.mode, ...(lastFork?.obstacle && { obstacle: lastFork.obstacle }) }
    const workers = [...all].map(async worker => {
      const { figures } = worker
      const [served, memory] = await Promise.all([worker.served(), memoryIfAlive(figures.pid)])
      return { ...figures, ...memory, ...(served && { served }) }
    })
    return {
      upMilliseconds: performance.now() - this.#startedAt,
      ...totals,
      reloads: generation,
      template: { ...made, ...(await memoryIfAlive(pid)) },
      workers: await Promise.all(workers),
    }
  }

  /** Calls `stop()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #reloadNext(): Promise<void> {
    await this.#reloading?.catch(() => {}) // its caller gets the error
    this.#nextReload = undefined
    this.#supervisor.assertRunning()
    this.#reloading = this.#supervisor.reload()
    await this.#reloading
  }

  async #stop(grace: number): Promise<void> {
    if (this.#isStopping) return this.#supervisor.shorten(grace)
    this.#isStopping = true
    await this.#supervisor.stop(grace)
    await this.#reloading?.catch(() => {})
    this.#listeners.close()
    this.#forgetSignals()
    this.#resolveStopped()
  }

  static {
    preforkServerOf = (supervisor, listeners, settings) => new PreforkServer(supervisor, listeners, settings)
  }
}

async function memoryIfAlive(pid: number | undefined): Promise<WithMemory> {
  try {
    return pid === undefined ? {} : { memory: await memoryOf(pid) }
  } catch {
    return {} // it has just ended
  }
}
