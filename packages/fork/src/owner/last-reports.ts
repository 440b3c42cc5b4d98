/**
 * How long reports may still arrive from a process that has ended, or the report of its exit after it was killed, in
 * milliseconds.
 */
const LAST_REPORTS_MS = 500

/** Ends the wait for the last reports of a process, and for the one of its exit. */
export class LastReports {
  readonly #onOverdue: () => void
  #timer: NodeJS.Timeout | undefined
  #isUrgent = false
  #isHeld = false

  /** @param onOverdue - called when the wait has lasted too long */
  constructor(onOverdue: () => void) {
    this.#onOverdue = onOverdue
  }

  /** Whether everything is to settle after the wait, even if no process has reported how this one has ended. */
  get isUrgent(): boolean {
    return this.#isUrgent
  }

  /** Begins the wait. Begins it anew if it was not urgent. */
  expect({ isUrgent }: { isUrgent: boolean }): void {
    if (this.#isUrgent) return
    this.#isUrgent = isUrgent
    clearTimeout(this.#timer)
    this.#timer = setTimeout(this.#onOverdue, LAST_REPORTS_MS)
    if (!this.#isHeld) this.#timer.unref()
  }

  /** Keeps this program running during the wait, or no longer. */
  hold(on: boolean): void {
    this.#isHeld = on
    if (on) this.#timer?.ref()
    else this.#timer?.unref()
  }

  /** Ends the wait. The next one begins anew, even if this one was urgent. */
  cancel(): void {
    clearTimeout(this.#timer)
    this.#isUrgent = false
  }
}
