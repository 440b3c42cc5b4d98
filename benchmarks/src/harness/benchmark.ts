import { contest, type Progress, type Row } from './contest.js'
import type { Question } from './question.js'

/** What the command line runs. */
export interface Benchmark {
  /** What it asks, and how that is measured. */
  describe(): Promise<{ title: string; method: string }>
  run(isQuick: boolean, onProgress: Progress): Promise<Row[]>
}

/** The benchmark whose file exports a `question`. */
export function contestBenchmark(name: string): Benchmark {
  const file = new URL(`../${name}.js`, import.meta.url).href
  return {
    describe: async () => ((await import(file)) as { question: Question }).question,
    run: (isQuick, onProgress) => contest(file, isQuick, onProgress),
  }
}
