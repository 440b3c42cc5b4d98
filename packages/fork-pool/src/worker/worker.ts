import { type ExitStatus, type ForkProcess, ProcessExitedError } from '@anyfork/fork-rpc'
import { closeDescriptors, RemoteIterable } from '@anyfork/fork-rpc/internal'
import type { Candidate } from '../balancer.js'
import type { Call } from '../call/call.js'
import { CallList } from '../call/call-list.js'
import { CallQueue } from '../call/call-queue.js'
import { PoolStream } from '../call/pool-stream.js'
import type { WorkerFigures, WorkerState } from '../call/statistics.js'
import type { Template } from './templates.js'
import { type ConnectWorker, isWorkerLost, type WorkerConnection } from './worker-connection.js'

/** How long a worker that was asked to end may take, in milliseconds. */
const GRACE_MS = 2000

/** So soon after an answer of a worker, in milliseconds, nobody asks whether it is alive. */
const FRESH_MS = 1

/** Who is told of what becomes of a worker and its calls, to settle them. */
export interface WorkerListener {
  /** A call was answered, with a result, or with an error where it has failed; or its stream is over. */
  onAnswer(worker: Worker, call: Call, hasFailed: boolean, value: unknown, now: number): void
  /** A call was answered with something to iterate over, and has this worker until that is over. */
  onStream(call: Call, stream: PoolStream): void
  /** The stream of a call has lost its worker. */
  onStreamLost(call: Call): void
  /** A call runs longer than it may. */
  onTimeout(call: Call): void
  /** It wants no more calls. */
  onRetire(worker: Worker): void
  /** It has died, or was killed; of the calls that it had, those are told that are not settled. */
  onLost(worker: Worker, error: Error, begun: Call[], waiting: Call[]): void
}

/** One process of a pool. */
export class Worker implements Candidate {
  readonly template: Template
  /** Calls that only this worker may have, because of their keys. */
  readonly waiting: CallQueue = new CallQueue()
  readonly keys: Set<unknown> = new Set()
  /** After so many calls it is replaced. */
  readonly lifetime: number
  readonly madeAt: number = performance.now()
  readonly ended: Promise<ExitStatus>
  readonly process: ForkProcess
  lastFree = 0
  calls = 0
  /** Whether its memory may have changed since it was last looked at. */
  isUnmeasured = false
  readonly #connection: WorkerConnection
  readonly #isAsync: boolean
  readonly #listener: WorkerListener
  readonly #running = new CallList()
  readonly #onTimeout = (call: Call): void => this.#listener.onTimeout(call)
  #readyAt = 0
  #busyMs = 0
  #busySince = 0
  #isLost = false
  #onClose: (() => void) | undefined
  #isEnding = false
  #isKilled = false

