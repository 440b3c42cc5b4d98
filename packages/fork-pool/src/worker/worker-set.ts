import { AsyncResource } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { killIfPermitted, Spares } from '@anyfork/fork/internal'
import type { ExitStatus, ForkProcess } from '@anyfork/fork-rpc'
import type { Call } from '../call/call.js'
import { PoolError } from '../errors.js'
import type { PoolSettings } from '../pool-options.js'
import { limitStart } from './limit-start.js'
import { recordFailedStart, StartFailures } from './start-failures.js'
import type { Template, Templates } from './templates.js'
import { Worker, type WorkerListener } from './worker.js'
import type { ConnectWorker } from './worker-connection.js'

/** What the worker set and its workers report. */
export interface WorkerSetListener extends WorkerListener {
  /** The process of the worker for this call is starting: the worker may be given the call. */
  onStarting(worker: Worker, reserved: Call): void
  /** A worker can be called: for this call, or for any if `reserved` is undefined. */
  onReady(worker: Worker, reserved: Call | undefined): void
  /** A worker accepts no more calls. */
  onGone(worker: Worker): void
  /**
   * The worker for this call has not started.
   *
   * @param error - the error with which the call rejects; `undefined` if another worker may be started for it
   */
  onStartFailed(reserved: Call, error?: unknown): void
  /** No worker is left, and no other can be started. */
  onHopeless(error: unknown): void
  /** The number of workers that may be started has changed. */
  onChange(): void
}

/** How long all workers may take to end, in milliseconds, before the templates are ended regardless. */
const GRACE_MS = 5000
/** A worker that dies or retires within this time, in milliseconds, and without a call, has failed to start. */
const EARLY_MS = 1000

/** A start that has neither succeeded nor failed yet. */
interface Start {
  /** Set once the process exists. */
  worker: Worker | undefined
}

/** The live workers of a pool. Starts and ends them. */
export class WorkerSet {
  /** All workers that have not ended. */
  readonly all: Set<Worker> = new Set()
  /** The workers that accept calls. */
  readonly ready: Set<Worker> = new Set()
  readonly templates: Templates
  /** The workers that were started in advance. They are not among the others until they are needed. */
  readonly spares: Spares<Worker>
  /** The totals of the workers so far: `started` counts all of them, the others those that have ended. */
  readonly past: { started: number; died: number; busyMilliseconds: number; aliveMilliseconds: number } = {
    started: 0,
    died: 0,
    busyMilliseconds: 0,
    aliveMilliseconds: 0,
  }
  readonly #settings: PoolSettings
  readonly #connect: ConnectWorker
  readonly #listener: WorkerSetListener
  readonly #failures = new StartFailures()
  /** A worker belongs to the pool, not to the asynchronous context of the call that needs it first. */
  readonly #context = new AsyncResource('ForkPool')
  readonly #starts = new Set<Start>()
  /** When `onError` last had a report that no worker can be started, in milliseconds of `performance.now()`. */
  #reportedAt = -Infinity
  #hasEnded = false
  #isReplacing = false
  /** How workers end that have not become workers of the pool. */
  #ending: 'end' | 'kill' = 'end'

