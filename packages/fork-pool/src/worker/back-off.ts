const FIRST_MS = 10
const LONGEST_MS = 1000
/** After so many failures in a row it is hopeless. */
export const MOST_FAILURES = 7

/** Waits longer and longer between attempts that fail. */
export class BackOff {
  #failures = 0
  #failedAt = 0
  #notBefore = 0
  #timer: NodeJS.Timeout | undefined

  get isHopeless(): boolean {
    return this.#failures >= MOST_FAILURES
  }

  /**
   * The first attempt after a failure comes at once, the others later and later. Attempts
   * that were under way together fail once: what went wrong may be the same.
   *
   * @param begunAt - when the attempt was made, of `performance.now()`
   * @param weight - as how many failures it counts
   */
  failed(begunAt: number, weight: number): void {
    if (begunAt < this.#failedAt) return
    this.#failures += weight
    this.#failedAt = performance.now()
    if (this.#failures > 1)
      this.#notBefore = this.#failedAt + Math.min(LONGEST_MS, FIRST_MS * 2 ** (this.#failures - 2))
  }

  succeeded(): void {
    if (!this.#failures) return
    this.#failures = 0
    this.#notBefore = 0
    this.cancel()
  }

  /**
   * Whether another attempt may be made now; if not, calls back when it may.
   *
   * @param isNeeded - whether the program is kept running until then
   */
  mayTry(again: () => void, isNeeded: boolean): boolean {
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