  constructor(
    process: ForkProcess,
    template: Template,
    { isAsync, lifetime, connect }: { isAsync: boolean; lifetime: number; connect: ConnectWorker },
    listener: WorkerListener,
  ) {
    this.process = process
    this.template = template
    this.lifetime = lifetime
    this.#isAsync = isAsync
    this.#listener = listener
    this.#connection = connect(process, () => listener.onRetire(this))
    this.ended = this.#connection.control.ended
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

  /** It gets no more calls. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /** Whether its calls tell of its death, now or in a moment; those with a stream do not. */
  get isToldByCalls(): boolean {
    return this.#isLost || this.running.some(call => !call.isStreaming)
  }

  /** Whether it has died, now that it has ended: nobody killed it, and it was not told to end or had calls yet. */
  get hasDied(): boolean {
    return this.isReady && !this.#isKilled && (!this.#isEnding || this.#isLost || this.load > 0)
  }

  /** Whether it can be called, as far as the kernel knows. */
  get isAlive(): boolean {
    return !this.#isLost && this.#connection.control.isAlive
  }

  /** Whether calls may be given to it: asks the kernel, but not where it has just answered, and may have much to do. */
  get isUsable(): boolean {
    return this.load && performance.now() - this.lastFree < FRESH_MS ? !this.#isLost : this.isAlive
  }

  get state(): WorkerState {
    if (this.load) return 'busy'
    if (this.#isEnding) return 'ending'
    return this.#readyAt ? 'idle' : 'starting'
  }

  /** Resolves when it can be called; rejects with what went wrong. */
  async ready(): Promise<void> {
    await this.#connection.control.ready()
    this.#readyAt = performance.now()
  }

  /** Calls the function; what comes of it, the call and the listener are told. */
  give(call: Call): void {
    this.calls++
    this.isUnmeasured = true
    call.worker = this
    this.#running.push(call)
    const isFirst = this.#running.length === 1
    if (isFirst || this.#isAsync) {
      const now = performance.now()
      if (isFirst) this.#busySince = now
      call.begin(now, this.#onTimeout)
    }
    this.#connection.call(call).then(
      value => this.#finish(call, false, value),
      error =>
        isWorkerLost(error) && error !== call.abandoned?.reason ? this.#lose(error) : this.#finish(call, true, error),
    )
  }

  /**
   * A call of this worker, or its stream, is not wanted any more. Where it runs, the worker has to go;
   * in an asynchronous one it sees its signal, and it and what else runs there may finish
   * first; a stream just ends. One that has not begun never will.
   */
  cancel(call: Call, reason: unknown): void {
    const isBlocking = !this.#isAsync && call === this.#running.first
    if (!isBlocking || call.isStreaming) call.abandon(reason)
    if (isBlocking) this.kill()
    else if (call.isStreaming)
      this.#release(call, performance.now()) // who reads it may never come to the next value
    else if (this.#isAsync) void this.end()
  }

  /** Its calls, in the order in which it got them. */
  get running(): Call[] {
    return [...this.#running]
  }

  /**
   * Copies it when it has finished its calls, and ends it.
   *
   * @returns the copy, to fork from
   * @throws rejects when it has ended before, or cannot be copied
   */
  refork(): Promise<ForkProcess> {
    const copied = new Promise<ForkProcess>((resolve, reject) => {
      this.#onClose = () => {
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
    return Promise.race([copied, tooLate])
  }

  /** Gives it no more calls, lets it finish those that it has, and end. */
  async end(): Promise<ExitStatus> {
    this.#isEnding = true
    if (!this.load) this.#close()
    return this.ended
  }

  kill(): void {
    this.#isEnding = this.#isKilled = true
    void this.#connection.control.destroy()
  }

  figures(now: number = performance.now()): WorkerFigures {
    const { first } = this.#running
    return {
      pid: this.pid!, // those that are told of have one
      state: this.state,
      startMilliseconds: this.#readyAt && this.#readyAt - this.madeAt,
      ageMilliseconds: now - this.madeAt,
      busyMilliseconds: this.#busyMs + (first ? now - this.#busySince : 0),
      calls: this.calls,
      load: this.load,
      ...(first && { running: { args: first.args, milliseconds: now - first.beganAt } }),
    }
  }

  #finish(call: Call, hasFailed: boolean, value: unknown): void {
    if (call.worker !== this) return void (hasFailed || closeDescriptors([value])) // nobody will have it
    const now = performance.now()
    if (!hasFailed && value instanceof RemoteIterable) {
      if (!call.isSettled) {
        call.isStreaming = true
        const onOver = (failure?: { error: unknown }): void =>
          this.#release(call, performance.now(), failure !== undefined, failure?.error)
        const stream = new PoolStream(value, failure => {
          onOver(failure)
          if (!this.#isKilled && !isWorkerLost(failure?.error)) this.#goOn()
        })
        this.#listener.onStream(call, stream)
        return value.onceFinished(failure => {
          onOver(failure)
          this.#goOn() // what is still to be read is not the worker's affair
        })
      }
      value.return().catch(() => {}) // nobody will read it
    }
    this.#release(call, now, hasFailed, value)
    this.#goOn()
  }

  /** A synchronous one runs its calls one after the other. To be called when it is done with one: those that have begun are not made again. */
  #goOn(): void {
    const { first } = this.#running
    if (first && !this.#isAsync && !first.beganAt && !first.isSettled) first.begin(performance.now(), this.#onTimeout)
  }

  /** A call does not need this worker any more. */
  #release(call: Call, now: number, hasFailed = false, value?: unknown): void {
    if (call.worker !== this) return
    call.end()
    this.#running.remove(call)
    call.worker = undefined
    call.stop()
    if (!this.load) this.#busyMs += now - this.#busySince
    this.lastFree = now
    if (this.#isEnding && !this.load) this.#close()
    this.#listener.onAnswer(this, call, hasFailed, value, now)
  }

  /** It has ended: what it was yielding is over, read or not. Other calls are told by themselves. */
  endStreams(): void {
    for (const call of this.running) {
      if (!call.isStreaming) continue
      this.#running.remove(call)
      call.worker = undefined
      this.#listener.onStreamLost(call)
      call.end()
    }
  }

  #close(): void {
    this.#onClose?.()
    void this.#connection.control.close()
    const killer = setTimeout(() => this.kill(), GRACE_MS)
    void this.ended.then(() => clearTimeout(killer))
  }

  /** It is gone; calls of a synchronous one that are not the first have not begun. */
  #lose(error: Error): void {
    if (this.#isLost) return
    this.#isLost = true
    const calls = this.running
    if (calls.length) this.#busyMs += performance.now() - this.#busySince
    for (const call of calls) {
      this.#running.remove(call)
      call.worker = undefined
      call.stop()
      if (!call.isSettled) continue
      this.#listener.onStreamLost(call)
      call.end()
    }
    const begun = this.#isAsync ? calls.length : calls[0]?.beganAt ? 1 : 0
    const open = (some: Call[]): Call[] => some.filter(call => !call.isSettled)
    this.#listener.onLost(this, error, open(calls.slice(0, begun)), open(calls.slice(begun)))
  }
}
