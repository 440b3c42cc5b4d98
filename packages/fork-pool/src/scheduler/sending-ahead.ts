import { bindContext } from '@anyfork/fdpass/internal'
import type { Call } from '../call/call.js'
import type { CallTracker } from '../call/call-tracker.js'
import type { Worker } from '../worker/worker.js'
import type { WorkerSet } from '../worker/worker-set.js'
import type { Placement } from './placement.js'

/** How many calls a worker has at most. */
const MOST_CALLS = 16
/** Calls are sent ahead from this score on. A short call adds 1. */
const LEAST_SCORE = 50
const HIGHEST_SCORE = 100
/** What a long call takes from the score: it falls if more than one in so many is long. */
const COST_OF_LONG_CALL = 20
/** After how long a call is in the way of those behind it, in milliseconds. */
const STUCK_MS = 0.5
/** How often to look for such calls: while workers answer, and otherwise, in milliseconds. */
const LOOK_MS = 0.25
const TIMER_MS = 1

/**
 * Sends calls to busy workers while almost all calls are short, so that a worker has its next call when it has answered
 * one. A call that was sent ahead still counts as waiting until it begins. It is taken back if the call before it takes
 * long, or if a call with a higher priority comes.
 */
export class SendingAhead {
  readonly #workerSet: WorkerSet
  readonly #tracker: CallTracker
  readonly #placement: Placement
  readonly #onTakenBack: () => void
  #score = 0
  #lowestPriority = Infinity
  #nextLook = 0
  #timer: NodeJS.Timeout | undefined
  /** The timer belongs to the pool, not to the asynchronous context of the call that needs it first. */
  readonly #startTimer = bindContext(() => setTimeout(() => this.#onTimer(), TIMER_MS).unref())

  /** @param onTakenBack - called when calls that were taken back wait for other workers */
  constructor(workerSet: WorkerSet, tracker: CallTracker, placement: Placement, onTakenBack: () => void) {
    this.#workerSet = workerSet
    this.#tracker = tracker
    this.#placement = placement
    this.#onTakenBack = onTakenBack
  }

  /** Call this before a new call is placed. */
  onCall({ priority }: Call): void {
    if (this.#tracker.ahead && priority > this.#lowestPriority)
      for (const worker of this.#workerSet.all) worker.takeBackAll()
  }

  /** Call this when a worker has answered a call, and the waiting calls have been placed. */
  onAnswer(worker: Worker, now: number): void {
    if (worker.progress.takeHasRunLong()) this.#score = Math.max(0, this.#score - COST_OF_LONG_CALL)
    else if (this.#score < HIGHEST_SCORE) this.#score++
    if (this.#score >= LEAST_SCORE && worker.canGetCallsAhead) this.#send(worker, now)
    if (!this.#tracker.ahead) return
    if (now >= this.#nextLook) this.#look(now)
    this.#timer ??= this.#startTimer()
  }

  /** Sends a worker its share of the waiting calls. */
  #send(worker: Worker, now: number): void {
    if (!this.#tracker.ahead) this.#lowestPriority = Infinity
    const share = 1 + Math.floor(this.#placement.waitingHere / this.#workerSet.ready.size)
    const last = this.#placement.sendAhead(worker, Math.min(MOST_CALLS, share), now)
    if (last) this.#lowestPriority = Math.min(this.#lowestPriority, last.priority)
  }

  #onTimer(): void {
    setImmediate(() => {
      // the answers that have arrived are handled
      this.#timer = undefined
      if (!this.#tracker.ahead) return
      this.#look(performance.now())
      if (this.#tracker.ahead) this.#timer ??= this.#startTimer()
    })
  }

  /** Takes calls back from workers that have been running a call for long. */
  #look(now: number): void {
    this.#nextLook = now + LOOK_MS
    let count = 0
    for (const worker of this.#workerSet.all)
      if (worker.load > 1 && worker.progress.look(now) > STUCK_MS) count += worker.takeBackAll()
    if (count) this.#onTakenBack()
  }
}
