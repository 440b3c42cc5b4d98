import { type CallPromise } from '@anyfork/fork-rpc'
import { areSendable, closeDescriptors } from '@anyfork/fork-rpc/internal'
import { Call } from '../call/call.js'
import { CallQueue, isBefore } from '../call/call-queue.js'
import { CallTracker } from '../call/call-tracker.js'
import type { PoolStream } from '../call/pool-stream.js'
import type { Ending } from '../call/statistics.js'
import type { CallSettings } from '../call-options.js'
import { PoolError } from '../errors.js'
import type { PoolSettings } from '../pool-options.js'
import type { Templates } from '../worker/templates.js'
import type { Worker } from '../worker/worker.js'
import { type ConnectWorker, isWorkerLost } from '../worker/worker-connection.js'
import { WorkerSet, type WorkerSetListener } from '../worker/worker-set.js'
import { Admission } from './admission.js'
import { AvailableWorkers } from './available-workers.js'
import { KeyAffinity } from './key-affinity.js'
import { Scaling } from './scaling.js'

/** Gives calls to workers, and sees that each call is settled. */
export class Scheduler implements WorkerSetListener {
  readonly workerSet: WorkerSet
  readonly tracker: CallTracker = new CallTracker()
  readonly admission: Admission
  /** Called when a worker has answered. */
  onAnswered: ((worker: Worker) => void) | undefined
  readonly #settings: PoolSettings
  readonly #scaling: Scaling
  readonly #queue = new CallQueue()
  readonly #keyAffinity = new KeyAffinity()
  readonly #available: AvailableWorkers
  /** Calls that wait for a worker that is being started for them. */
  readonly #reserved = new Set<Call>()
  /** Workers whose own calls let another one go first. */
  readonly #passedOver: Worker[] = []
  #isScheduling = false

  constructor(templates: Templates, settings: PoolSettings, connect: ConnectWorker) {
    this.#settings = settings
    this.workerSet = new WorkerSet(templates, settings, connect, this)
    this.admission = new Admission(this.workerSet, this.tracker, settings)
    this.#available = new AvailableWorkers(this.workerSet, settings)
    this.#scaling = new Scaling(settings, this.workerSet, isForced => this.#schedule(isForced))
    this.#scaling.adjust(0)
    this.tracker.isReceptive = () => this.admission.isReceptive(this.#available.length > 0)
  }

  call(name: string, args: unknown[], options: CallSettings): CallPromise {
    const call = new Call(name, args, options)
    const { promise } = call
    const bound = this.#keyAffinity.workerOf(options.key)
    const refusal = bound
      ? this.admission.refusalOf(options, this.#available.has(bound), this.#queue.length)
      : this.admission.refusalOf(options, this.#available.length > 0, Infinity)
    if (refusal) {
      call.reject(refusal.reason)
      return promise
    }
    call.watchSignal(reason => this.#cancel(call, 'aborted', reason))
    this.tracker.open++
    this.tracker.waiting++
    this.#queue.push(call)
    this.#schedule()
    return promise
  }

  rejectAll(error: Error): void {
    this.#atOnce(() => {
      for (const worker of this.workerSet.all) {
        this.workerSet.forget(worker) // what waits for it is with the others from now on
        for (const call of worker.running) this.#cancel(call, 'failed', error)
      }
      this.#rejectWaiting(error)
    })
  }

  async end(how: 'end' | 'kill'): Promise<void> {
    this.#scaling.end()
    await this.workerSet.end(how)
  }

  onReady(worker: Worker, call: Call | undefined): void {
    this.#available.add(worker)
    if (!call) return this.#schedule()
    this.#reserved.delete(call)
    if (call.isSettled) void this.workerSet.retire(worker)
    else this.#give(worker, call)
  }

  onStartFailed(call: Call, error?: unknown): void {
    this.#reserved.delete(call)
    if (error !== undefined) this.#cancel(call, 'failed', error)
    else if (!call.isSettled) this.#queue.putBack(call)
  }

  onHopeless(error: unknown): void {
    this.#rejectWaiting(error)
  }

  onGone(worker: Worker): void {
    this.#available.remove(worker)
    this.#keyAffinity.release(worker)
    let last: Call | undefined
    for (let call = worker.waiting.shift(); call; call = worker.waiting.shift()) {
      this.#queue.putBack(call, last)
      last = call
    }
    this.#schedule()
  }

  onChange(): void {
    this.#schedule()
  }

  onAnswer(worker: Worker, call: Call, hasFailed: boolean, value: unknown, now: number): void {
    if (!call.isSettled) this.tracker.answer(call, hasFailed, value, now)
    else if (!this.tracker.endStream(call, endingOf(hasFailed, value), now) && !hasFailed) closeDescriptors([value]) // it comes too late
    this.workerSet.succeeded()
    if (now - worker.madeAt >= this.#settings.recycle.age && !worker.isEnding) void this.workerSet.retire(worker)
    this.onAnswered?.(worker)
    this.#available.add(worker)
    this.#serve(worker)
    this.#schedule()
  }

  onStream(call: Call, stream: PoolStream): void {
    this.tracker.beginStream(call, stream)
    this.#schedule()
  }

  onStreamLost(call: Call): void {
    this.tracker.endStream(call, 'lost', performance.now())
  }

  onTimeout(call: Call): void {
    this.#cancel(
      call,
      'timedOut',
      new PoolError('ERR_POOL_TIMEOUT', `the call has been running for ${call.options.timeout} ms`),
    )
  }

  onRetire(worker: Worker): void {
    this.#atOnce(() => this.workerSet.resign(worker))
  }

  onLost(worker: Worker, error: Error, begun: Call[], waiting: Call[]): void {
    this.#atOnce(() => {
      this.workerSet.forget(worker)
      for (const call of waiting.reverse()) this.#retry(call, error)
      for (const call of begun.reverse()) {
        if (call.deaths++ >= call.options.retries) this.tracker.settle(call, 'lost', error)
        else if (this.#retry(call, error)) this.tracker.statistics.counts.retried++
      }
    })
  }

  /** Makes changes that belong together: no call is given to a worker before the last of them. */
  #atOnce(change: () => void): void {
    this.#isScheduling = true
    try {
      change()
    } finally {
      this.#isScheduling = false
    }
    this.#schedule()
  }

