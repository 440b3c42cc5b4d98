/** Into how many intervals the limit is split. */
const INTERVALS = 10

/**
 * Limits how long an interpreter may take until it takes orders.
 *
 * Counts intervals: if this program is stopped, or its event loop blocked, that counts as one interval, however long it
 * takes. The report of the interpreter can then still arrive.
 */
export class StartLimit {
  #timer: NodeJS.Timeout | undefined

  /**
   * @param milliseconds - the limit; `Infinity` for none
   * @param onOverdue - called unless `end` is called earlier; does not keep this program running
   */
  constructor(milliseconds: number, onOverdue: () => void) {
    if (milliseconds === Infinity) return
    let passed = 0
    this.#timer = setInterval(() => {
      if (++passed < INTERVALS) return
      this.end()
      onOverdue()
    }, milliseconds / INTERVALS)
    this.#timer.unref()
  }

  /** Ends the limit. Idempotent. */
  end(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