  constructor(templates: Templates, settings: PoolSettings, connect: ConnectWorker, listener: WorkerSetListener) {
    this.templates = templates
    this.#settings = settings
    this.#connect = connect
    this.#listener = listener
    this.spares = new Spares(settings.spare, {
      make: () => this.#context.runInAsyncScope(() => this.#makeSpare()),
      isAlive: worker => worker.isUsable && !worker.isEnding,
      end: worker => {
        void worker[this.#ending]()
        return worker.ended
      },
    })
  }

  /** How many workers are being started. */
  get starting(): number {
    return this.#starts.size
  }

  /** How many more workers may be started. */
  get vacancies(): number {
    const { max, isolate } = this.#settings
    if (!isolate) return max - this.ready.size - this.#starts.size
    let vacancies = max - this.all.size
    // starts whose process does not exist yet, or has ended
    for (const { worker } of this.#starts) if (!worker || !this.all.has(worker)) vacancies--
    return vacancies
  }

  /** How many workers have no call. */
  get idle(): number {
    let count = 0
    for (const { load } of this.ready) if (!load) count++
    return count
  }

  /** Whether the pool ends, so that no more workers are started. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get isHopeless(): boolean {
    return this.#failures.isHopeless
  }

  /**
   * Returns true if a worker may be started now. Otherwise, if only the back-off forbids it, arms a timer that calls
   * back when it may.
   *
   * @param isNeeded - whether the timer keeps the program running
   */
  tryToStart(again: () => void, isNeeded: boolean): boolean {
    return !this.#hasEnded && this.vacancies > 0 && this.#failures.tryToStart(again, isNeeded)
  }

  /** Ends the back-off: a worker has answered a call. */
  resetFailures(): void {
    this.#failures.reset()
  }

  /** @param reserved - the only call that the worker is for, whose restrictions apply */
  start(reserved?: Call): void {
    void this.#context.runInAsyncScope(() => this.#start(reserved))
  }

  /**
   * Starts a worker from a template, even if there is no vacancy.
   *
   * @throws rejects if the worker fails to start
   */
  async startFrom(template: Template): Promise<Worker> {
    const worker = this.#add(this.#create(template, template.process.fork(), undefined))
    try {
      await startInTime(worker, this.#settings.startTimeout)
    } catch (error) {
      worker.kill()
      throw error
    }
    this.#admit(worker, undefined)
    return worker
  }

  /**
   * Retires a worker. If it has calls, starts its successor first, so that other calls need not wait for one. Replaces
   * one worker at a time: does nothing while another one is being replaced.
   */
  async replace(worker: Worker): Promise<void> {
    if (!worker.load) return void this.retire(worker)
    if (this.#isReplacing) return
    this.#isReplacing = true
    try {
      await this.#context.runInAsyncScope(() => this.startFrom(this.templates.current))
      if (this.ready.has(worker)) void this.retire(worker)
    } catch {
      // the worker goes on, and is replaced later
    } finally {
      this.#isReplacing = false
    }
  }

  /** Gives a worker no more calls, and lets it complete its calls and end. */
  retire(worker: Worker): Promise<ExitStatus> {
    const ended = worker.end()
    this.release(worker)
    return ended
  }

  /** Retires a worker that asked for it. A young worker that has had no call has failed to start. */
  retireOnRequest(worker: Worker): void {
    void this.retire(worker)
    if (worker.calls || performance.now() - worker.madeAt > EARLY_MS) return
    this.#fail(
      new PoolError('ERR_POOL_CRASH_LOOP', 'workers retire again and again before their first call'),
      worker.madeAt,
    )
  }

  /** Gives a worker no more calls: it is dead, or it ends. */
  release(worker: Worker): void {
    if (this.ready.delete(worker)) this.#listener.onGone(worker)
  }

  /** Ends all workers and templates. */
  async end(how: 'end' | 'kill'): Promise<void> {
    this.#hasEnded = true
    this.#ending = how
    this.#failures.cancel()
    const ended = Promise.all([...[...this.all].map(worker => worker.ended), this.spares.end()])
    const busy = [...this.all].filter(worker => worker.load)
    for (const worker of this.all) void worker[how]()
    if (how === 'end') await Promise.all(busy.map(worker => worker.ended)) // streams have no time limit
    const patience = new AbortController()
    await Promise.race([ended, delay(GRACE_MS, undefined, { signal: patience.signal })])
    patience.abort()
    await this.templates.end()
    await ended
  }

  async #start(reserved: Call | undefined): Promise<void> {
    const begunAt = performance.now()
    const start: Start = { worker: undefined }
    this.#starts.add(start)
    try {
      // restrictions of a call come before the start of the worker
      const spare = reserved?.options.restrict ? undefined : this.spares.take()
      const worker = this.#add(spare ?? this.#fork(reserved))
      start.worker = worker
      if (reserved) this.#listener.onStarting(worker, reserved)
      await startInTime(worker, this.#settings.startTimeout)
      this.#starts.delete(start)
      if (!worker.calls) this.#admit(worker, reserved)
    } catch (error) {
      await null // report asynchronously, not within the call that needs the worker
      this.#starts.delete(start)
      this.#onStartFailed(error, begunAt, start.worker, reserved)
    }
  }

  #onStartFailed(error: unknown, begunAt: number, worker: Worker | undefined, reserved: Call | undefined): void {
    const wasReplaced = worker?.isEnding && worker.template !== this.templates.current // by a rolling restart
    worker?.abandon()
    const mayBeDueToCall = reserved?.options.restrict !== undefined && worker?.pid !== undefined
    const wasCancelled = reserved?.isSettled // with it, the worker
    if (!mayBeDueToCall && !wasReplaced && !wasCancelled) this.#fail(error, begunAt)
    if (reserved) this.#listener.onStartFailed(reserved, wasReplaced ? undefined : recordFailedStart(reserved, error))
    this.#listener.onChange()
  }

  #makeSpare(): Worker {
    const worker = this.#fork(undefined)
    startInTime(worker, this.#settings.startTimeout).catch(() => worker.kill()) // take() passes over it
    return worker
  }

  #fork(reserved: Call | undefined): Worker {
    const process = this.templates.fork() // may make another template the current one
    return this.#create(this.templates.current, process, reserved)
  }

  /** Makes a worker of a process, or kills the process if that fails. */
  #create(template: Template, process: ForkProcess, reserved: Call | undefined): Worker {
    try {
      if (this.#hasEnded) throw new PoolError('ERR_POOL_CLOSED', 'the pool was closed while a worker was starting')
      for (const restrictions of [this.#settings.restrict, reserved?.options.restrict])
        if (restrictions) process.restrict(restrictions)
      const { async: isAsync, startTimeout } = this.#settings
      const settings = { isAsync, lifetime: this.#chooseLifetime(), startTimeout, connect: this.#connect }
      return new Worker(process, template, settings, this.#listener)
    } catch (error) {
      killIfPermitted(process)
      throw error
    }
  }

  /** Makes a worker one of the pool. */
  #add(worker: Worker): Worker {
    worker.madeAt = performance.now()
    this.past.started++
    this.all.add(worker)
    void worker.ended.then(status => this.#onEnded(worker, status))
    return worker
  }

  /** Returns after how many calls a worker is replaced: at random, so that not all workers are replaced at once. */
  #chooseLifetime(): number {
    const { calls, jitter } = this.#settings.recycle
    return calls === Infinity ? Infinity : Math.max(1, Math.round(calls * (1 - Math.random() * jitter)))
  }

  #admit(worker: Worker, reserved: Call | undefined): void {
    if (worker.isEnding || !this.all.has(worker)) {
      if (reserved) this.#listener.onStartFailed(reserved)
      return this.#listener.onChange()
    }
    this.ready.add(worker)
    this.#listener.onReady(worker, reserved)
  }

  #onEnded(worker: Worker, status: ExitStatus): void {
    this.all.delete(worker)
    const { busyMilliseconds, ageMilliseconds } = worker.figures()
    this.past.busyMilliseconds += busyMilliseconds
    this.past.aliveMilliseconds += ageMilliseconds
    if (worker.hasDied) this.past.died++
    if (!worker.isEnding && worker.isReady) this.#reportDeath(worker, status, ageMilliseconds)
    worker.endStreams()
    this.release(worker)
    this.#listener.onChange()
  }

  /** Reports an unexpected death to `onError`, unless the worker's calls report it. */
  #reportDeath(worker: Worker, status: ExitStatus, ageMilliseconds: number): void {
    const error = worker.deathError(status)
    if (worker.calls > 0 || ageMilliseconds > EARLY_MS) this.#failures.reset()
    else if (this.#fail(error, worker.madeAt, this.ready.size - (this.ready.has(worker) ? 1 : 0))) return
    if (!worker.isReportedByCalls) this.#settings.onError?.(error)
  }

  /**
   * Records a failed start.
   *
   * @param workersLeft - how many workers accept calls
   * @returns whether the failure was reported to all waiting calls and `onError`
   */
  #fail(error: unknown, begunAt: number, workersLeft: number = this.ready.size): boolean {
    if (this.#hasEnded) return false
    const report = this.#failures.record(error, begunAt, workersLeft)
    if (report === undefined) return false
    if (begunAt >= this.#reportedAt) {
      this.#reportedAt = performance.now()
      this.#settings.onError?.(report as Error)
    } // a start that ran at the same time as a reported one has probably failed for the same reason
    this.#listener.onHopeless(report)
    return true
  }
}

/**
 * Waits until a worker can be called. If that takes too long, kills it and, if the template has not even forked it, the
 * template. What the worker has sent before is read to the end: if it has started after all, it may have begun a call.
 *
 * @throws rejects if the worker fails to start, with `ERR_POOL_START_TIMEOUT` if it takes too long
 */
async function startInTime(worker: Worker, milliseconds: number): Promise<void> {
  const { process, template } = worker
  let timeout: PoolError | undefined
  let rejectStuck!: (error: PoolError) => void
  const isStuck = new Promise<never>((_, reject) => (rejectStuck = reject))
  const endLimit = limitStart(process, template.process, milliseconds, () => {
    timeout = new PoolError('ERR_POOL_START_TIMEOUT', `a worker has not started within ${milliseconds} ms`)
    const stuck = worker.pid === undefined ? [template.process, process] : [process]
    if (stuck.map(killIfPermitted).includes(false)) rejectStuck(timeout)
  })
  let hasStarted = false
  try {
    await Promise.race([worker.ready(), isStuck])
    hasStarted = true
  } catch (error) {
    throw timeout ?? error
  } finally {
    endLimit(hasStarted)
  }
}
