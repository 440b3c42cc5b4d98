import { fdPassing } from './fd-passing.js'
import { type Benchmark, contestBenchmark } from './harness/benchmark.js'
import { runCommandLine } from './harness/command-line.js'

/** Every benchmark: a file of the name that says which question it answers. */
const benchmarks: Record<string, Benchmark> = {
  ...Object.fromEntries(
    [
      'worker-start',
      'worker-memory',
      'rpc-latency',
      'rpc-throughput',
      'rpc-large',
      'pool-cold-program',
      'pool-first-answer',
      'pool-ready',
      'pool-memory',
      'pool-tiny-calls',
      'pool-cpu-bound',
      'pool-burst',
      'pool-isolated-calls',
      'pool-recovery',
    ].map(name => [name, contestBenchmark(name)]),
  ),
  'fd-passing': {
    describe: async () => ({
      title: 'How many descriptors a second can be passed?',
      method:
        'Within one process beside the same loop in C; between two processes beside what Node, usocket and the originals have. Medians of five rounds. Ratio: times as fast as the first row of its kind.',
    }),
    run: async ({ isQuick, rounds }) => (await fdPassing(isQuick ? 300 : undefined, rounds)).map(row => ({ ...row })),
  },
}

await runCommandLine(benchmarks)
