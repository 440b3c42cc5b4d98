import type { Benchmark } from './benchmark.js'
import { type OnSample, type Row, type RunOptions, runInterleaved } from './interleaved-runs.js'

/** What the command line runs. */
export interface RunnableBenchmark {
  /** What it asks, and how that is measured. */
  describe(): Promise<{ title: string; method: string }>
  run(options: RunOptions, onSample: OnSample): Promise<Row[]>
}

const TABLE_NOTE =
  'Figures are medians of all rounds. Lowest and highest are those of the first metric. Ratio: how many times as good the first row is.'

/** The benchmark whose file exports a `benchmark`. */
export function benchmarkFromModule(name: string): RunnableBenchmark {
  const file = new URL(`../${name}.js`, import.meta.url).href
  return {
    describe: async () => {
      const { benchmark } = (await import(file)) as { benchmark: Benchmark }
      return { title: benchmark.title, method: `${benchmark.method}\n\n${TABLE_NOTE}` }
    },
    run: (options, onSample) => runInterleaved(file, options, onSample),
  }
}
