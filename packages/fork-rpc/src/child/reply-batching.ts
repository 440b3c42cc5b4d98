/** The fewest bytes of calls whose responses are worth a system call. */
const LEAST_BYTES = 128
const MOST_BYTES = 4096

/**
 * Decides when responses leave while more calls wait: when half of the calls that have arrived are done, or 4 KiB of
 * them. The caller then settles these calls and makes its next ones while the process works on the rest. If all
 * responses left in one write, each side would wait for the other.
 */
export class ReplyBatching {
  #last = 0
  #due = 0

  /**
   * Records one response. Reports whether to write the responses so far.
   *
   * @param waiting - the number of bytes of calls that have arrived and not begun
   */
  recordReply(waiting: number): boolean {
    const isNew = waiting > this.#last
    this.#last = waiting
    if (!isNew && waiting > this.#due) return false
    this.#due = waiting - Math.min(Math.max(waiting / 2, LEAST_BYTES), MOST_BYTES)
    return !isNew && waiting > 0
  }
}
