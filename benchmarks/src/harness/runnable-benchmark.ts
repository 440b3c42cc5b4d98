import type { Benchmark } from './benchmark.js'
import { type OnSample, type Row, type RunOptions, runInterleaved } from './interleaved-runs.js'

/** A benchmark that the command line can run. */
export interface RunnableBenchmark {
  /** Returns the question, and how it is measured. */
  describe(): Promise<{ title: string; method: string }>
  run(options: RunOptions, onSample: OnSample): Promise<Row[]>
}

const TABLE_NOTE =
  'Each value is the median of all rounds. Lowest and highest: the extremes of the first metric. Ratio: how many times better the first row is than this one.'

/** Returns the benchmark that the module `src/<name>.ts` exports. The module is loaded when it is needed. */
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