  #schedule(isForced = false): void {
    if (this.#isScheduling) return
    this.#isScheduling = true
    this.#placeAll()
    for (let worker = this.#passedOver.pop(); worker; worker = this.#passedOver.pop()) {
      this.#serve(worker)
      this.#placeAll() // those of one that was retired
    }
    this.#isScheduling = false
    if (!this.#settings.isolate) this.#scaling.adjust(this.#queue.length, isForced)
    this.tracker.announce()
  }

  /** Finds places for as many calls of the queue as it can. */
  #placeAll(): void {
    for (let call = this.#queue.first; call && this.#place(call); call = this.#queue.first);
  }

  /** Finds a place for the first call of the queue; false when there is none now. */
  #place(call: Call): boolean {
    if (this.#settings.isolate) return this.#startFor(call)
    const bound = this.#keyAffinity.workerOf(call.options.key)
    if (bound) {
      this.#queue.remove(call)
      bound.waiting.push(call)
      this.#serve(bound)
      return true
    }
    let worker
    try {
      worker = this.#available.choose(call.args)
    } catch (error) {
      this.#cancel(call, 'failed', error)
      return true
    }
    if (worker) this.#give(worker, call)
    return worker !== undefined
  }

  #startFor(call: Call): boolean {
    if (!this.workerSet.mayStart(() => this.#schedule(), true)) return false
    call.queue?.remove(call)
    this.#reserved.add(call)
    this.workerSet.start(call)
    return true
  }

  /** Gives a worker the calls that only it may have, unless another call is to be served before. */
  #serve(worker: Worker): void {
    for (let own = worker.waiting.first; own && this.#available.has(worker); own = worker.waiting.first) {
      const shared = this.#queue.first
      if (shared && isBefore(shared, own)) return void this.#passedOver.push(worker)
      if (!worker.isUsable) return this.workerSet.forget(worker)
      this.#give(worker, own)
    }
  }

  #give(worker: Worker, call: Call): void {
    call.queue?.remove(call)
    this.tracker.waiting--
    this.#keyAffinity.bind(call.options.key, worker)
    worker.give(call)
    this.#available.update(worker)
    if (worker.calls >= worker.lifetime) void this.workerSet.retire(worker)
  }

  /** A call that is not wanted any more. */
  #cancel(call: Call, ending: Ending, reason: unknown): void {
    const { worker } = call
    if (!call.isStreaming) {
      if (call.isSettled) return
      call.queue?.remove(call)
      if (!worker) this.tracker.waiting--
      this.tracker.settle(call, ending, reason)
    } else call.streamEnding = ending
    worker?.cancel(call, reason)
    if (worker?.isEnding) this.workerSet.forget(worker)
    this.#schedule()
  }

  #rejectWaiting(error: unknown): void {
    for (const call of this.#reserved) this.#cancel(call, 'failed', error)
    for (const { waiting } of this.workerSet.all)
      for (let call = waiting.first; call; call = waiting.first) this.#cancel(call, 'failed', error)
    for (let call = this.#queue.first; call; call = this.#queue.first) this.#cancel(call, 'failed', error)
  }

  /** Descriptors that were sent to a worker are gone with it, and a call that has them cannot be made again. */
  #retry(call: Call, error: Error): boolean {
    const isPossible = areSendable(call.args)
    if (isPossible) {
      call.beganAt = 0
      this.tracker.waiting++
      this.#queue.putBack(call)
    } else this.tracker.settle(call, 'lost', error)
    return isPossible
  }
}

/** Of a stream that has just ended, or with an error. */
function endingOf(hasFailed: boolean, error: unknown): Ending {
  if (!hasFailed) return 'done'
  return isWorkerLost(error) ? 'lost' : 'failed'
}
