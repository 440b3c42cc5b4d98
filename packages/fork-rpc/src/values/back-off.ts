/** A quick pass that takes fewer bytes takes little time, even in vain. */
export const LARGE_PASS = 4096
const MOST_MESSAGES = 64

/**
 * Bounds a quick pass over a message, which may fail late. After such a failure, the next large messages are not tried:
 * one, then two, and so on, until one succeeds.
 */
export class BackOff {
  /** How many large messages are not to be tried. */
  #waiting = 0
  #next = 1

  /** How many bytes of the next message the pass may take. */
  get most(): number {
    return this.#waiting > 0 ? LARGE_PASS : Infinity
  }

  /**
   * Takes the outcome of a pass.
   *
   * @param size - how many bytes it took, or would have taken if the message had been tried
   */
  report(hasSucceeded: boolean, size: number): void {
    if (size <= LARGE_PASS) return
    if (hasSucceeded) this.#next = 1
    else if (this.#waiting > 0) this.#waiting--
    else {
      this.#waiting = this.#next
      this.#next = Math.min(2 * this.#next, MOST_MESSAGES)
    }
  }
}
