import type { Call } from '../call/call.js'
import { isBefore, PriorityQueue } from '../call/call-queue.js'
import type { CallTracker } from '../call/call-tracker.js'
import type { PoolSettings } from '../pool-options.js'
import type { Worker } from '../worker/worker.js'
import type { WorkerSet } from '../worker/worker-set.js'
import { AvailableWorkers } from './available-workers.js'
import { KeyAffinity } from './key-affinity.js'

/** The largest arguments of a call that is sent ahead. */
const MOST_BYTES_AHEAD = 4096

/** What the placement reports. */
export interface PlacementListener {
  /** The balancer failed to choose a worker for a call. */
  onUnplaceable(call: Call, error: unknown): void
  /** After a back-off, a worker may be started for a waiting call. */
  onStartAllowed(): void
}

/** Decides which waiting call each worker runs next. */
export class Placement {
  readonly #workerSet: WorkerSet
  readonly #tracker: CallTracker
  readonly #settings: PoolSettings
  readonly #listener: PlacementListener
  /** The waiting calls that any worker may run. */
  readonly #queue = new PriorityQueue<Call>()
  readonly #available: AvailableWorkers
  readonly #keyAffinity = new KeyAffinity()
  /** Calls for each of which a worker is being started. Some of them have been given to it. */
  readonly #reserved = new Set<Call>()
  /** Workers whose bound calls have let a call of the queue go first. */
  readonly #passedOver: Worker[] = []

  constructor(workerSet: WorkerSet, tracker: CallTracker, settings: PoolSettings, listener: PlacementListener) {
    this.#workerSet = workerSet
    this.#tracker = tracker
    this.#settings = settings
    this.#listener = listener
    this.#available = new AvailableWorkers(workerSet, settings)
  }

  /** How many waiting calls any worker may run. */
  get unbound(): number {
    return this.#queue.length + this.#tracker.ahead
  }

  /** How many of them were not sent ahead. */
  get waitingHere(): number {
    return this.#queue.length
  }

  /** Whether a worker has a free slot. */
  get hasFreeSlot(): boolean {
    return this.#available.length > 0
  }

  /** Returns the worker to which a key is bound. */
  boundTo(key: unknown): Worker | undefined {
    return this.#keyAffinity.workerOf(key)
  }

  isAvailable(worker: Worker): boolean {
    return this.#available.has(worker)
  }

  /** Adds a new call. */
  add(call: Call): void {
    this.#queue.push(call)
  }

  /** Puts a call that has lost its worker back into its place. */
  putBack(call: Call): void {
    this.#queue.putBack(call)
  }

  /** Puts calls that were taken back into their places. */
  onTakenBack(worker: Worker, calls: Call[]): void {
    let last: Call | undefined
    for (const call of calls) {
      this.#queue.putBack(call, last)
      last = call
    }
    this.#available.add(worker) // if it has answered its call just now
  }

  /**
   * Sends the next waiting calls to a busy worker, until it has `most` calls, or a call comes that cannot be sent ahead.
   *
   * @returns the last call that was sent
   */
  sendAhead(worker: Worker, most: number, now: number): Call | undefined {
    let last: Call | undefined
    while (worker.load < most && this.#workerSet.ready.has(worker)) {
      const { first } = this.#queue
      const own = worker.waiting.first
      if (!first || !canBeSentAhead(first) || (own && isBefore(own, first))) break
      last = first
      this.#queue.remove(first)
      this.#tracker.sendAhead(first)
      worker.sendAhead(first, now)
      if (worker.calls >= worker.lifetime) void this.#workerSet.retire(worker)
    }
    return last
  }

  /**
   * Gives a worker that is starting its only call, so that it begins the call as soon as it has started. A call with
   * attachments waits until then: it could not be given to another worker.
   */
  runAhead(worker: Worker, reserved: Call): void {
    if (!reserved.request!.isPlain) return
    this.#tracker.sendAhead(reserved)
    worker.run(reserved)
    void worker.end()
  }

