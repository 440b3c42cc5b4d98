import type { Question } from './benchmark.js'
import { contest, type Extent, type Progress, type Row } from './interleaved-runs.js'

/** What the command line runs. */
export interface RunnableBenchmark {
  /** What it asks, and how that is measured. */
  describe(): Promise<{ title: string; method: string }>
  run(extent: Extent, onProgress: Progress): Promise<Row[]>
}

const FIGURES =
  'Figures are medians of all rounds. Lowest and highest are those of the first figure. Ratio: how many times as good the first row is.'

/** The benchmark whose file exports a `question`. */
export function benchmarkFromModule(name: string): RunnableBenchmark {
  const file = new URL(`../${name}.js`, import.meta.url).href
  return {
    describe: async () => {
      const { question } = (await import(file)) as { question: Question }
      return { title: question.title, method: `${question.method}\n\n${FIGURES}` }
    },
    run: (extent, onProgress) => contest(file, extent, onProgress),
  }
}
