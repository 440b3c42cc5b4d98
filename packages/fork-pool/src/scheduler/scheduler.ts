import type { CallPromise } from '@anyfork/fork-rpc'
import { closeDescriptors, dropDescriptors, MAX_MESSAGE_BYTES, RequestEncoder } from '@anyfork/fork-rpc/internal'
import { Call } from '../call/call.js'
import { CallTracker } from '../call/call-tracker.js'
import type { PoolStream } from '../call/pool-stream.js'
import type { Ending } from '../call/statistics.js'
import type { CallSettings } from '../call-options.js'
import { PoolError } from '../errors.js'
import type { PoolSettings } from '../pool-options.js'
import { ProcessorLimit } from '../worker/processor-limit.js'
import type { Templates } from '../worker/templates.js'
import type { Worker } from '../worker/worker.js'
import { type ConnectWorker, isWorkerLost } from '../worker/worker-connection.js'
import { WorkerSet, type WorkerSetListener } from '../worker/worker-set.js'
import { Admission } from './admission.js'
import { Placement, type PlacementListener } from './placement.js'
import { Refork } from './refork.js'
import { Retries } from './retries.js'
import { RollingRestart } from './rolling-restart.js'
import { Scaling } from './scaling.js'
import { SendingAhead } from './sending-ahead.js'

/** Runs calls in workers, and settles every call. */
export class Scheduler implements WorkerSetListener, PlacementListener {
  readonly workerSet: WorkerSet
  readonly tracker: CallTracker
  readonly admission: Admission
  readonly rollingRestart: RollingRestart
  readonly #settings: PoolSettings
  readonly #encoder: RequestEncoder
  readonly #placement: Placement
  readonly #retries: Retries
  readonly #scaling: Scaling
  readonly #refork: Refork | undefined
  readonly #sendingAhead: SendingAhead | undefined
  readonly #processorLimit: ProcessorLimit
  /** While true, `#schedule` does nothing. */
  #isScheduling = false

