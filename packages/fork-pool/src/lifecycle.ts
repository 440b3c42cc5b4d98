import type { CallPromise } from '@anyfork/fork-rpc'
import type { WorkerFigures } from './call/statistics.js'
import { type CallSettings, checkTimeout } from './call-options.js'
import { PoolError } from './errors.js'
import type { PoolSettings } from './pool-options.js'
import { type PoolStats, statsOf } from './pool-stats.js'
import { Refork } from './scheduler/refork.js'
import { restartWorkers } from './scheduler/rolling-restart.js'
import { Scheduler } from './scheduler/scheduler.js'
import { enforceMemoryLimit } from './worker/memory-limit.js'
import type { Template, Templates } from './worker/templates.js'
import type { ConnectWorker } from './worker/worker-connection.js'

/** A pool from its beginning to its end. */
export class Lifecycle {
  readonly #settings: PoolSettings
  readonly #scheduler: Scheduler
  readonly #unwatch: () => void
  #rollingRestart: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #destroying: Promise<void> | undefined
  #isOver = false

  constructor(templates: Templates, settings: PoolSettings, connect: ConnectWorker) {
    this.#settings = settings
    this.#scheduler = new Scheduler(templates, settings, connect)
    const { refork, onError } = settings
    if (refork.length) {
      const { workerSet } = this.#scheduler
      const reforks = new Refork(
        refork,
        workerSet,
        make => this.#restartWorkers(make),
        error => onError?.(error),
      )
      this.#scheduler.onAnswered = worker => reforks.consider(worker)
    }
    this.#unwatch = enforceMemoryLimit(this.#scheduler.workerSet, settings.recycle.pss)
  }

  get workers(): WorkerFigures[] {
    const { all, ready } = this.#scheduler.workerSet
    return [...all].filter(worker => ready.has(worker) || worker.load > 0).map(worker => worker.figures())
  }

  call(name: string, args: unknown[], options: CallSettings): CallPromise {
    return this.#scheduler.call(name, args, options)
  }

  drained(): Promise<void> {
    return this.#scheduler.tracker.drained()
  }

  stats(): Promise<PoolStats> {
    return statsOf(this.#scheduler.workerSet, this.#scheduler.tracker)
  }

  reload(): Promise<void> {
    if (this.#scheduler.admission.refusal) return Promise.reject(this.#scheduler.admission.refusal)
    return this.#restartWorkers(async () => this.#scheduler.workerSet.templates.make())
  }

  close(timeout: number = Infinity): Promise<void> {
    checkTimeout(timeout)
    this.#scheduler.admission.refusal ??= new PoolError('ERR_POOL_CLOSED', 'called after close()')
    this.#scheduler.tracker.announce() // who waits for more calls to be taken waits in vain
    const killer = timeout === Infinity ? undefined : setTimeout(() => void this.destroy(), timeout)
    this.#closing ??= this.#scheduler.tracker.finished().then(() => this.#destroying ?? this.#end('end'))
    return this.#closing.finally(() => clearTimeout(killer))
  }

  destroy(): Promise<void> {
    if (!this.#destroying) {
      this.#scheduler.admission.refusal = new PoolError('ERR_POOL_DESTROYED', 'the pool was destroyed')
      this.#destroying = this.#end('kill')
      this.#scheduler.rejectAll(this.#scheduler.admission.refusal)
      this.#closing ??= this.#destroying
    }
    return this.#destroying
  }

  async #end(how: 'end' | 'kill'): Promise<void> {
    this.#unwatch()
    await this.#scheduler.end(how)
    await this.#rollingRestart?.catch(() => {})
    this.#onEnd()
  }

  /** One after the other: the files may have changed in between. */
  #restartWorkers(make: () => Promise<Template>): Promise<void> {
    const begin = async (): Promise<void> =>
      restartWorkers(this.#scheduler.workerSet, await make(), this.#settings.isolate)
    const rollingRestart = this.#rollingRestart ? this.#rollingRestart.then(begin, begin) : begin()
    this.#rollingRestart = rollingRestart
    return rollingRestart
  }

  #onEnd(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#settings.onDestroy?.()
  }
}
