import { BenchmarkRun, type RunOptions, type SampleCount } from './benchmark-run.js'
import { runInterleaved } from './interleaved-runs.js'
import { Output, type OutputOptions } from './output.js'
import { showProgress } from './progress.js'

/**
 * Runs benchmarks, with their rounds interleaved. A benchmark is printed after its last round, or at the end if a round was
 * left out.
 *
 * @param files - the URL of the module of each benchmark, by name
 * @param options - `minutes` is the time limit
 */
export async function runBenchmarks(
  files: ReadonlyMap<string, string>,
  { minutes, ...options }: RunOptions & { minutes: number },
  outputOptions: OutputOptions,
): Promise<void> {
  const output = new Output(outputOptions)
  const progress = showProgress({ minutes, isQuiet: outputOptions.isJson })
  const runs: BenchmarkRun[] = await Promise.all(
    Array.from(files, ([name, file]) =>
      BenchmarkRun.load(name, file, options, (title, result) =>
        progress.onSample(`${name}: ${title}`, result, sumOf(runs)),
      ),
    ),
  )
  await runInterleaved(runs, {
    minutes,
    onRound: async run => {
      if (!run.isComplete) return output.record(run.result())
      progress.clear()
      await output.finish(run.result())
    },
  })
  progress.clear()
  await output.finish(...runs.filter(run => !run.isComplete).map(run => run.result()))
}

function sumOf(runs: readonly BenchmarkRun[]): SampleCount {
  const sum = { done: 0, required: 0, total: 0 }
  for (const { samples } of runs) {
    sum.done += samples.done
    sum.required += samples.required
    sum.total += samples.total
  }
  return sum
}
