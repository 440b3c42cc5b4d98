import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { connectPool, ForkProcess } from '@anyfork/fork-pool'
import type { Benchmark } from './harness/benchmark.js'
import { HEAVY_MODULE, setWorkerModule } from './harness/heavy-module.js'
import { callsPerSecond, durations, timeCalls } from './harness/measure-calls.js'
import { totalPss, treeMemory } from './harness/process-tree.js'
import { median } from './statistics.js'

const module = new URL('./workers/arrive.js', import.meta.url)
const heavy = (workers: number) => ({ workers, module: HEAVY_MODULE })

export const benchmark: Benchmark = {
  title: 'How does a pool scale from 1 to 1,000 workers on one machine?',
  method:
    'Start: from making the pool, and its template, until all workers run a call, in which they wait for each other. PSS: the growth of the memory of the program and all its processes, when all workers are idle again. Call: the median time of one call after the other while all are idle. Calls per second: as many pending calls as workers.',
  isHigherBetter: false,
  subjects: [{ name: '@anyfork/fork-pool', peer: 'fork-pool' }],
  settings: isQuick =>
    isQuick
      ? [{ workers: 2, module: 'bare' }]
      : [1, 10, 100, 1000].flatMap(workers => [{ workers, module: 'bare' }, heavy(workers)]),
  rounds: 2,
  timeoutMs: 300_000,
  async measure(_subject, setting, isQuick) {
    const workers = Number(setting['workers'])
    setWorkerModule(setting['module']!)
    const before = totalPss(await treeMemory())
    const madeAt = process.hrtime.bigint()
    const pool = connectPool<typeof import('./workers/arrive.js')>(() => ForkProcess.exec(), module, {
      max: workers,
      idle: workers,
      load: 1,
      stop: Infinity,
    })
    const startedAt = await allArrive(workers, pool.arrive)
    const pssMebibytes = totalPss(await treeMemory()) - before
    const call = (): Promise<unknown> => pool.add(1, 2)
    assert.equal(await call(), 3)
    const { warmUp, measured } = durations(isQuick)
    await timeCalls(call, warmUp, 3)
    return {
      startMilliseconds: Number(startedAt - madeAt) / 1e6,
      pssMebibytes,
      callMicroseconds: 1000 * median(await timeCalls(call, measured, 3)),
      callsPerSecond: await callsPerSecond(call, workers, { warmUp, measured }, 3),
    }
  },
}

/** Lets each worker run one call, none of which returns before all have begun. Returns when the last one began. */
async function allArrive(workers: number, arrive: (file: string, pipe: string) => Promise<void>): Promise<bigint> {
  const folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-'))
  const [file, pipe] = [join(folder, 'arrivals'), join(folder, 'pipe')]
  writeFileSync(file, '')
  execFileSync('mkfifo', [pipe])
  const calls = Promise.all(Array.from({ length: workers }, () => arrive(file, pipe)))
  const arrivals = (): string[][] =>
    readFileSync(file, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map(line => line.split(' '))
  while (arrivals().length < workers) await Promise.race([setTimeout(20), calls]) // a call may fail
  const writer = openSync(pipe, 'r+') // stays open until the last worker has opened it
  await calls
  closeSync(writer)
  const all = arrivals()
  rmSync(folder, { recursive: true })
  assert.equal(new Set(all.map(([, pid]) => pid)).size, workers, 'a worker ran two calls')
  return all.map(([time]) => BigInt(time!)).reduce((a, b) => (a > b ? a : b))
}
