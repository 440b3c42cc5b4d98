import { fdPassing } from './fd-passing.js'
import { runCommandLine } from './harness/command-line.js'
import { benchmarkFromModule, type RunnableBenchmark } from './harness/runnable-benchmark.js'

/** All benchmarks, in the order in which they run. */
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
      'pool-mixed-load',
      'pool-cpu-bound',
      'pool-burst',
      'pool-isolated-calls',
      'pool-recovery',
      'pool-scaling',
      'prefork-server',
    ].map(name => [name, benchmarkFromModule(name)]),
  ),
  'fd-passing': {
    describe: async () => ({
      title: 'How many descriptors per second can be passed?',
      method:
        'In one process: send, receive, and close, beside the same loop in C. Between two processes: beside process.send, usocket, and the Perl originals. Each value is the median of all rounds. Ratio: how many times faster than the first row of the same group.',
    }),
    run: async ({ isQuick, rounds }) =>
      (await (isQuick ? fdPassing(300, 1) : fdPassing(undefined, rounds))).map(row => ({ ...row })),
  },
}

await runCommandLine(benchmarks)
