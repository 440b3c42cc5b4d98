/** So much of what came is worth a system call, in bytes of calls. */
const LEAST_BYTES = 128
const MOST_BYTES = 4096

/**
 * Decides when answers leave while more calls wait to be carried out: when half of what
 * has come is done, or 4 KiB of it, the caller gets the answers, and makes its next calls
 * while the rest is carried out. With all answers in one write, each would wait for the
 * other.
 */
export class ReplyBatching {
  #last = 0
  #due = 0

  /**
   * To be asked once for each answer.
   *
   * @param waiting - how many bytes of calls have come and were not gone to
   */
  recordReply(waiting: number): boolean {
    const isNew = waiting > this.#last
    this.#last = waiting
    if (!isNew && waiting > this.#due) return false
    this.#due = waiting - Math.min(Math.max(waiting / 2, LEAST_BYTES), MOST_BYTES)
    return !isNew && waiting > 0
  }
}
