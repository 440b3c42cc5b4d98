import { ProcessExitedError } from '@anyfork/fork-rpc'
import type { Call } from '../call/call.js'
import { PoolError } from '../errors.js'
import { BackOff, MOST_FAILURES } from './back-off.js'

/** Decides, from the failures so far, when the next worker may start and when to give up. */
export class StartFailures {
  readonly #backOff = new BackOff()

  get isHopeless(): boolean {
    return this.#backOff.isHopeless
  }

  /**
   * Returns true if a worker may start now. Otherwise, arms a timer that calls back when it may.
   *
   * @param isNeeded - whether the timer keeps the program running
   */
  tryToStart(again: () => void, isNeeded: boolean): boolean {
    return this.#backOff.tryNow(again, isNeeded)
  }

  /** Forgets all failures: a worker has started and has done something. */
  reset(): void {
    this.#backOff.succeed()
  }

  /** Disarms the timer. */
  cancel(): void {
    this.#backOff.cancel()
  }

  /**
   * Records a failure.
   *
   * @param begunAt - when the start began, in milliseconds of `performance.now()`
   * @param workersLeft - how many workers can still serve calls
   * @returns the error with which all waiting calls reject, or `undefined` if they may go on waiting
   */
  record(error: unknown, begunAt: number, workersLeft: number): unknown {
    this.#backOff.fail(begunAt, weightOf(error))
    return workersLeft || (isPassing(error) && !this.isHopeless) ? undefined : reportOf(error)
  }
}

/**
 * Counts a failed start for the call that reserved the worker.
 *
 * @returns the error with which the call rejects, or `undefined` if another worker may be started for it
 */
export function recordFailedStart(call: Call, error: unknown): unknown {
  call.failedStarts += weightOf(error)
  return call.failedStarts < MOST_FAILURES && isPassing(error) ? undefined : reportOf(error)
}

/** A start timeout takes so long that only one more attempt is worthwhile. */
function weightOf(error: unknown): number {
  return codeOf(error) === 'ERR_POOL_START_TIMEOUT' ? Math.ceil(MOST_FAILURES / 2) : 1
}

/** Returns whether the next attempt could succeed: after a death or a full system, but not if a function is missing. */
function isPassing(error: unknown): boolean {
  const code = codeOf(error)
  return (
    error instanceof ProcessExitedError ||
    code === 'ERR_POOL_START_TIMEOUT' ||
    code === 'ERR_POOL_CRASH_LOOP' ||
    (error as NodeJS.ErrnoException).syscall !== undefined
  )
}

/** Returns the error that calls reject with. */
function reportOf(error: unknown): unknown {
  return error instanceof ProcessExitedError
    ? new PoolError('ERR_POOL_CRASH_LOOP', `workers die again and again before they can be called: ${error.message}`, {
        cause: error,
      })
    : error
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
