import { AsyncResource } from 'node:async_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { type ExitStatus, type ForkProcess, ProcessExitedError } from '@anyfork/fork-rpc'
import type { Call } from '../call/call.js'
import { PoolError } from '../errors.js'
import type { PoolSettings } from '../pool-options.js'
import { BackOff, MOST_FAILURES } from './back-off.js'
import { SpareProcesses } from './spare-processes.js'
import type { Template, Templates } from './templates.js'
import { Worker, type WorkerListener } from './worker.js'
import type { ConnectWorker } from './worker-connection.js'

/** How long all workers may take to end, in milliseconds, before their templates are ended nevertheless. */
const GRACE_MS = 5000
/** A worker that dies so soon, in milliseconds, without a call, has failed to start. */
const AT_ONCE_MS = 1000

/** Who is told of what becomes of the workers. */
export interface WorkerSetListener extends WorkerListener {
  /** There is one more, for a call, or for any. */
  onReady(worker: Worker, reserved: Call | undefined): void
  /** One will get no more calls. */
  onGone(worker: Worker): void
  /**
   * The worker for this call could not be started.
   *
   * @param error - why none will be; `undefined` where another may be
   */
  onStartFailed(reserved: Call, error?: unknown): void
  /** None can be started and none is left. */
  onHopeless(error: unknown): void
  /** More or fewer workers may be started than before. */
  onChange(): void
}

/** The start of a worker, which is there as soon as its process is. */
interface Start {
  worker: Worker | undefined
}

/** The workers of a pool: starts and ends them. */
export class WorkerSet {
  /** All that have not ended. */
  readonly all: Set<Worker> = new Set()
  /** Those that may be given calls. */
  readonly ready: Set<Worker> = new Set()
  readonly templates: Templates
  readonly spares: SpareProcesses
  readonly #settings: PoolSettings
  readonly #connect: ConnectWorker
  readonly #listener: WorkerSetListener
  readonly #backOff = new BackOff()
  /** Workers are the pool's, not of the call that happens to need one. */
  readonly #context = new AsyncResource('ForkPool')
  /** Those that are being started; each is here until it is known what comes of it. */
  readonly #starts = new Set<Start>()
  #hasEnded = false
  /** Over all workers that have ended. */
  readonly past: { started: number; died: number; busyMilliseconds: number; aliveMilliseconds: number } = {
    started: 0,
    died: 0,
    busyMilliseconds: 0,
    aliveMilliseconds: 0,
  }

  constructor(templates: Templates, settings: PoolSettings, connect: ConnectWorker, listener: WorkerSetListener) {
    this.templates = templates
    this.#settings = settings
    this.#connect = connect
    this.#listener = listener
    this.spares = new SpareProcesses(settings.spare, () => templates.fork())
  }

  get starting(): number {
    return this.#starts.size
  }

