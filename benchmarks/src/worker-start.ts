import type { Benchmark, Setting, Subject } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { measureStarts } from './harness/measure-starts.js'
import { startPrograms } from './peers/start-programs.js'
import { starters } from './peers/starters.js'

/** Programs in other languages have nothing to load. */
const others: readonly Subject[] = [
  { name: 'AnyEvent::Fork (Perl)', peer: 'perl', perlModule: 'AnyEvent::Fork' },
  { name: 'AnyEvent::Fork (Perl), new_exec', peer: 'perl-exec', perlModule: 'AnyEvent::Fork' },
  { name: 'multiprocessing, forkserver (Python)', peer: 'python', needs: 'python3' },
  { name: 'fork(2) in C', peer: 'c', needs: 'cc' },
]

export const benchmark: Benchmark = {
  title: 'How many workers can be started per second, and how soon does each respond?',
  method:
    'Starts workers for 0.4 seconds, a number of them at a time. Measured from the request for a worker until its first byte arrives. The worker is then made to end, without waiting for it. Templates are ready before. `processor ms` is the processor time of all processes per worker, from its start to its end. With exec, each worker is a fresh interpreter. The program in C forks itself: no template, no interpreter, and nothing to load.',
  isHigherBetter: true,
  subjects: [
    { name: '@anyfork/fork', peer: 'fork' },
    { name: '@anyfork/fork, net.Socket', peer: 'fork-stream' },
    { name: '@anyfork/fork, exec', peer: 'exec' },
    { name: 'child_process.fork', peer: 'child-process' },
    { name: 'worker_threads', peer: 'worker-threads' },
    ...others,
  ],
  settings: isQuick => (isQuick ? quickSettings : allSettings),
  excludes: (subject, { module }) => module === HEAVY_MODULE && subject.peer in startPrograms,
  async measure({ peer }, { module, concurrency }, isQuick) {
    const program = startPrograms[peer]
    if (program) return program({ concurrency: Number(concurrency) }, isQuick)
    setWorkerModule(module)
    return measureStarts(await starters[peer]!(), Number(concurrency), isQuick)
  },
}

const quickSettings: readonly Setting[] = [
  { module: 'bare', concurrency: 2, cpus: 'free' },
  { module: HEAVY_MODULE, concurrency: 1, cpus: 'one' },
]

const allSettings: readonly Setting[] = [
  { module: 'bare', concurrency: 1, cpus: 'free' },
  { module: 'bare', concurrency: 8, cpus: 'free' },
  { module: HEAVY_MODULE, concurrency: 1, cpus: 'free' },
  { module: HEAVY_MODULE, concurrency: 8, cpus: 'free' },
]
