import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Benchmark, Metrics } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { totalPss, treeMemory } from './harness/process-tree.js'
import { starters } from './peers/starters.js'
import { median } from './statistics.js'

type Tree = Awaited<ReturnType<typeof treeMemory>>

const WORKERS = 8

export const benchmark: Benchmark = {
  title: 'How much memory does an idle worker use?',
  method: `Starts ${WORKERS} workers; templates have been started before. PSS: the growth of the program and all its processes, divided by ${WORKERS}. It divides each shared page among the processes that share it. USS: the private memory of one worker; for threads, the growth of the program, divided by ${WORKERS}. Workers of @anyfork/fork are empty: they wait for input, with a stream of Node or in read(2). Those of @anyfork/fork-rpc have answered one call: a sync one blocks between calls, an async one runs an event loop.`,
  isHigherBetter: false,
  subjects: [
    { name: '@anyfork/fork', peer: 'fork-stream' },
    { name: '@anyfork/fork, blocks in read(2)', peer: 'fork' },
    { name: '@anyfork/fork-rpc, sync', peer: 'rpc-sync' },
    { name: '@anyfork/fork-rpc, async', peer: 'rpc-async' },
    { name: 'AnyEvent::Fork (Perl)', peer: 'perl', perlModule: 'AnyEvent::Fork' },
    { name: 'child_process.fork', peer: 'child-process' },
    { name: 'worker_threads', peer: 'worker-threads' },
  ],
  settings: isQuick => (isQuick ? ['bare'] : ['bare', HEAVY_MODULE]).map(module => ({ module })),
  excludes: ({ perlModule }, { module }) => perlModule !== undefined && module === HEAVY_MODULE,
  async measure({ peer, perlModule }, { module }, isQuick) {
    setWorkerModule(module)
    const workers = isQuick ? 4 : WORKERS
    const settle = (): Promise<unknown> => setTimeout(isQuick ? 10 : 500)
    if (perlModule) return measurePerl(workers, settle)
    const start = await starters[peer]!()
    ;(await start()).stop()
    await settle()
    const before = await treeMemory()
    const started = await Promise.all(Array.from({ length: workers }, start))
    await settle()
    const after = await treeMemory()
    for (const worker of started) worker.stop()
    return growth(workers, before, after)
  },
}

function growth(workers: number, before: Tree, after: Tree): Metrics {
  const processes = [...after].filter(([pid]) => !before.has(pid)).map(([, memory]) => memory.uss)
  const programGrowth = after.get(process.pid)!.uss - before.get(process.pid)!.uss // includes the threads
  return {
    pssMebibytes: (totalPss(after) - totalPss(before)) / workers,
    ussMebibytes: processes.length ? median(processes) : programGrowth / workers,
  }
}

async function measurePerl(workers: number, settle: () => Promise<unknown>): Promise<Metrics> {
  const program = fileURLToPath(new URL('../perl/idle-workers.pl', import.meta.url))
  const perl = spawn('perl', [program, `${workers}`], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(perl.stdout, 'data')
  await settle()
  const before = await treeMemory()
  perl.stdin.write('\n')
  await once(perl.stdout, 'data')
  await settle()
  return growth(workers, before, await treeMemory())
}
