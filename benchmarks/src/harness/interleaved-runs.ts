/** A benchmark whose samples are taken in rounds. */
export interface Rounds {
  /** Whether all rounds have been taken. */
  readonly isComplete: boolean
  runRound(): Promise<void>
  /** Called instead of the next round if the rounds that remain are left out. */
  leaveOutRest(minutes: number): void
}

export interface InterleaveOptions<Benchmark extends Rounds> {
  /** Called after each round. The next one starts when the promise is fulfilled. */
  onRound?: (benchmark: Benchmark) => void | Promise<void>
  /**
   * The time limit, in minutes.
   *
   * @default Infinity
   */
  minutes?: number
  /**
   * The clock, in milliseconds.
   *
   * @default performance.now
   */
  now?: () => number
}

/**
 * Interleaves the rounds of benchmarks: takes the first round of each, then the second of each, and so on. A disturbance of
 * the machine then affects one round of several benchmarks rather than all rounds of one.
 *
 * The first round of each benchmark is always taken. A later one is taken if the longest one of the same benchmark so far
 * would fit into what is left of the time limit.
 */
export async function runInterleaved<Benchmark extends Rounds>(
  benchmarks: Iterable<Benchmark>,
  { onRound = () => {}, minutes = Infinity, now = () => performance.now() }: InterleaveOptions<Benchmark> = {},
): Promise<void> {
  const endsAt = now() + minutes * 60_000
  const longest = new Map<Benchmark, number>()
  const running = new Set(benchmarks)
  while (running.size)
    for (const benchmark of running) {
      const startedAt = now()
      const before = longest.get(benchmark)
      if (before !== undefined && startedAt + before > endsAt) {
        benchmark.leaveOutRest(minutes)
        running.delete(benchmark)
        continue
      }
      await benchmark.runRound()
      longest.set(benchmark, Math.max(before ?? 0, now() - startedAt))
      if (benchmark.isComplete) running.delete(benchmark)
      await onRound(benchmark)
    }
}
