import type { Figures, Question, Setting } from './harness/benchmark.js'
import { chooseModule, HEAVY } from './harness/heavy-module.js'
import { durations } from './harness/measure-calls.js'
import { runPerl } from './harness/perl.js'
import { after, inLanes } from './harness/repeat.js'
import { type Started, starters } from './peers/starters.js'
import { median, quantile } from './statistics.js'

export const question: Question = {
  title: 'How many workers can be started a second, and how long until the first byte of each?',
  method:
    'Starts workers for a second, so many at a time: from asking for one until its first byte has arrived. Then it is told to end, and nobody waits for that. Templates are ready before.',
  isMoreBetter: true,
  contestants: [
    { way: '@anyfork/fork', peer: 'fork' },
    { way: 'AnyEvent::Fork (Perl)', peer: 'perl', perlModule: 'AnyEvent::Fork' },
    { way: 'child_process.fork', peer: 'child-process' },
    { way: 'worker_threads', peer: 'worker-threads' },
  ],
  settings: isQuick => (isQuick ? everything.filter((_, i) => i === 2 || i === 5) : everything),
  excludes: ({ perlModule }, { module }) => perlModule !== undefined && module === HEAVY,
  async measure({ peer, perlModule }, { module, atATime }, isQuick) {
    if (perlModule)
      return figuresOf((await runPerl('start-workers.pl', { atATime: atATime!, ...durations(isQuick) })) as Starts)
    chooseModule(module)
    const start = await starters[peer]!()
    const { warmUp, measured } = durations(isQuick)
    await startFor(start, Number(atATime), warmUp)
    return figuresOf(await startFor(start, Number(atATime), measured))
  },
}

const everything: readonly Setting[] = ['bare', HEAVY].flatMap(module =>
  [1, 8].flatMap(atATime => ['free', 'one'].map(cpus => ({ module, atATime, cpus }))),
)

/** What was started: how many a second, and how long each took. */
interface Starts {
  perSecond: number
  milliseconds: number[]
}

async function startFor(start: () => Promise<Started>, atATime: number, milliseconds: number): Promise<Starts> {
  const times: number[] = []
  const started = performance.now()
  let last = started
  const isOver = after(milliseconds)
  await inLanes(
    atATime,
    () => times.length > 0 && isOver(),
    async () => {
      const asked = performance.now()
      const worker = await start()
      last = performance.now()
      times.push(last - asked)
      worker.stop()
    },
  )
  return { perSecond: (1000 * times.length) / (last - started), milliseconds: times }
}

function figuresOf({ perSecond, milliseconds }: Starts): Figures {
  return { perSecond, medianMilliseconds: median(milliseconds), p95Milliseconds: quantile(milliseconds, 0.95) }
}