  constructor(templates: Templates, settings: PoolSettings, connect: ConnectWorker) {
    const { refork, isolate, serialiser, maxMessageBytes = MAX_MESSAGE_BYTES, sendsAhead, onError } = settings
    this.#settings = settings
    this.#encoder = new RequestEncoder(serialiser, maxMessageBytes)
    this.#processorLimit = new ProcessorLimit((worker, call, error) => this.#kill(worker, [call], () => error))
    this.workerSet = new WorkerSet(templates, settings, connect, this)
    this.tracker = new CallTracker(() => this.admission.acceptsCalls(this.#placement.hasFreeSlot))
    this.admission = new Admission(this.workerSet, this.tracker, settings)
    this.rollingRestart = new RollingRestart(this.workerSet, isolate)
    this.#refork = refork.length ? new Refork(refork, this.workerSet, this.rollingRestart, onError) : undefined
    this.#placement = new Placement(this.workerSet, this.tracker, settings, this)
    this.#retries = new Retries(this.tracker, this.#placement)
    if (sendsAhead)
      this.#sendingAhead = new SendingAhead(this.workerSet, this.tracker, this.#placement, () => this.#schedule())
    this.#scaling = new Scaling(settings, this.workerSet, hasWaited => this.#schedule(hasWaited))
    this.#scaling.adjust(0)
  }

  /** Runs a call as soon as a worker has a free slot. The promise rejects if the call is not accepted. */
  call(name: string, args: unknown[], options: CallSettings): CallPromise {
    const call = new Call(name, args, options)
    const { promise } = call
    if (!this.#accept(call)) return promise
    if (options.signal) call.watchSignal(options.signal, reason => this.#cancel(call, 'aborted', reason))
    this.#sendingAhead?.onCall(call)
    this.tracker.add(call)
    this.#placement.add(call)
    this.#schedule()
    return promise
  }

  /** Cancels all calls. */
  rejectAll(error: Error): void {
    this.#atOnce(() => {
      for (const worker of this.workerSet.all) {
        this.workerSet.release(worker) // its bound calls become unbound
        for (const call of worker.running) this.#cancel(call, 'failed', error)
      }
      this.#rejectWaiting(error)
    })
  }

  /** Ends all workers and templates. */
  async end(how: 'end' | 'kill'): Promise<void> {
    this.#scaling.end()
    await this.workerSet.end(how)
  }

  onStarting(worker: Worker, reserved: Call): void {
    this.#placement.runAhead(worker, reserved)
  }

  onReady(worker: Worker, reserved: Call | undefined): void {
    this.#placement.addWorker(worker, reserved)
    if (!reserved) this.#schedule()
  }

  onStartFailed(reserved: Call, error?: unknown): void {
    this.#placement.endReservation(reserved)
    if (error !== undefined) return this.#cancel(reserved, 'failed', error)
    if (reserved.isSettled) return
    this.tracker.enqueue(reserved)
    this.#placement.putBack(reserved)
  }

  onHopeless(error: unknown): void {
    this.#rejectWaiting(error)
  }

  onGone(worker: Worker): void {
    this.#placement.removeWorker(worker)
    this.#schedule()
  }

  onChange(): void {
    this.#schedule()
  }

  onStartAllowed(): void {
    this.#schedule()
  }

  onUnplaceable(call: Call, error: unknown): void {
    this.#cancel(call, 'failed', error)
  }

  onAnswer(worker: Worker, call: Call, hasFailed: boolean, value: unknown, now: number): void {
    if (!call.isSettled) this.tracker.answer(call, hasFailed, value, now)
    else {
      const isStream = this.tracker.endStream(call, endingOf(hasFailed, value), now)
      if (!isStream && !hasFailed) closeDescriptors([value]) // the call was cancelled, so the result has no receiver
    }
    this.workerSet.resetFailures()
    if (now - worker.madeAt >= this.#settings.recycle.age && !worker.isEnding) void this.workerSet.retire(worker)
    this.#refork?.consider(worker)
    this.#placement.onAnswer(worker)
    this.#schedule()
    this.#sendingAhead?.onAnswer(worker, now)
  }

  onStream(call: Call, stream: PoolStream): void {
    this.tracker.beginStream(call, stream)
    this.#schedule()
  }

  onStreamLost(call: Call): void {
    this.tracker.endStream(call, 'lost', performance.now())
  }

  onBegin(worker: Worker, call: Call): void {
    if (call.isAhead) {
      this.#placement.endReservation(call)
      this.tracker.dequeue(call)
      this.tracker.announce()
    }
    if (call.options.cpuMs !== undefined) this.#processorLimit.begin(worker, call)
  }

  onTakenBack(worker: Worker, calls: Call[]): void {
    for (const call of calls) this.tracker.enqueue(call)
    this.#placement.onTakenBack(worker, calls)
  }

  onEnd(call: Call): void {
    this.#processorLimit.end(call)
  }

  onLimitExceeded(worker: Worker, makeError: () => PoolError): void {
    this.#kill(worker, worker.takeBegun(), makeError)
  }

  onTimeout(call: Call): void {
    const message = `the call has been running for ${call.options.timeout} ms`
    this.#cancel(call, 'timedOut', new PoolError('ERR_POOL_TIMEOUT', message))
  }

  onRetire(worker: Worker): void {
    this.#atOnce(() => this.workerSet.retireOnRequest(worker))
  }

  onEnding(worker: Worker): void {
    this.workerSet.release(worker)
  }

  onLost(worker: Worker, error: Error, begun: Call[], waiting: Call[]): void {
    this.#atOnce(() => {
      this.workerSet.release(worker)
      this.#retries.onLost(error, begun, waiting)
    })
  }

  /** Kills a worker whose calls exceed a limit, and rejects these calls. */
  #kill(worker: Worker, calls: Call[], makeError: () => PoolError): void {
    this.#atOnce(() => {
      worker.kill(makeError())
      for (const call of calls) this.#cancel(call, 'failed', makeError())
      this.workerSet.release(worker)
    })
  }

  /** Makes several changes before any call is given to a worker. */
  #atOnce(change: () => void): void {
    this.#isScheduling = true
    try {
      change()
    } finally {
      this.#isScheduling = false
    }
    this.#schedule()
  }

  /** Gives waiting calls to workers, adjusts the number of workers, and announces the new counts. */
  #schedule(hasWaited = false): void {
    if (this.#isScheduling) return
    this.#isScheduling = true
    this.#placement.placeAll()
    this.#isScheduling = false
    if (!this.#settings.isolate) this.#scaling.adjust(this.#placement.unbound, hasWaited)
    this.tracker.announce()
  }

  /** Captures the arguments of a new call. Rejects the call and returns false if it is not accepted. */
  #accept(call: Call): boolean {
    let refusal = this.#refusalOf(call)
    if (!refusal) {
      try {
        call.capture(this.#encoder)
      } catch (error) {
        this.tracker.statistics.recordEnding('failed')
        return this.#refuse(call, error)
      }
      if (this.#settings.maxQueue.bytes < Infinity) refusal = this.#refusalOf(call) // its size is known now
    }
    if (!refusal) return true
    this.tracker.statistics.counts.rejected++
    return this.#refuse(call, refusal.reason)
  }

  #refuse(call: Call, reason: unknown): false {
    if (!call.request) dropDescriptors(call.args)
    call.reject(reason)
    return false
  }

  #refusalOf({ options, bytes }: Call): { reason: unknown } | undefined {
    const bound = this.#placement.boundTo(options.key)
    return bound
      ? this.admission.refusalOf(options, bytes, this.#placement.isAvailable(bound), this.#placement.unbound)
      : this.admission.refusalOf(options, bytes, this.#placement.hasFreeSlot, Infinity)
  }

  /** Rejects a call, or ends its stream, and frees its worker. */
  #cancel(call: Call, ending: Ending, reason: unknown): void {
    const { owner } = call
    if (call.isStreaming) call.streamEnding = ending
    else {
      if (call.isSettled) return
      call.queue?.remove(call)
      this.tracker.settle(call, ending, reason)
    }
    owner?.cancel(call, reason)
    this.#schedule()
  }

  #rejectWaiting(error: unknown): void {
    this.#placement.rejectAll(call => this.#cancel(call, 'failed', error))
  }
}

/** How a stream ended: 'lost' if its worker died, 'failed' on any other error, else 'done'. */
function endingOf(hasFailed: boolean, error: unknown): Ending {
  if (!hasFailed) return 'done'
  return isWorkerLost(error) ? 'lost' : 'failed'
}
