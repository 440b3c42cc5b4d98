import assert from 'node:assert/strict'
import { ForkProcess, pool } from '@anyfork/fork-pool'
import { collectGarbage as collect, isRunning, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { usePools, worker } from './support/pools.js'

describe('recycle', () => {
  const start = usePools()

  it('recycle.calls replaces a worker after that many calls', async () => {
    const pid = start('pid', { max: 1, recycle: { calls: 5, jitter: 0 } })
    const pids = []
    for (let i = 0; i < 20; i++) pids.push(await pid())
    assert.equal(new Set(pids).size, 4)
    for (let i = 0; i < 20; i += 5) assert.equal(new Set(pids.slice(i, i + 5)).size, 1)
  })

  it('recycle.jitter replaces workers earlier, at random', async () => {
    const pid = start('pid', { max: 1, recycle: { calls: 20, jitter: 0.5 } })
    const counts = new Map<unknown, number>()
    for (let i = 0; i < 200; i++) {
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
      const use = async (): Promise<number> => {
        for (let i = 0; i < 40; i++) await pid()
        for (let i = 0; i < 10; i++) await collect()
        return process.memoryUsage().arrayBuffers
      }
      await use()
      const before = await use()
      const grown = (await use()) - before
      assert.ok(grown < 20 << 16, `${grown} bytes`) // each has 64 KiB, to receive in, and more
    }
  })

  it('a pool that is collected leaves neither workers nor templates, even if it watched their memory', async () => {
    const begin = async (): Promise<number> => {
      const template = ForkProcess.exec()
      const pid = pool(template, worker, 'pid', { max: 1, stop: 0, recycle: { pss: 2 ** 40 } })
      await pid()
      await until(async () => (await pid.stats()).workers.length === 0)
      return template.pid!
    }
    const template = await begin()
    await until(async () => {
      await collect()
      return !isRunning(template)
    })
  })

  it('recycle.pss replaces a worker whose share of memory exceeds it', async () => {
    const keep = start('keep', { max: 1, recycle: { pss: 150 << 20 } })
    const first = await keep(1)
    assert.equal(await keep(200), first)
    await until(() => keep.workers.length === 0)
    assert.notEqual(await keep(1), first)
  })

  it('recycle.age replaces an old worker after its next call', async () => {
    const pid = start('pidAfter', { max: 1, recycle: { age: 300 } })
    const began = performance.now()
    const first = await pid(0)
    while ((await pid(10)) === first);
    assert.ok(performance.now() - began >= 300)
    assert.equal((await pid.stats()).died, 0)
  })

  it('a worker that calls retire() finishes its calls first', async () => {
    const retire = start('retireAfter', { max: 1, load: 3 })
    const [a, b, c, d] = await Promise.all([retire(false), retire(true), retire(false), retire(false)])
    assert.deepEqual([a, b, c], [a, a, a])
    assert.notEqual(await retire(false), a)
    assert.equal(typeof d, 'number')
  })

  it('replacing workers loses no call', async () => {
    const retire = start('retireAfter', { max: 3, load: 2, recycle: { calls: 7, age: 50 } })
    const outcomes = await Promise.allSettled(Array.from({ length: 1000 }, (_, i) => retire(i % 10 === 0)))
    assert.ok(outcomes.every(one => one.status === 'fulfilled'))
  })
})