  /** Adds a worker that has started. Runs the call that it was reserved for, if any. */
  addWorker(worker: Worker, reserved: Call | undefined): void {
    this.#available.add(worker)
    if (!reserved) return
    this.endReservation(reserved)
    if (reserved.isSettled) void this.#workerSet.retire(worker)
    else this.#run(worker, reserved)
  }

  /** Removes a worker that accepts no more calls. Its bound calls become unbound. */
  removeWorker(worker: Worker): void {
    this.#available.remove(worker)
    this.#keyAffinity.release(worker)
    let last: Call | undefined
    for (let call = worker.waiting.shift(); call; call = worker.waiting.shift()) {
      this.#queue.putBack(call, last)
      last = call
    }
  }

  /** Ends the reservation of a call: it begins, or its worker has not started. */
  endReservation(call: Call): void {
    this.#reserved.delete(call)
  }

  /** Adds a worker that has answered a call, and runs the calls that are bound to it. */
  onAnswer(worker: Worker): void {
    this.#available.add(worker)
    this.#runBound(worker)
  }

  /** Runs as many waiting calls as the workers have free slots for. */
  placeAll(): void {
    this.#placeUnbound()
    for (let worker = this.#passedOver.pop(); worker; worker = this.#passedOver.pop()) {
      this.#runBound(worker)
      this.#placeUnbound() // if that retired the worker, its bound calls are unbound now
    }
  }

  /** @param reject - rejects a call, which removes it from its queue */
  rejectAll(reject: (call: Call) => void): void {
    for (const call of this.#reserved) reject(call)
    for (const { waiting } of this.#workerSet.all)
      for (let call = waiting.first; call; call = waiting.first) reject(call)
    for (let call = this.#queue.first; call; call = this.#queue.first) reject(call)
  }

  #placeUnbound(): void {
    for (let call = this.#queue.first; call && this.#place(call); call = this.#queue.first);
  }

  /** Finds a worker for the first call of the queue. Returns false if no worker has a free slot. */
  #place(call: Call): boolean {
    if (this.#settings.isolate) return this.#startFor(call)
    const bound = this.#keyAffinity.workerOf(call.options.key)
    if (bound) {
      this.#queue.remove(call)
      bound.waiting.push(call)
      this.#runBound(bound)
      return true
    }
    let worker
    try {
      worker = this.#available.choose(call.args)
    } catch (error) {
      this.#listener.onUnplaceable(call, error)
      return true
    }
    if (worker) this.#run(worker, call)
    return worker !== undefined
  }

  /** Starts a worker for one call. Returns false if none may be started now. */
  #startFor(call: Call): boolean {
    if (!this.#workerSet.tryToStart(() => this.#listener.onStartAllowed(), true)) return false
    call.queue?.remove(call)
    this.#reserved.add(call)
    this.#workerSet.start(call)
    return true
  }

  /** Runs the calls that are bound to a worker, until a call of the queue comes first. */
  #runBound(worker: Worker): void {
    for (let own = worker.waiting.first; own && this.#available.has(worker); own = worker.waiting.first) {
      const { first } = this.#queue
      if (first && isBefore(first, own)) return void this.#passedOver.push(worker)
      if (!worker.isUsable) return this.#workerSet.release(worker)
      this.#run(worker, own)
    }
  }

  #run(worker: Worker, call: Call): void {
    call.queue?.remove(call)
    this.#tracker.dequeue(call)
    this.#keyAffinity.bind(call.options.key, worker)
    worker.run(call)
    this.#available.update(worker)
    if (worker.calls >= worker.lifetime) void this.#workerSet.retire(worker)
  }
}

/** Returns whether a call can be sent again if it is taken back, at little cost, and may run in any worker. */
function canBeSentAhead({ options: { key, onEvent }, request, bytes }: Call): boolean {
  return key === undefined && onEvent === undefined && bytes <= MOST_BYTES_AHEAD && request!.isPlain
}
