import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { BenchmarkRun, type SampleCount } from '@anyfork/benchmarks/harness/benchmark-run'
import type { Row } from '@anyfork/benchmarks/harness/row'
import { tableOf } from '@anyfork/benchmarks/harness/table'
import { afterEach, before, beforeEach, describe, it } from 'mocha'

const knownMetrics = new URL('./fixtures/known-metrics.js', import.meta.url).href

describe('BenchmarkRun', () => {
  let rows: readonly Row[]
  const reported: string[] = []
  before(async () => {
    const run = await BenchmarkRun.load('known', knownMetrics, { isQuick: true }, name => reported.push(name))
    await run.runRound()
    rows = run.result().rows
  })

  it('returns a row per subject, with medians and the ratio to the first subject', () => {
    assert.deepEqual(rows.slice(0, 2), [
      {
        concurrency: 1,
        cpus: 'free',
        subject: 'ten',
        perSecond: 10,
        medianMilliseconds: 1,
        ratio: 1,
        lowest: 10,
        highest: 10,
      },
      {
        concurrency: 1,
        cpus: 'free',
        subject: 'four',
        perSecond: 4,
        medianMilliseconds: 1,
        ratio: 2.5,
        lowest: 4,
        highest: 4,
      },
    ])
  })

  it('returns null for the metric of an event that never occurred', () => {
    assert.deepEqual(rows[2], {
      concurrency: 1,
      cpus: 'free',
      subject: 'nothing',
      perSecond: null,
      medianMilliseconds: 1,
      ratio: null,
      lowest: null,
      highest: null,
    })
  })

  it('returns the reason of a failed sample, and measures the other subjects', () => {
    assert.deepEqual(rows.slice(3), [
      { concurrency: 1, cpus: 'free', subject: 'throws', failure: 'Error: cannot count' },
    ])
  })

  it('reports each sample to the listener', () => {
    assert.deepEqual(reported.sort(), ['1, free: four', '1, free: nothing', '1, free: ten', '1, free: throws'])
  })

  describe('with two of three rounds', () => {
    const reported: string[] = []
    const counts: SampleCount[] = []
    let run: BenchmarkRun
    before(async () => {
      run = await BenchmarkRun.load('known', knownMetrics, { rounds: 3 }, name => {
        reported.push(name)
        counts.push(run.samples)
      })
      await run.runRound()
      await run.runRound()
    })

    it('has run every other round backwards, and has not measured a subject again that has failed', () => {
      const round = ['1, free: ten', '1, free: four', '1, free: nothing']
      assert.deepEqual(reported, [...round, '1, free: throws', ...round.toReversed()])
    })

    it('counts its samples, including those that a failure has made needless', () => {
      assert.deepEqual(
        counts.map(({ done }) => done),
        [1, 2, 3, 4, 6, 7, 8],
      )
      assert.deepEqual(counts.at(-1), { done: 8, required: 4, total: 12 })
    })

    it('says how many rounds its medians have, and which time limit has left out the others', () => {
      assert.equal(run.isComplete, false)
      assert.deepEqual(run.result().rounds, { done: 2, planned: 3 })
      assert.match(run.result().method, /^By looking\.\n\nEach value is the median of 2 of 3 rounds\. /)
      run.leaveOutRest(25)
      assert.match(run.result().method, /the median of 2 of 3 rounds; the rest did not fit into 25 minutes\. /)
      assert.deepEqual(run.samples, { done: 8, required: 4, total: 8 })
    })
  })

  it('pins the processes of each sample, and takes settings as one that differ only in their processors', async () => {
    const pinTo = Number(/^Cpus_allowed_list:.*?(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])
    const file = new URL('./fixtures/allowed-processors.js', import.meta.url).href
    const run = await BenchmarkRun.load('processors', file, { isQuick: true, pinTo })
    await run.runRound()
    assert.deepEqual(
      run.result().rows.map(({ concurrency, cpus, processor }) => ({ concurrency, cpus, processor })),
      [1, 2].map(concurrency => ({ concurrency, cpus: `only ${pinTo}`, processor: pinTo })),
    )
  })

  it('returns rows that format as a Markdown table', () => {
    assert.equal(
      tableOf(rows.slice(1, 3)),
      `**concurrency: 1, cpus: free**

| subject | per second | median ms | ratio | lowest | highest |
| :------ | ---------: | --------: | ----: | -----: | ------: |
| four    |          4 |         1 |   2.5 |      4 |       4 |
| nothing |          – |         1 |     – |      – |       – |`,
    )
  })
})

describe('a process that a subject leaves behind', () => {
  let server: Server
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-bench-test-'))
    server = createServer().listen(join(folder, 'socket'))
  })
  afterEach(() => {
    server.close()
    rmSync(folder, { recursive: true })
  })

  const runBenchmark = (leave: string): ChildProcess =>
    spawn(process.execPath, [fileURLToPath(new URL('./fixtures/run-benchmark.js', import.meta.url)), knownMetrics], {
      env: { ...process.env, LEAVE: leave, HOLD: join(folder, 'socket') },
      stdio: 'ignore',
    })

  it('has ended when the sample has been taken', async () => {
    const connection = once(server, 'connection')
    const running = runBenchmark('finished')
    const exited = once(running, 'exit')
    await ended((await connection)[0])
    assert.deepEqual(await exited, [0, null])
  })

  it('has ended when the sample times out', async () => {
    let hasConnected = false
    while (!hasConnected) {
      const hasEnded = once(server, 'connection').then(([socket]) => {
        hasConnected = true
        return ended(socket)
      })
      assert.deepEqual(await once(runBenchmark('too long'), 'exit'), [0, null])
      if (hasConnected) await hasEnded // on a busy machine, the sample may time out before
    }
  })

  for (const [signal, outcome] of [
    ['SIGINT', [1, null]],
    ['SIGTERM', [1, null]],
    ['SIGKILL', [null, 'SIGKILL']],
  ] as const) {
    it(`has ended after ${signal} has ended the benchmark`, async () => {
      const connection = once(server, 'connection')
      const running = runBenchmark('unfinished')
      const exited = once(running, 'exit')
      const end = ended((await connection)[0])
      running.kill(signal)
      assert.deepEqual(await exited, outcome)
      await end
    })
  }
})

async function ended(socket: Socket): Promise<void> {
  socket.on('error', () => {}).resume()
  await once(socket, 'close')
}
