import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { writeFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { ProcessExitedError } from '@anyfork/fork-rpc'
import { isRunning, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { blockUntil, drain, reasonOf, usePools, valuesOf } from './support/pools.js'

const exited = (): ProcessExitedError => new ProcessExitedError({ code: null, signal: 'SIGKILL' })

describe('aborted calls', () => {
  const start = usePools()
  const pathOf = useFolder()

  it('a call that is aborted with a ProcessExitedError leaves the other calls of its worker running', async () => {
    const sleep = start('sleep', { max: 1, load: 2, async: true })
    await sleep(0)
    const { pid } = sleep.workers[0]!
    const controller = new AbortController()
    const aborted = sleep.with({ signal: controller.signal })(60_000)
    const other = sleep(50, 'other')
    await setImmediate() // both have been sent
    controller.abort(exited())
    await assert.rejects(aborted, { code: 'ERR_PROCESS_EXITED' })
    assert.equal(await other, 'other')
    await until(() => !isRunning(pid)) // it gets no more calls
    assert.equal((await sleep.stats()).died, 0)
  })

  it('aborting a queued call with a ProcessExitedError as reason does not retire its worker', async () => {
    const spin = start('spin', { max: 1, load: 3 })
    await spin(0)
    const { pid } = spin.workers[0]!
    const controller = new AbortController()
    const running = spin(30, 'running')
    const aborted = spin.with({ signal: controller.signal })(0, 'aborted')
    await setImmediate()
    controller.abort(exited())
    await assert.rejects(aborted, { code: 'ERR_PROCESS_EXITED' })
    assert.equal(await running, 'running')
    assert.deepEqual(
      spin.workers.map(worker => worker.pid),
      [pid],
    )
  })

  it('aborting a call that has begun unnoticed ends its worker; calls behind it run elsewhere', async () => {
    const act = start('spinOrCount', { max: 1, load: 3 })
    await act('spin', 0)
    const { pid } = act.workers[0]!
    const controller = new AbortController()
    const first = act('spin', 0)
    const begun = pathOf('begun') // written when the call that is aborted runs
    const aborted = act.with({ signal: controller.signal })('spin', 1e9, begun)
    const behind = act('spin', 0)
    await setImmediate() // all three have been sent
    blockUntil(begun)
    controller.abort()
    const isAborted = assert.rejects(aborted, { name: 'AbortError' })
    assert.equal(await first, 'spin')
    await isAborted
    assert.equal(await behind, 'spin')
    await until(() => !isRunning(pid)) // its successor does not wait for that
    assert.equal(await act('spin', 0), 'spin')
  })

  it('aborting a call whose stream has begun unnoticed frees its worker for the next call', async () => {
    const act = start('spinOrCount', { max: 1, load: 2 })
    await act('spin', 0)
    const release = pathOf('release')
    const first = act('spin', 0, undefined, release)
    const controller = new AbortController()
    const begun = pathOf('begun') // written when the call that is aborted runs
    const aborted = act.with({ signal: controller.signal })('count', 1e9, begun)
    await setImmediate() // both have been sent
    writeFileSync(release, '') // from here to abort(), this process receives nothing
    blockUntil(begun)
    controller.abort()
    const isAborted = assert.rejects(aborted, { name: 'AbortError' })
    assert.equal(await first, 'spin')
    await isAborted
    assert.equal(await act('spin', 0), 'spin')
  })

  it('aborting a call whose stream is read ends its synchronous worker', async () => {
    const stall = start('countThenSpin', { max: 1 })
    const begun = pathOf('begun')
    const controller = new AbortController()
    const values = valuesOf(stall.with({ signal: controller.signal })(begun))
    assert.deepEqual(await values.next(), { done: false, value: 1 })
    const { pid } = stall.workers[0]!
    const next = values.next()
    blockUntil(begun)
    controller.abort()
    await assert.rejects(next, { name: 'AbortError' })
    const again = valuesOf(stall(begun, 0))
    assert.deepEqual(await again.next(), { done: false, value: 1 })
    await again.return!()
    await until(() => !isRunning(pid)) // its successor does not wait for that
  })

  it('streams whose workers die remove their listeners from a shared signal', async () => {
    const streamCount = 11 // Node.js warns of more than ten listeners
    const count = start('countTo', { max: streamCount, load: 1 })
    const { signal } = new AbortController()
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const streams = Array.from({ length: streamCount }, () => valuesOf(count.with({ signal })(1e9)))
    await Promise.all(streams.map(stream => stream.next()))
    for (const { pid } of count.workers) process.kill(pid, 'SIGKILL')
    for (const stream of streams) await assert.rejects(drain(stream), { code: 'ERR_PROCESS_EXITED' })
    await until(() => count.workers.length === 0)
    await until(() => getEventListeners(signal, 'abort').length === 0)
    process.off('warning', onWarning)
    assert.deepEqual(warnings, [])
  })

  it('an aborted stream of an asynchronous pool frees its slot at once', async () => {
    const count = start('countTo', { max: 1, async: true })
    const controller = new AbortController()
    const values = valuesOf(count.with({ signal: controller.signal })(1e9))
    await values.next()
    const { pid } = count.workers[0]!
    controller.abort()
    assert.equal(count.workers[0]!.load, 0)
    const others = valuesOf(count(1))
    assert.deepEqual(await others.next(), { done: false, value: 1 })
    assert.deepEqual(await others.next(), { done: true, value: undefined })
    assert.equal(count.workers[0]!.pid, pid)
    await assert.rejects(values.next(), { name: 'AbortError' })
  })

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
      const reading = reasonOf(drain(stream))
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
