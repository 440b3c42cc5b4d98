import { fdPassing } from './fd-passing.js'
import { runCommandLine } from './harness/command-line.js'
import { benchmarkFromModule, type RunnableBenchmark } from './harness/runnable-benchmark.js'

/** Every benchmark: a file of the name that says which question it answers. */
const benchmarks: Record<string, RunnableBenchmark> = {
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
    ].map(name => [name, benchmarkFromModule(name)]),
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
