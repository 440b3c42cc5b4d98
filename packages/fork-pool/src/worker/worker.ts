import { bytesInStatus } from '@anyfork/fork/internal'
import { type ExitStatus, type ForkProcess, ProcessExitedError } from '@anyfork/fork-rpc'
import { closeDescriptors, RemoteIterable, TAKEN_BACK } from '@anyfork/fork-rpc/internal'
import type { Candidate } from '../balancer.js'
import type { Call, CallOwner } from '../call/call.js'
import { PriorityQueue } from '../call/call-queue.js'
import { PoolStream } from '../call/pool-stream.js'
import type { WorkerFigures, WorkerState } from '../call/statistics.js'
import { Progress } from './progress.js'
import { RunningCalls } from './running-calls.js'
import type { Template } from './templates.js'
import { type ConnectWorker, isWorkerLost, type WorkerConnection } from './worker-connection.js'

/** What a worker reports. The listener settles the calls. */
export interface WorkerListener {
  /** The worker answered a call, or the call's stream ended. `value` is the result, or the error if `hasFailed`. */
  onAnswer(worker: Worker, call: Call, hasFailed: boolean, value: unknown, now: number): void
  /** The worker answered a call with a stream. The worker keeps the call until the stream ends. */
  onStream(call: Call, stream: PoolStream): void
  /** The stream of a call failed, because the worker is lost. */
  onStreamLost(call: Call): void
  /** A call begins to run. */
  onBegin(worker: Worker, call: Call): void
  /** A call that has a limit of processor time is over. */
  onEnd(call: Call): void
  /** A call exceeded its timeout. */
  onTimeout(call: Call): void
  /** The worker asked to retire. */
  onRetire(worker: Worker): void
  /** These calls, which were sent ahead, have not begun and are no longer the worker's. */
  onTakenBack(worker: Worker, calls: Call[]): void
  /** The worker ends because one of its calls was cancelled. */
  onEnding(worker: Worker): void
  /** The worker died or was killed. The arrays contain its unsettled calls: those that had begun, and the others. */
  onLost(worker: Worker, error: Error, begun: Call[], waiting: Call[]): void
}

/** What the workers of a pool have in common, and the number of calls after which this one is replaced. */
export interface WorkerSettings {
  isAsync: boolean
  lifetime: number
  /** How long a fork of this worker may take to start, in milliseconds. */
  startTimeout: number
  connect: ConnectWorker
}

/** How long a worker may take to end after its last call, in milliseconds, before it is killed. */
const GRACE_MS = 2000

/** How long after an answer a worker counts as alive without a system call, in milliseconds. */
const FRESH_MS = 1

/** One process of a pool. */
export class Worker implements Candidate, CallOwner {
  readonly process: ForkProcess
  readonly template: Template
  /** Calls that are bound to this worker by their keys and wait until it has a free slot. */
  readonly waiting: PriorityQueue<Call> = new PriorityQueue()
  /** The keys that are bound to this worker. */
  readonly keys: Set<unknown> = new Set()
  /** The number of calls after which the worker is replaced. */
  readonly lifetime: number
  /** When the pool has started the worker, or has taken it from those started in advance; of `performance.now()`. */
  madeAt: number = performance.now()
  readonly ended: Promise<ExitStatus>
  readonly progress: Progress
  lastFree = 0
  calls = 0
  /** Whether the worker has had calls since its memory was last measured. */
  isUnmeasured = false
  /** The private memory that the worker had before its first call. That of a fork is so small that it counts as 0. */
  bytesAtStart = 0
  readonly #connection: WorkerConnection
  readonly #isAsync: boolean
  readonly #startTimeout: number
  readonly #listener: WorkerListener
  readonly #running: RunningCalls
  #readyAt = 0
  #isLost = false
  #isStuck = false
  #death: Error | undefined
  #beforeClose: (() => void) | undefined
  #isEnding = false
  #isKilled = false

