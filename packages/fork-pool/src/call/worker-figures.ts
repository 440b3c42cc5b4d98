export type WorkerState = 'starting' | 'idle' | 'busy' | 'ending'

/** What a worker has done. */
export interface WorkerFigures {
  pid: number
  state: WorkerState
  /** From asking the template for it to its first byte, in milliseconds. */
  startMilliseconds: number
  ageMilliseconds: number
  /** How long it had calls. */
  busyMilliseconds: number
  /** How many calls it was given, and has now. */
  calls: number
  load: number
  /** The arguments of the call that began first of those that run, and how long it has been running. */
  running?: { args: readonly unknown[]; milliseconds: number }
}
