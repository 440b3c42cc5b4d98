import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { type CallPromise, ProcessExitedError } from '@anyfork/fork-rpc'
import { isRunning, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools } from './support/pools.js'

const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
const iterate = (call: Promise<unknown>): AsyncIterator<unknown> =>
  (call as CallPromise<AsyncIterable<unknown>>)[Symbol.asyncIterator]()
const exited = (): ProcessExitedError => new ProcessExitedError({ code: null, signal: 'SIGKILL' })

describe('a call that is given up', () => {
  const start = usePools()

  it('aborting with a ProcessExitedError lets the other calls of the worker finish', async () => {
    const sleep = start('sleep', { max: 1, load: 2, async: true })
    await sleep(0)
    const { pid } = sleep.workers[0]!
    const controller = new AbortController()
    const given = sleep.with({ signal: controller.signal })(60_000)
    const other = sleep(100, 'other')
    await setTimeout(20)
    controller.abort(exited())
    await assert.rejects(given, { code: 'ERR_PROCESS_EXITED' })
    assert.equal(await other, 'other')
    await until(() => !isRunning(pid)) // as it ends when what else runs in it has ended
    assert.equal((await sleep.stats()).died, 0)
  })

  it('aborting a queued call with a ProcessExitedError as reason does not retire its worker', async () => {
    const spin = start('spin', { max: 1, load: 3 })
    await spin(0)
    const { pid } = spin.workers[0]!
    const controller = new AbortController()
    const running = spin(100, 'running')
    const given = spin.with({ signal: controller.signal })(0, 'given up')
    await setImmediate()
    controller.abort(exited())
    await assert.rejects(given, { code: 'ERR_PROCESS_EXITED' })
    assert.equal(await running, 'running')
    assert.deepEqual(
      spin.workers.map(worker => worker.pid),
      [pid],
    )
  })

  it('is ended with its worker also when that has begun it and nobody has noticed; those that wait behind it run elsewhere', async () => {
    const spin = start('spin', { max: 1, load: 3 })
    await spin(0)
    const { pid } = spin.workers[0]!
    const controller = new AbortController()
    const first = spin(10, 'first')
    const given = spin.with({ signal: controller.signal })(60_000)
    const behind = spin(0, 'behind')
    await setImmediate() // they are written now
    block(100) // the worker has finished the first one meanwhile, and runs the second
    controller.abort()
    const isGivenUp = assert.rejects(given, { name: 'AbortError' })
    assert.equal(await first, 'first')
    await isGivenUp
    assert.equal(await behind, 'behind')
    await until(() => !isRunning(pid)) // a new one does not wait for that
    assert.equal(await spin.with({ timeout: 10_000 })(0, 'next'), 'next')
  })

  it('when its stream has just begun and nobody has noticed does not keep its worker from the next one', async () => {
    const act = start('spinOrCount', { max: 1, load: 2 })
    await act('spin', 0)
    const first = act('spin', 10)
    const controller = new AbortController()
    const given = act.with({ signal: controller.signal })('count', 1e9)
    await setImmediate() // they are written now
    block(100) // the worker has finished the first one meanwhile, and begun the second
    controller.abort()
    const isGivenUp = assert.rejects(given, { name: 'AbortError' })
    assert.equal(await first, 'spin')
    await isGivenUp
    assert.equal(await act('spin', 0), 'spin')
  }).timeout(5000) // then garbage may have been collected, which ends streams, too

  it('aborting a call while its stream is read ends its synchronous worker', async () => {
    const stall = start('countThenSpin', { max: 1 })
    const controller = new AbortController()
    const values = iterate(stall.with({ signal: controller.signal })(60_000))
    assert.deepEqual(await values.next(), { done: false, value: 1 })
    const { pid } = stall.workers[0]!
    const next = values.next()
    await setTimeout(20)
    controller.abort()
    await assert.rejects(next, { name: 'AbortError' })
    const again = iterate(stall(0))
    assert.deepEqual(await again.next(), { done: false, value: 1 })
    await again.return!()
    await until(() => !isRunning(pid)) // a new one does not wait for that
  })

  it('leaves no listener on its signal, which many calls may have, when the worker of its stream dies', async () => {
    const count = start('countTo', { max: 20, load: 1 })
    const controller = new AbortController()
    const { signal } = controller
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const streams = Array.from({ length: 20 }, () => iterate(count.with({ signal })(1e9)))
    await Promise.all(streams.map(stream => stream.next()))
    for (const { pid } of count.workers) process.kill(pid, 'SIGKILL')
    for (const stream of streams) {
      await assert.rejects(
        async () => {
          while (!(await stream.next()).done);
        },
        { code: 'ERR_PROCESS_EXITED' },
      )
    }
    await until(() => count.workers.length === 0)
    await until(() => getEventListeners(signal, 'abort').length === 0)
    process.off('warning', onWarning)
    assert.deepEqual(warnings, [])
  })
})

describe('a stream of an asynchronous pool', () => {
  const start = usePools()

  it('an aborted stream of an asynchronous pool frees its slot at once', async () => {
    const count = start('countTo', { max: 1, async: true })
    const controller = new AbortController()
    const values = iterate(count.with({ signal: controller.signal })(1e9))
    await values.next()
    const { pid } = count.workers[0]!
    controller.abort()
    assert.equal(count.workers[0]!.load, 0)
    const others = iterate(count(1))
    assert.deepEqual(await others.next(), { done: false, value: 1 })
    assert.deepEqual(await others.next(), { done: true, value: undefined })
    assert.equal(count.workers[0]!.pid, pid)
    await assert.rejects(values.next(), { name: 'AbortError' })
  })
})

describe('a stream of a synchronous pool that is given up', () => {
  const start = usePools()

  it('an aborted stream of a synchronous pool costs no call that waits behind it', async () => {
    const count = start('countAs', { max: 1, load: 4 })
    for (let round = 0; round < 5; round++) {
      const abort = new AbortController()
      const stream = (await count.with({ signal: abort.signal })('wait')) as AsyncIterator<number>
      const behind = ['end', 'end', 'end'].map(async how => {
        const values: number[] = []
        for await (const value of count(how) as unknown as AsyncIterable<number>) values.push(value)
        return values
      })
      await stream.next()
      const reading = reasonOf(
        (async () => {
          while (!(await stream.next()).done);
        })(),
      )
      abort.abort()
      assert.equal((await reading)?.name, 'AbortError')
      assert.deepEqual(await Promise.all(behind), [
        [1, 2],
        [1, 2],
        [1, 2],
      ])
    }
    assert.equal((await count.stats()).calls.lost, 0)
  })
})
