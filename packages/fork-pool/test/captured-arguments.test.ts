import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connectPool, ForkProcess, type PoolOptions, poolOf } from '@anyfork/fork-pool'
import { until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/worker.js'
import { useFolder } from './support/folder.js'
import { reasonOf, usePools, worker } from './support/pools.js'

/** How calls may wait, and how they reach their workers. */
const pools: [title: string, options: PoolOptions][] = [
  ['one worker', { max: 1 }],
  ['several workers', { max: 3 }],
  ['calls that wait inside a worker', { max: 1, load: 3 }],
  ['an async worker', { max: 1, load: 2, async: true }],
  ['isolate', { isolate: true, max: 2 }],
  ['isolate and spare workers', { isolate: true, max: 2, spare: 2 }],
  ['recycled workers', { max: 1, recycle: { calls: 1 } }],
  ['the serialiser json', { max: 1, serialiser: 'json' }],
  ['the serialiser v8', { max: 1, serialiser: 'v8' }],
  [
    'a serialiser that reuses its memory',
    { max: 1, serialiser: new URL('./fixtures/reusing-serialiser.js', import.meta.url) },
  ],
]

describe('captured arguments', () => {
  const start = usePools()
  const pathOf = useFolder()

  for (const [title, options] of pools) {
    it(`a call gets an object as it was when the call was made, with ${title}`, async () => {
      const echo = start('echo', options)
      const job = { number: -1, text: '' }
      const calls = Array.from({ length: 12 }, (_, number) => {
        Object.assign(job, { number, text: `${number}`.repeat(5 ** (number % 6)) })
        return echo(job)
      })
      job.number = -2
      for (const [number, result] of (await Promise.all(calls)).entries())
        assert.deepEqual(result, { number, text: `${number}`.repeat(5 ** (number % 6)) })
    })
  }

  for (const serialiser of ['cbor', 'v8', 'octets'] as const) {
    it(`a call gets the bytes that a reused buffer had when the call was made, with ${serialiser}`, async () => {
      const echo = start('echo', { max: 1, serialiser })
      const buffer = Buffer.alloc(2)
      const calls = Array.from({ length: 100 }, (_, number) => {
        buffer.writeUInt16LE(number)
        return echo(buffer)
      })
      buffer.fill(0xff)
      const results = (await Promise.all(calls)) as Buffer[]
      assert.deepEqual(
        results.map(result => Buffer.from(result).readUInt16LE()),
        Array.from({ length: 100 }, (_, number) => number),
      )
    })
  }

  it('waiting calls of all sizes keep their arguments apart', async () => {
    const echo = start('echo', { max: 2, load: 5 })
    const textOf = (i: number): string => `${i}:`.padEnd([0, 10, 63, 64, 65, 900, 1100, 9000, 70_000][i % 9]!, `${i}`)
    const texts = Array.from({ length: 900 }, (_, i) => textOf(i))
    assert.deepEqual(await Promise.all(texts.map(text => echo(text))), texts)
  })

  it('the functions of a module get their arguments as they were when the calls were made', async () => {
    const workers = connectPool<typeof Fixture>(ForkProcess.create(), worker, { max: 1 })
    const list = [1]
    const first = workers.echo(list)
    list[0] = 2
    const second = workers.echo.with({ priority: 1, timeout: 60_000 })(list)
    list[0] = 3
    assert.deepEqual(await Promise.all([first, second]), [[1], [2]])
    await poolOf(workers).close()
  })

  it('a repeated call gets its arguments as they were when the call was made', async () => {
    const exitOnce = start('exitOnce', { max: 1, retries: 1 })
    const job = { number: 1, text: 'x'.repeat(100_000) }
    const call = exitOnce(pathOf('begun'), job)
    job.number = 2
    job.text = ''
    assert.deepEqual(await call, { number: 1, text: 'x'.repeat(100_000) })
    assert.equal((await exitOnce.stats()).calls.retried, 1)
  })

  it('a call that waits in a worker that dies moves on with its arguments as they were', async () => {
    const exitOrEcho = start('exitOrEcho', { max: 1, load: 3 })
    const buffer = Buffer.from([1])
    const exit = reasonOf(exitOrEcho('exit'))
    const calls = [exitOrEcho(buffer), exitOrEcho(buffer)]
    buffer[0] = 2
    assert.equal((await exit)?.exitCode, 3)
    assert.deepEqual(await Promise.all(calls), [Buffer.from([1]), Buffer.from([1])])
  })

  it('a large buffer that is changed while its call waits arrives changed', async () => {
    const wait = start('waitForFile', { max: 1 })
    const file = pathOf('go')
    const first = wait(file, undefined)
    const large = Buffer.alloc(1 << 16, 1)
    const second = wait(file, { large, small: large.subarray(0, 10) })
    large.fill(2)
    writeFileSync(file, '')
    await first
    assert.deepEqual(await second, { large: Buffer.alloc(1 << 16, 2), small: Buffer.alloc(10, 1) })
  })

  it('the balancer and the figures of a worker have the arguments of a call', async () => {
    const seen: unknown[] = []
    const echo = start('waitForFile', {
      max: 1,
      balancer: (workers, args) => {
        seen.push(args)
        return workers[0]!
      },
    })
    const args = [pathOf('go'), { one: 1 }]
    const call = echo(...args)
    await until(() => echo.workers[0]?.load === 1)
    assert.deepEqual(echo.workers[0]!.running!.args, args)
    assert.deepEqual(seen, [args])
    writeFileSync(pathOf('go'), '')
    await call
  })
})
