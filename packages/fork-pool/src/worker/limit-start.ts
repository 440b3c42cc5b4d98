import type { ForkProcess } from '@anyfork/fork-rpc'

/** Into how many intervals the limit is split. */
const INTERVALS = 10

/** How often each template has made progress: a process of it was forked, or could be called. */
const progress = new WeakMap<ForkProcess, number>()

/**
 * Limits how long a process may take until it is forked, and then until it can be called. A template forks one process
 * after the other, so the first limit starts again whenever another process of the template makes progress.
 *
 * Counts intervals: if this program is stopped, or its event loop blocked, that counts as one interval, however long it
 * takes.
 *
 * @param milliseconds - the limit
 * @param onOverdue - called once if the process takes longer
 * @returns ends the limit. Pass true if the process can be called now
 */
export function limitStart(
  process: ForkProcess,
  template: ForkProcess,
  milliseconds: number,
  onOverdue: () => void,
): (hasStarted: boolean) => void {
  let passed = 0
  let isForked = false
  let seen = progressOf(template)
  const timer = setInterval(() => {
    if (!isForked && process.pid !== undefined) {
      isForked = true
      passed = 0
      noteProgress(template)
    } else if (!isForked && seen !== progressOf(template)) {
      seen = progressOf(template)
      passed = 0
    }
    if (++passed < INTERVALS) return
    clearInterval(timer)
    onOverdue()
  }, milliseconds / INTERVALS)
  return hasStarted => {
    clearInterval(timer)
    if (hasStarted) noteProgress(template)
  }
}

function progressOf(template: ForkProcess): number {
  return progress.get(template) ?? 0
}

function noteProgress(template: ForkProcess): void {
  progress.set(template, progressOf(template) + 1)
}