  /** How many more may be started. */
  get vacancies(): number {
    const { max, isolate } = this.#settings
    if (!isolate) return max - this.ready.size - this.#starts.size
    let vacancies = max - this.all.size
    for (const { worker } of this.#starts) if (!worker || !this.all.has(worker)) vacancies-- // it has no process yet, or none any more
    return vacancies
  }

  /** No more are started: the pool ends. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** How many have no call. */
  get idle(): number {
    let count = 0
    for (const { load } of this.ready) if (!load) count++
    return count
  }

  get isHopeless(): boolean {
    return this.#backOff.isHopeless
  }

  /** Whether one may be started now; if not, calls back when it may. */
  mayStart(again: () => void, isNeeded: boolean): boolean {
    return !this.#hasEnded && this.vacancies > 0 && this.#backOff.mayTry(again, isNeeded)
  }

  /** All is well: a call has ended. */
  succeeded(): void {
    this.#backOff.succeeded()
  }

  /** @param reserved - the call that it is for, which may have restrictions of its own */
  start(reserved?: Call): void {
    void this.#context.runInAsyncScope(() => this.#start(reserved))
  }

  /**
   * Starts one from a template, whether or not there is a vacancy.
   *
   * @throws rejects with what went wrong
   */
  async startFrom(template: Template): Promise<Worker> {
    const worker = this.#make(template, template.process.fork(), undefined)
    try {
      await startInTime(worker, this.#settings.startTimeout)
    } catch (error) {
      worker.kill()
      throw error
    }
    this.#admit(worker, undefined)
    return worker
  }

  /** Gives it no more calls, and lets it end. */
  retire(worker: Worker): Promise<ExitStatus> {
    const ended = worker.end()
    this.forget(worker)
    return ended
  }

  /** A worker wants no more calls. One that never had any has failed, as one that dies at once. */
  resign(worker: Worker): void {
    void this.retire(worker)
    if (worker.calls || performance.now() - worker.madeAt > AT_ONCE_MS) return
    this.#fail(
      new PoolError('ERR_POOL_CRASH_LOOP', 'workers retire again and again before their first call'),
      worker.madeAt,
    )
  }

  /** It gets no more calls: it is dead, or was told to end. */
  forget(worker: Worker): void {
    if (this.ready.delete(worker)) this.#listener.onGone(worker)
  }

  /** Ends all workers and templates. */
  async end(how: 'end' | 'kill'): Promise<void> {
    this.#hasEnded = true
    this.#backOff.cancel()
    const ended = Promise.all([...[...this.all].map(worker => worker.ended), this.spares.end()])
    const busy = [...this.all].filter(worker => worker.load)
    for (const worker of this.all) void worker[how]()
    if (how === 'end') await Promise.all(busy.map(worker => worker.ended)) // streams may take as long as they want
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
      const process = this.spares.take() ?? this.templates.fork()
      const worker = (start.worker = this.#make(this.templates.current, process, reserved))
      await startInTime(worker, this.#settings.startTimeout)
      this.#starts.delete(start)
      this.#admit(worker, reserved)
    } catch (error) {
      await null // not within the call that wanted it
      this.#starts.delete(start)
      const { worker } = start
      const wasReplaced = worker?.isEnding && worker.template !== this.templates.current // told to end before it was ready
      worker?.kill()
      const isOfCall = reserved?.options.restrict !== undefined && worker?.pid !== undefined // its restrictions may be why
      if (!isOfCall && !wasReplaced) this.#fail(error, begunAt)
      if (reserved)
        this.#listener.onStartFailed(reserved, !wasReplaced && isLast(reserved, error) ? toldOf(error) : undefined)
      this.#listener.onChange()
    }
  }

  /** @param process - which ends when no worker can be made of it */
  #make(template: Template, process: ForkProcess, reserved: Call | undefined): Worker {
    try {
      return this.#employ(template, process, reserved)
    } catch (error) {
      process.kill('SIGKILL')
      throw error
    }
  }

  #employ(template: Template, process: ForkProcess, reserved: Call | undefined): Worker {
    if (this.#hasEnded) throw new PoolError('ERR_POOL_CLOSED', 'the pool has been closed meanwhile')
    const { restrict, async: isAsync, recycle } = this.#settings
    for (const restrictions of [restrict, reserved?.options.restrict]) if (restrictions) process.restrict(restrictions)
    const lifetime =
      recycle.calls === Infinity
        ? Infinity
        : Math.max(1, Math.round(recycle.calls * (1 - Math.random() * recycle.jitter)))
    const worker = new Worker(process, template, { isAsync, lifetime, connect: this.#connect }, this.#listener)
    this.past.started++
    this.all.add(worker)
    void worker.ended.then(status => this.#onEnded(worker, status))
    return worker
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
    if (!worker.isEnding && worker.isReady) {
      const error = new ProcessExitedError(status, 'a worker')
      const hasStarted = worker.calls > 0 || ageMilliseconds > AT_ONCE_MS
      if (hasStarted) this.#backOff.succeeded()
      const isTold = !hasStarted && this.#fail(error, worker.madeAt, this.ready.size - (this.ready.has(worker) ? 1 : 0))
      if (!isTold && !worker.isToldByCalls) this.#settings.onError?.(error)
    }
    worker.endStreams()
    this.forget(worker)
    this.#listener.onChange()
  }

  /**
   * Some reasons will be the same at the next attempt; of the others, it takes several in a row.
   *
   * @param left - how many workers there are
   * @returns whether all who wait are told
   */
  #fail(error: unknown, begunAt: number, left: number = this.ready.size): boolean {
    if (this.#hasEnded) return false
    this.#backOff.failed(begunAt, weightOf(error))
    if (left || (isPassing(error) && !this.isHopeless)) return false
    const told = toldOf(error)
    this.#settings.onError?.(told as Error)
    this.#listener.onHopeless(told)
    return true
  }
}

/** Whether no other worker is to be started for a call, after this failure. */
function isLast(reserved: Call, error: unknown): boolean {
  reserved.failedStarts += weightOf(error)
  return reserved.failedStarts >= MOST_FAILURES || !isPassing(error)
}

/** As how many failures it counts: what takes so long is tried once more, with another template. */
function weightOf(error: unknown): number {
  return (error as NodeJS.ErrnoException).code === 'ERR_POOL_START_TIMEOUT' ? Math.ceil(MOST_FAILURES / 2) : 1
}

function toldOf(error: unknown): unknown {
  return error instanceof ProcessExitedError
    ? new PoolError('ERR_POOL_CRASH_LOOP', `workers die again and again: ${error.message}`, { cause: error })
    : error
}

/** A dead process or a full system may be otherwise the next time; a function that is missing is not. */
function isPassing(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  return (
    error instanceof ProcessExitedError ||
    code === 'ERR_POOL_START_TIMEOUT' ||
    code === 'ERR_POOL_CRASH_LOOP' ||
    syscall !== undefined
  )
}

/**
 * Waits until a worker can be called. One that does not get there is killed; its template
 * with it, where that does not even fork.
 *
 * @throws what went wrong, or `ERR_POOL_START_TIMEOUT`
 */
async function startInTime(worker: Worker, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new PoolError('ERR_POOL_START_TIMEOUT', `a worker has not started within ${milliseconds} ms`))
      if (worker.pid === undefined) worker.template.process.kill('SIGKILL')
    }, milliseconds)
  })
  try {
    await Promise.race([worker.ready(), late])
  } finally {
    clearTimeout(timer)
  }
}
