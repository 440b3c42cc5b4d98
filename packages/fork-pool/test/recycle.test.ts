import assert from 'node:assert/strict'
import { ForkProcess, pool } from '@anyfork/fork-pool'
import { collectGarbage, isRunning, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools, worker } from './support/pools.js'

/** The size of the buffer into which the pool receives from a worker, of which it has others as well. */
const RECEIVE_BUFFER_BYTES = 64 << 10

describe('recycle', () => {
  const start = usePools()

  it('recycle.calls replaces a worker after that many calls', async () => {
    const pid = start('pid', { max: 1, recycle: { calls: 5, jitter: 0 } })
    const pids = []
    for (let i = 0; i < 20; i++) pids.push(await pid())
    assert.equal(new Set(pids).size, 4)
    for (let i = 0; i < 20; i += 5) assert.equal(new Set(pids.slice(i, i + 5)).size, 1)
  })

  it('recycle.jitter replaces workers earlier, after a random number of calls', async () => {
    const pid = start('pid', { max: 1, recycle: { calls: 20, jitter: 0.5 } })
    const counts = new Map<unknown, number>()
    for (let i = 0; i < 150; i++) {
      const one = await pid()
      counts.set(one, (counts.get(one) ?? 0) + 1)
    }
    const lives = [...counts.values()].slice(0, -1)
    for (const life of lives) assert.ok(life >= 10 && life <= 20, `${life}`)
    assert.ok(new Set(lives).size > 1)
  })

  it('replaced workers release their receive buffers', async () => {
    for (const options of [
      { max: 1, recycle: { calls: 1 } },
      { max: 1, isolate: true },
    ]) {
      const pid = start('pid', options)
      await pid()
      const { arrayBuffers } = process.memoryUsage()
      for (let i = 0; i < 20; i++) await pid()
      await until(async () => {
        await collectGarbage()
        return process.memoryUsage().arrayBuffers < arrayBuffers + 10 * RECEIVE_BUFFER_BYTES
      })
    }
  })

  it('the template of a pool ends when the pool is garbage-collected, even with recycle.pss', async () => {
    const begin = async (): Promise<number> => {
      const template = ForkProcess.exec()
      const pid = pool(template, worker, 'pid', { max: 1, stop: 0, recycle: { pss: 2 ** 40 } })
      await pid()
      await until(async () => (await pid.stats()).workers.length === 0)
      return template.pid!
    }
    const template = await begin()
    await until(async () => {
      await collectGarbage()
      return !isRunning(template)
    })
  })

  it('recycle.pss replaces a worker whose proportional set size exceeds it', async () => {
    const keep = start('keep', { max: 1, recycle: { pss: 150 << 20 } })
    const first = await keep(1)
    assert.equal(await keep(200), first)
    await until(() => keep.workers.length === 0)
    assert.notEqual(await keep(1), first)
  })

  it('recycle.growth replaces an idle worker whose private memory has grown', async () => {
    const keep = start('keep', { max: 1, recycle: { growth: 100 << 20 } })
    const first = await keep(1)
    assert.equal(await keep(200), first)
    await until(() => keep.workers.every(({ pid }) => pid !== first))
    assert.notEqual(await keep(1), first)
  })

  it('recycle.growth counts all memory of calls in a fresh interpreter, also of the first call', async () => {
    const template = (): ForkProcess => ForkProcess.exec({ mode: 'exec' })
    const keep = start('keep', { max: 1, recycle: { growth: 150 << 20 }, stop: Infinity }, template)
    const first = await keep(250)
    await until(() => keep.workers.every(({ pid }) => pid !== first))
  })

  it('recycle.growth replaces a busy worker when its successor has started, and loses no call', async () => {
    const keep = start('keepAndPause', { max: 1, recycle: { growth: 100 << 20 } })
    const first = await keep(200)
    while ((await keep(0)) === first);
    const { died, started } = await keep.stats()
    assert.deepEqual({ died, started }, { died: 0, started: 2 })
  })

  it('recycle.age replaces a worker of that age after its next call, and not earlier', async () => {
    const pid = start('pidAfter', { max: 1, recycle: { age: 100 } })
    const began = performance.now()
    const first = await pid(0)
    while ((await pid(10)) === first);
    assert.ok(performance.now() - began >= 100)
    assert.equal((await pid.stats()).died, 0)
  })

  it('a worker that calls retire() finishes the calls that it has, and gets no others', async () => {
    const retire = start('retireAfter', { max: 1, load: 3 })
    const [a, b, c, d] = await Promise.all([retire(false), retire(true), retire(false), retire(false)])
    assert.deepEqual([a, b, c], [a, a, a])
    assert.notEqual(await retire(false), a)
    assert.equal(typeof d, 'number')
  })

  it('no call is lost while workers are replaced because of calls, age, or retire()', async () => {
    const retire = start('retireAfter', { max: 3, load: 2, recycle: { calls: 7, age: 50 } })
    const outcomes = await Promise.allSettled(Array.from({ length: 150 }, (_, i) => retire(i % 10 === 0)))
    assert.ok(outcomes.every(one => one.status === 'fulfilled'))
  })
})
