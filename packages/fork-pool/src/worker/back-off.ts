const FIRST_MS = 10
const LONGEST_MS = 1000
/** After so many failures in a row, further attempts are hopeless. */
export const MOST_FAILURES = 7

/** Delays retries: the first is immediate, the second waits a little, and each further one twice as long, up to a limit. */
export class BackOff {
  readonly #firstMs: number
  readonly #longestMs: number
  #failures = 0
  #failedAt = 0
  #notBefore = 0
  #timer: NodeJS.Timeout | undefined

  /**
   * @param firstMs - the wait before the second retry, in milliseconds
   * @param longestMs - the longest wait
   */
  constructor(firstMs: number = FIRST_MS, longestMs: number = LONGEST_MS) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
  }

  get isHopeless(): boolean {
    return this.#failures >= MOST_FAILURES
  }

  /**
   * Records a failed attempt. Attempts that ran at the same time count as one failure, because they may have failed
   * for the same reason.
   *
   * @param begunAt - when the attempt began, in milliseconds of `performance.now()`
   * @param weight - how many failures the attempt counts as
   */
  fail(begunAt: number, weight: number): void {
    if (begunAt < this.#failedAt) return
    this.#failures += weight
    this.#failedAt = performance.now()
    if (this.#failures > 1)
      this.#notBefore = this.#failedAt + Math.min(this.#longestMs, this.#firstMs * 2 ** (this.#failures - 2))
  }

  succeed(): void {
    if (!this.#failures) return
    this.#failures = 0
    this.#notBefore = 0
    this.cancel()
  }

  /**
   * Returns true if an attempt may be made now. Otherwise, arms a timer that calls back when it may.
   *
   * @param isNeeded - whether the timer keeps the program running
   */
  tryNow(again: () => void, isNeeded: boolean): boolean {
    if (!this.#notBefore) return true
    const wait = this.#notBefore - performance.now()
    if (wait <= 0) return true
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      again()
    }, Math.ceil(wait))
    if (isNeeded) this.#timer.ref()
    else this.#timer.unref()
    return false
  }

  cancel(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