  constructor(
    process: ForkProcess,
    template: Template,
    { isAsync, lifetime, startTimeout, connect }: WorkerSettings,
    listener: WorkerListener,
  ) {
    this.process = process
    this.template = template
    this.lifetime = lifetime
    this.#isAsync = isAsync
    this.#startTimeout = startTimeout
    this.#listener = listener
    this.#running = new RunningCalls(isAsync, {
      onBegin: call => {
        this.isUnmeasured = true
        listener.onBegin(this, call)
      },
      onEnd: call => listener.onEnd(call),
      onTimeout: call => listener.onTimeout(call),
    })
    this.#connection = connect(process, {
      onReady: () => this.#onReady(),
      onRetire: () => listener.onRetire(this),
      onDeath: error => (this.#death = error),
    })
    this.ended = this.#connection.control.ended
    this.progress = new Progress(this.#connection)
  }

  get pid(): number | undefined {
    return this.process.pid
  }

  get load(): number {
    return this.#running.length
  }

  get isReady(): boolean {
    return this.#readyAt > 0
  }

  /** Whether the worker accepts no more calls. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** The unsettled calls and open streams of the worker, in the order in which it got them. */
  get running(): Call[] {
    return this.#running.toArray()
  }

  /**
   * Takes back the calls that were sent ahead and have not begun, and returns those that may have: of a synchronous
   * worker, only the first, and those that could not be taken back.
   */
  takeBegun(): Call[] {
    this.takeBackAll()
    return this.#isAsync ? this.running : this.running.filter(call => call.beganAt > 0 || call.isAhead)
  }

  /** Whether calls report the worker's death, by rejecting. Open streams do not count. */
  get isReportedByCalls(): boolean {
    return this.#isLost || this.running.some(call => !call.isStreaming)
  }

  /** Whether the worker, which has ended, died: the pool neither killed it nor let it end after its last call. */
  get hasDied(): boolean {
    return this.isReady && !this.#isKilled && (!this.#isEnding || this.#isLost || this.load > 0)
  }

  /** Returns the error that reports an unexpected death. */
  deathError(status: ExitStatus): Error {
    if (this.#death instanceof ProcessExitedError) return this.#death
    return new ProcessExitedError(status, 'a worker', { cause: this.#death })
  }

  /** Whether the worker can be called. Unless it answered a call just now and has more, this asks the kernel. */
  get isUsable(): boolean {
    if (this.#isLost) return false
    return (this.load > 0 && performance.now() - this.lastFree < FRESH_MS) || this.#connection.control.isAlive
  }

  get state(): WorkerState {
    if (!this.isReady && (this.load || !this.#isEnding)) return 'starting'
    if (this.load) return 'busy'
    return this.#isEnding ? 'ending' : 'idle'
  }

  /** Resolves when the worker has started. Rejects if it fails to start, and so has begun no call. */
  ready(): Promise<void> {
    return this.#connection.control.ready()
  }

  #onReady(): void {
    if (this.process.mode === 'exec') this.bytesAtStart = bytesInStatus(this.process.pid!, 'RssAnon')
    this.#readyAt = performance.now()
    this.#running.beginFirst(this.#readyAt)
  }

  /** Kills a worker that has failed to start, and takes away the call that it was given before. */
  abandon(): void {
    this.kill()
    this.#running.removeAll()
  }

  /** Whether the worker runs a call, has not been found stuck in it, and can get more calls. */
  get canGetCallsAhead(): boolean {
    return this.load > 0 && !this.#isStuck && !this.#isEnding && this.#connection.canSendAhead
  }

  /** Sends a call to the worker, which runs another one. Call this only if `canGetCallsAhead`. */
  sendAhead(call: Call, now: number): void {
    this.calls++
    if (this.load === 1) this.progress.restart(now)
    const request = call.request! // a call that waits has one
    this.#running.add(call, this, true)
    const { promise, takeBack } = this.#connection.callAhead(call, request)
    call.takeBack = takeBack
    this.#awaitAnswer(call, promise)
  }

  /** Takes back the calls that have not begun. The worker gets no more until its next answer. Returns their number. */
  takeBackAll(): number {
    const calls = this.#running.takeBackAll(performance.now())
    if (!calls.length) return 0
    this.#isStuck = true
    this.calls -= calls.length
    for (const call of calls) call.takeBack = undefined
    this.#listener.onTakenBack(this, calls)
    return calls.length
  }

  /** Runs a call once the worker has started. Reports to the listener how it ends, unless the start fails. */
  run(call: Call): void {
    this.calls++
    const request = call.request! // a call that waits has one
    this.#running.add(call, this, this.isReady)
    this.#awaitAnswer(call, this.#connection.call(call, request))
  }

  #awaitAnswer(call: Call, answer: Promise<unknown>): void {
    answer.then(
      value => this.#finish(call, false, value),
      error => {
        if (!this.isReady) return // `ready` rejects as well
        if (isWorkerLost(error) && error !== call.workerSignal?.reason) this.#lose(error)
        else if (error !== TAKEN_BACK) this.#finish(call, true, error)
      },
    )
  }

  /**
   * Cancels a call. A synchronous worker that runs the call is killed. An asynchronous worker sees the abort in its
   * `callSignal()`, completes its other calls, and ends. A call that has not begun never does. A stream ends, and the
   * worker survives, unless it is synchronous and is still yielding. A worker that has not started is killed.
   */
  cancel(call: Call, reason: unknown): void {
    if (!this.isReady) return this.abandon()
    if (call.takeBack?.()) {
      this.calls--
      return this.#releaseAndBeginNext(call, performance.now())
    }
    const isBlocking = !this.#isAsync && (call === this.#running.first || call.takeBack !== undefined)
    if (isBlocking && !call.isStreaming) {
      this.takeBackAll() // so that none begins now
      if (call.next?.takeBack) return // has begun, so the worker has answered this one
    }
    if (!isBlocking || call.isStreaming) call.abort(reason)
    if (isBlocking) this.kill()
    else if (call.isStreaming)
      this.#release(call, performance.now()) // the reader may never ask for the next value
    else if (this.#isAsync) void this.end()
    if (this.#isEnding) this.#listener.onEnding(this)
  }

  /**
   * Forks the worker when it has completed its calls, and lets it end.
   *
   * @returns the copy, which serves as a template
   * @throws rejects if the worker cannot be forked, or with `ERR_PROCESS_EXITED` if it ends before
   */
  refork(): Promise<ForkProcess> {
    const copy = new Promise<ForkProcess>((resolve, reject) => {
      this.#beforeClose = () => {
        try {
          resolve(this.process.refork())
        } catch (error) {
          reject(error)
        }
      }
    })
    const tooLate = this.end().then(status => {
      throw new ProcessExitedError(status, 'the worker that was to be the template')
    })
    return Promise.race([copy, tooLate])
  }

  /** Lets the worker complete its calls and end. */
  async end(): Promise<ExitStatus> {
    this.#isEnding = true
    if (!this.load) this.#close()
    else if (!this.#beforeClose) void this.#connection.control.close() // spares the worker a wake-up after its last call
    return this.ended
  }

  /** @param cause - the cause of the error with which its calls reject */
  kill(cause?: Error): void {
    this.#isEnding = this.#isKilled = true
    this.takeBackAll()
    this.#connection.control.destroy(cause).catch(() => {}) // EPERM: this program has changed its user
  }

  /** Call this only if the worker has a pid. */
  figures(now: number = performance.now()): WorkerFigures {
    const { first } = this.#running
    return {
      pid: this.pid!,
      mode: this.process.mode!,
      state: this.state,
      startMilliseconds: this.#readyAt && Math.max(0, this.#readyAt - this.madeAt),
      ageMilliseconds: now - this.madeAt,
      busyMilliseconds: this.#running.busyMilliseconds(now),
      calls: this.calls,
      load: this.load,
      ...(first?.beganAt && { running: { args: first.args, milliseconds: now - first.beganAt } }),
    }
  }

  /** Ends the open streams of a worker that has ended. Its other calls reject by themselves. */
  endStreams(): void {
    for (const call of this.running) {
      if (!call.isStreaming) continue
      this.#running.remove(call, performance.now())
      this.#listener.onStreamLost(call)
      call.end()
    }
  }

  #finish(call: Call, hasFailed: boolean, value: unknown): void {
    if (call.owner !== this) return void (hasFailed || closeDescriptors([value])) // the result has no receiver
    if (!hasFailed && value instanceof RemoteIterable) {
      if (!call.isSettled) return this.#beginStream(call, value)
      value.return().catch(() => {}) // the stream has no reader
    }
    this.#releaseAndBeginNext(call, performance.now(), hasFailed, value)
  }

  #releaseAndBeginNext(call: Call, now: number, hasFailed = false, value?: unknown): void {
    this.#release(call, now, hasFailed, value)
    this.#running.beginNext(now)
  }

  #beginStream(call: Call, values: RemoteIterable): void {
    call.isStreaming = true
    const release = (failure?: { error: unknown }): void =>
      this.#release(call, performance.now(), failure !== undefined, failure?.error)
    const stream = new PoolStream(values, failure => {
      release(failure)
      if (!this.#isKilled && !isWorkerLost(failure?.error)) this.#running.beginNext(performance.now())
    })
    this.#listener.onStream(call, stream)
    // the worker is free when the function has yielded all values, even if the program has not read them
    values.onceFinished(failure => {
      release(failure)
      this.#running.beginNext(performance.now())
    })
  }

  /** Frees the slot of a call. Does nothing if the worker no longer has the call. */
  #release(call: Call, now: number, hasFailed = false, value?: unknown): void {
    if (call.owner !== this) return
    call.end()
    this.#running.remove(call, now)
    this.lastFree = now
    this.#isStuck = false
    if (this.#isEnding && !this.load) this.#close()
    this.#listener.onAnswer(this, call, hasFailed, value, now)
  }

  #close(): void {
    const refork = this.#beforeClose
    this.#beforeClose = undefined // if the pool is closed meanwhile, the worker is not forked twice, and has two seconds
    refork?.()
    const grace = refork ? this.#startTimeout : GRACE_MS // it ends when it has been forked
    void this.#connection.control.close()
    const killer = setTimeout(() => this.kill(), grace)
    void this.ended.then(() => clearTimeout(killer))
  }

  /**
   * Reports that the worker is lost. In a synchronous worker, only the first call can have begun, and those that were
   * sent ahead and cannot be taken back.
   */
  #lose(error: Error): void {
    if (this.#isLost) return
    this.#isLost = true
    const calls = this.#running.removeAll()
    for (const call of calls) {
      if (!call.isSettled) continue
      this.#listener.onStreamLost(call)
      call.end()
    }
    const begun: Call[] = []
    const waiting: Call[] = []
    for (const [i, call] of calls.entries()) {
      if (call.isSettled) continue
      const hasBegun = this.#isAsync || (i === 0 && call.beganAt > 0) || call.takeBack?.() === false
      call.takeBack = undefined
      if (hasBegun) begun.push(call)
      else waiting.push(call)
    }
    this.#listener.onLost(this, error, begun, waiting)
  }
}
