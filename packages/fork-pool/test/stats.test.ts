import assert from 'node:assert/strict'
import { describe, it } from 'mocha'
import { until, usePools } from './support/pools.js'

describe('stats()', () => {
  const start = usePools()

  it('counts how calls ended', async () => {
    const act = start('doAs', { max: 1 })
    const abort = new AbortController()
    const calls = [act('a'), act('throw'), act('exit'), act.with({ timeout: 20 })('loop'), act.with({ signal: abort.signal })('b'), act.with({ retries: 1 })('kill')]
    abort.abort()
    await Promise.allSettled(calls)
    const { calls: counts } = await act.stats()
    assert.deepEqual(counts, { done: 1, failed: 5, lost: 2, timedOut: 1, aborted: 1, retried: 1, waiting: 0, running: 0 })
  })

  it('has histograms of how long calls waited and ran', async () => {
    const sleep = start('sleep', { max: 1 })
    await sleep(0)
    await Promise.all([sleep(50), sleep(50)])
    const { wait, run } = await sleep.stats()
    assert.equal(run.count, 3)
    assert.ok(run.max > 45e6 && run.max < 5e9)
    assert.ok(wait.max > 45e6 && wait.percentile(1) < 45e6)
  })

  it('has in them no call that failed before its turn', async () => {
    const sleep = start('sleep', { max: 1, load: 2 })
    const [first, second] = await Promise.allSettled([sleep(20), sleep(() => {})]) // which cannot be sent
    assert.deepEqual([first!.status, second!.status], ['fulfilled', 'rejected'])
    const { calls, wait, run } = await sleep.stats()
    assert.deepEqual([calls.done, calls.failed, wait.count, run.count], [1, 1, 1, 1])
  })

  it('counts workers that die of their last call', async () => {
    for (const options of [{ isolate: true }, { recycle: { calls: 1 } }]) {
      const act = start('doAs', { max: 2, ...options })
      await Promise.allSettled([act('exit'), act('kill'), act('a'), act.with({ timeout: 20 })('loop')])
      await until(async () => (await act.stats()).workers.length === 0)
      const { started, died } = await act.stats()
      assert.deepEqual({ started, died }, { started: 4, died: 2 })
    }
  })

  it('tells what part of their time workers had calls', async () => {
    const sleep = start('sleep', { max: 1 })
    await sleep(300)
    const busy = (await sleep.stats()).utilisation
    const { upMilliseconds } = await sleep.stats()
    await until(async () => (await sleep.stats()).upMilliseconds > 2 * upMilliseconds)
    const idle = (await sleep.stats()).utilisation
    assert.ok(busy > 0 && busy <= 1, `${busy}`)
    assert.ok(idle < busy && idle > 0, `${idle}`)
  })

  it('tells of each worker what it does, and its memory', async () => {
    const sleep = start('sleep', { max: 2 })
    await sleep(0)
    const call = sleep(100, 'x')
    await until(() => sleep.workers.some(one => one.load === 1))
    const { workers, template } = await sleep.stats()
    const busy = workers.find(one => one.state === 'busy')!
    assert.deepEqual(busy.running!.args, [100, 'x'])
    assert.ok(busy.running!.milliseconds >= 0)
    assert.ok(busy.memory!.rss > busy.memory!.pss && busy.memory!.pss > busy.memory!.uss)
    assert.ok(template.memory!.rss > 0)
    await call
  })
})
