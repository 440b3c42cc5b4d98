import assert from 'node:assert/strict'
import { connect, rpcOf } from '@anyfork/fork-rpc'
import { outputOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/worker.js'
import { Events, useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

for (const async of [false, true]) {
  describe(`a call with a signal or a timeout, with async: ${async}`, () => {
    const { start, makeGate } = useConnections()

    it('rejects with ERR_CALL_TIMEOUT when it is not answered in time', async () => {
      const gate = makeGate()
      const blocking = start('blockUntilOpen', { async, onEvent: () => {} })
      await assert.rejects(blocking.with({ timeout: 1 })(gate.pass()), { name: 'RpcError', code: 'ERR_CALL_TIMEOUT' })
      gate.open()
    })

    it('resolves with its result when it is answered in time', async () => {
      assert.equal(await start('later', { async }).with({ timeout: 60_000 })('in time'), 'in time')
    })

    it('rejects with the reason of the signal, although the process still runs it', async () => {
      const events = new Events()
      const blocking = start('blockUntilOpen', { async, onEvent: events.onEvent })
      const gate = makeGate()
      const controller = new AbortController()
      const call = blocking.with({ signal: controller.signal })(gate.pass())
      await events.first('begun')
      controller.abort(new RangeError('no more'))
      await assert.rejects(call, new RangeError('no more'))
      gate.open()
    })

    it('leaves the next call its own result when it is aborted while it runs', async () => {
      const events = new Events()
      const blocking = start('blockUntilOpen', { async, onEvent: events.onEvent })
      const [gate, nextGate] = [makeGate(), makeGate()]
      const controller = new AbortController()
      const call = blocking.with({ signal: controller.signal })(gate.pass(), 'aborted')
      await events.first('begun')
      controller.abort()
      await assert.rejects(call, { name: 'AbortError' })
      const next = blocking(nextGate.pass(), 'next')
      gate.open()
      nextGate.open()
      assert.equal(await next, 'next')
      assert.equal(blocking.counters.results, 2) // the result of the aborted call was ignored
    })

    it('leaves other calls their own results, whenever it is aborted', async () => {
      const after = start('after', { async })
      for (let i = 0; i < 50; i++) {
        const aborted = after
          .with({ timeout: i % 4 })(i % 3, 'aborted')
          .catch(() => 'aborted')
        assert.equal(await after(0, i), i)
        assert.equal(await aborted, 'aborted')
      }
    })

    it('has a callSignal() of its own, which is not aborted if it has no signal', async () => {
      const hasFreshSignal = start('hasFreshSignal', { async })
      assert.deepEqual([await hasFreshSignal(), await hasFreshSignal()], [true, true])
    })
  })
}

describe('aborting a call', () => {
  const { fork, start, track, makeGate } = useConnections()

  it('aborts the callSignal() of a running asynchronous function', async () => {
    const events = new Events()
    const running = start('untilAborted', { async: true, onEvent: events.onEvent })
    const controller = new AbortController()
    const call = running.with({ signal: controller.signal })()
    await events.first('begun')
    controller.abort()
    await assert.rejects(call, { name: 'AbortError' })
    await events.first('aborted')
    assert.deepEqual(events.seen, [['begun'], ['aborted', true]])
  })

  it('with awaitAbort rejects it only when the process has dropped it', async () => {
    const events = new Events()
    const remote = connect<typeof Fixture>(fork(), worker, { onEvent: events.onEvent })
    track(rpcOf(remote))
    const gate = makeGate()
    const running = remote.blockUntilOpen(gate.pass(), 'running')
    await events.first('begun')
    const controller = new AbortController()
    let isOver = false
    const waiting = remote.begin
      .with({ signal: controller.signal, awaitAbort: true })('waiting')
      .finally(() => (isOver = true))
    await new Promise(setImmediate) // the call is written now, and cannot be withdrawn
    controller.abort(new RangeError('no more'))
    await new Promise(setImmediate)
    assert.equal(isOver, false)
    gate.open()
    await assert.rejects(waiting, new RangeError('no more'))
    assert.equal(await running, 'running')
    assert.deepEqual(events.seen, [['begun', 'running']])
  })

  it('with awaitAbort lets it settle with its own result if the process runs it', async () => {
    const events = new Events()
    const remote = connect<typeof Fixture>(fork(), worker, { async: true, onEvent: events.onEvent })
    track(rpcOf(remote))
    const controller = new AbortController()
    const call = remote.wait.with({ signal: controller.signal, awaitAbort: true })('the call')
    await events.first('begun')
    controller.abort()
    await remote.release('the call')
    assert.equal(await call, 'the call')
  })

  it('lets a program end that waits for nothing else', async () => {
    const program = `
      import { ForkProcess, run } from '@anyfork/fork-rpc'
      const block = run(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'block')
      console.log(await block.with({ timeout: 10 })(1e9).catch(error => error.code))`
    assert.equal(await outputOf(program), 'ERR_CALL_TIMEOUT\n')
  })
})
