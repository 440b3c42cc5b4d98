import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Row, runInterleaved } from '@anyfork/benchmarks/harness/interleaved-runs'
import { tableOf } from '@anyfork/benchmarks/harness/table'
import { afterEach, before, beforeEach, describe, it } from 'mocha'

const knownMetrics = new URL('./fixtures/known-metrics.js', import.meta.url).href

describe('runInterleaved', () => {
  let rows: Row[]
  const reported: string[] = []
  before(async () => {
    rows = await runInterleaved(knownMetrics, { isQuick: true }, name => reported.push(name))
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

  it('interleaves the rounds, every other one backwards, and does not measure a subject again that has failed', async () => {
    const reported: string[] = []
    const counts: number[] = []
    await runInterleaved(knownMetrics, { rounds: 2 }, (name, _, { done, total }) => {
      reported.push(name)
      counts.push(done / total)
    })
    const round = ['1, free: ten', '1, free: four', '1, free: nothing']
    assert.deepEqual(reported, [...round, '1, free: throws', ...round.toReversed()])
    assert.deepEqual(counts.slice(4), [6 / 8, 7 / 8, 1]) // the one that failed is not measured again
  })

  it('pins the processes of each sample, and takes settings as one that differ only in their processors', async () => {
    const pinTo = Number(/^Cpus_allowed_list:.*?(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))![1])
    const file = new URL('./fixtures/allowed-processors.js', import.meta.url).href
    const rows = await runInterleaved(file, { isQuick: true, pinTo })
    assert.deepEqual(
      rows.map(({ concurrency, cpus, processor }) => ({ concurrency, cpus, processor })),
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
