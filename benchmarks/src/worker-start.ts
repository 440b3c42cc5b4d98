import type { Benchmark, Metrics, Setting } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { durations } from './harness/measure-calls.js'
import { runPerl } from './harness/perl.js'
import { countDescendants, treeProcessorTimeWithEnded, untilDescendantsEnd } from './harness/process-tree.js'
import { deadlineAfter, repeatConcurrently } from './harness/repeat.js'
import { type StartedWorker, starters } from './peers/starters.js'
import { median, quantile } from './statistics.js'

export const benchmark: Benchmark = {
  title: 'How many workers can be started per second, and how soon does each respond?',
  method:
    'Starts workers for half a second, a number of them at a time. Measured from the request for a worker until its first byte arrives. The worker is then made to end, without waiting for it. Templates are ready before. `processor ms` is the processor time of all processes per worker, from its start to its end.',
  isHigherBetter: true,
  subjects: [
    { name: '@anyfork/fork', peer: 'fork' },
    { name: '@anyfork/fork, net.Socket', peer: 'fork-stream' },
    { name: 'AnyEvent::Fork (Perl)', peer: 'perl', perlModule: 'AnyEvent::Fork' },
    { name: 'child_process.fork', peer: 'child-process' },
    { name: 'worker_threads', peer: 'worker-threads' },
  ],
  settings: isQuick => (isQuick ? quickSettings : allSettings),
  excludes: ({ perlModule }, { module }) => perlModule !== undefined && module === HEAVY_MODULE,
  async measure({ peer, perlModule }, { module, concurrency }, isQuick) {
    if (perlModule)
      return metricsOf(
        (await runPerl('start-workers.pl', { concurrency: concurrency!, ...durations(isQuick) })) as StartTimes,
      )
    setWorkerModule(module)
    const start = await starters[peer]!()
    const { warmUp, measured } = durations(isQuick)
    const others = countDescendants()
    if (warmUp) await startFor(start, Number(concurrency), warmUp)
    await untilDescendantsEnd(others)
    const before = treeProcessorTimeWithEnded()
    const isEnough = (starts: number): boolean => starts >= ENOUGH_STARTS || treeProcessorTimeWithEnded() > before
    const times = await startFor(start, Number(concurrency), measured, isEnough)
    await untilDescendantsEnd(others)
    const processorMilliseconds = (treeProcessorTimeWithEnded() - before) / times.milliseconds.length
    return { ...metricsOf(times), processorMilliseconds }
  },
}

const quickSettings: readonly Setting[] = [
  { module: 'bare', concurrency: 2, cpus: 'free' },
  { module: HEAVY_MODULE, concurrency: 1, cpus: 'one' },
]

const allSettings: readonly Setting[] = ['bare', HEAVY_MODULE].flatMap(module =>
  [1, 8].flatMap(concurrency => ['free', 'one'].map(cpus => ({ module, concurrency, cpus }))),
)

/** Processor time is counted in steps of 10 ms: of fewer starts, it can be 0. */
const ENOUGH_STARTS = 5

/** Workers per second, and the time that each has taken. */
interface StartTimes {
  perSecond: number
  milliseconds: number[]
}

async function startFor(
  start: () => Promise<StartedWorker>,
  concurrency: number,
  milliseconds: number,
  isEnough = (_starts: number): boolean => true,
): Promise<StartTimes> {
  const times: number[] = []
  const started = performance.now()
  let last = started
  const isOver = deadlineAfter(milliseconds)
  await repeatConcurrently(
    concurrency,
    () => isOver() && isEnough(times.length),
    async () => {
      const requestedAt = performance.now()
      const worker = await start()
      last = performance.now()
      times.push(last - requestedAt)
      worker.stop()
    },
  )
  return { perSecond: (1000 * times.length) / (last - started), milliseconds: times }
}

function metricsOf({ perSecond, milliseconds }: StartTimes): Metrics {
  return { perSecond, medianMilliseconds: median(milliseconds), p95Milliseconds: quantile(milliseconds, 0.95) }
}
