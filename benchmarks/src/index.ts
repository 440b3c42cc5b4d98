import { runCommandLine } from './harness/command-line.js'

/** All benchmarks, in the order of each round. */
const names = [
  'worker-start',
  'worker-memory',
  'fork-time',
  'rpc-latency',
  'rpc-throughput',
  'rpc-large',
  'rpc-events',
  'rpc-back-pressure',
  'rpc-descriptors',
  'pool-cold-program',
  'pool-first-answer',
  'pool-ready',
  'pool-memory',
  'pool-memory-after-work',
  'pool-tiny-calls',
  'pool-mixed-load',
  'pool-cpu-bound',
  'pool-burst',
  'pool-isolated-calls',
  'pool-recovery',
  'pool-scaling',
  'prefork-server',
  'connection-handover',
  'fd-passing',
]

await runCommandLine(Object.fromEntries(names.map(name => [name, new URL(`./${name}.js`, import.meta.url).href])))
