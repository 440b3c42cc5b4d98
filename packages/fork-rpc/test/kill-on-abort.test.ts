import assert from 'node:assert/strict'
import { pipe, read } from '@anyfork/fdpass'
import { connect, fd, rpcOf, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Streams from './fixtures/streams.js'
import type * as Fixture from './fixtures/worker.js'
import { Events, useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

for (const async of [false, true]) {
  describe(`killOnAbort with async: ${async}`, () => {
    const { fork, start, track, makeGate } = useConnections()

    it('kills the process when a running call times out, and all other calls reject', async () => {
      const block = start('block', { async, onError: () => {} })
      await block.ready()
      const call = block.with({ timeout: 1, killOnAbort: true })(1e9)
      const other = block(1)
      await assert.rejects(call, { code: 'ERR_CALL_TIMEOUT' })
      await assert.rejects(other, { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
    })

    it('causes no uncaught exception for the death of the process', async () => {
      const block = start('block', { async }) // without `onError`
      await block.ready()
      await assert.rejects(block.with({ timeout: 1, killOnAbort: true })(1e9), { code: 'ERR_CALL_TIMEOUT' })
      await block.ended
      await new Promise(setImmediate) // the exception would be thrown on the next tick
    })

    it('kills a process that blocks between two values of an aborted stream', async () => {
      const yieldThenBlock = start('yieldThenBlock', { async })
      const controller = new AbortController()
      const options = { signal: controller.signal, killOnAbort: true }
      const values = (await yieldThenBlock.with(options)()) as AsyncIterableIterator<number>
      assert.equal((await values.next()).value, 1)
      controller.abort(new RangeError('no more'))
      await assert.rejects(values.next(), new RangeError('no more'))
      assert.deepEqual(await yieldThenBlock.ended, { code: null, signal: 'SIGKILL' })
    })

    it('spares a process that is still in its init function when the call is aborted', async () => {
      const events = new Events()
      const gate = makeGate()
      const begin = track(
        run(fork().sendFd(gate.readEnd), worker, 'begin', { async, init: 'untilOpen', onEvent: events.onEvent }),
      )
      const controller = new AbortController()
      const aborted = begin.with({ signal: controller.signal, killOnAbort: true })('aborted')
      const kept = begin('kept')
      while (!begin.counters.bytesSent) await new Promise(setImmediate)
      controller.abort(new RangeError('no more'))
      await assert.rejects(aborted, new RangeError('no more'))
      gate.open()
      assert.equal(await kept, 'kept')
      assert.deepEqual(events.seen, [['begun', 'kept']])
    })
  })
}

describe('killOnAbort in a process that runs one call at a time', () => {
  const { fork, track, makeGate } = useConnections()

  it('spares the process when the aborted call waits behind another one', async () => {
    const events = new Events()
    const remote = connect<typeof Fixture>(fork(), worker, { onEvent: events.onEvent })
    track(rpcOf(remote))
    const gate = makeGate()
    const running = remote.blockUntilOpen(gate.pass(), 'running')
    await events.first('begun')
    const controller = new AbortController()
    const waiting = remote.begin.with({ signal: controller.signal, killOnAbort: true })('waiting')
    await new Promise(setImmediate) // it is written now
    controller.abort(new RangeError('no more'))
    await assert.rejects(waiting, new RangeError('no more'))
    gate.open()
    assert.equal(await running, 'running')
    assert.equal(await remote.add(1, 2), 3)
  })

  it('spares the process when the aborted call waits behind a stream', async () => {
    const remote = connect<typeof Streams>(fork(), new URL('./fixtures/streams.js', import.meta.url), {
      onEvent: () => {},
    })
    track(rpcOf(remote))
    const values = await remote.squares(1000)
    await values.next()
    const controller = new AbortController()
    const waiting = remote.one.with({ signal: controller.signal, killOnAbort: true })()
    await new Promise(setImmediate) // it is written now
    controller.abort(new RangeError('no more'))
    await assert.rejects(waiting, new RangeError('no more'))
    let last
    for await (const value of values) last = value
    assert.equal(last, 1_000_000)
    assert.equal(await remote.one(), 1)
  })

  it('kills the process for a call that has begun before the caller has read the result of the call before it', async () => {
    const remote = connect<typeof Fixture>(fork(), worker, { onError: () => {}, spin: 0 })
    const control = track(rpcOf(remote))
    const [readEnd, writeEnd] = pipe()
    await remote.close(fd(0)) // from now on, descriptors leave with their call
    const controller = new AbortController()
    const first = remote.add(1, 2)
    const second = remote.closeThenBlock.with({ signal: controller.signal, killOnAbort: true })(fd(writeEnd))
    writeEnd.close()
    await new Promise(process.nextTick) // both calls are written now
    read(readEnd, Buffer.alloc(1)) // blocks until the process has begun the second call
    controller.abort()
    await assert.rejects(second, { name: 'AbortError' })
    assert.equal(await first, 3)
    assert.deepEqual(await control.ended, { code: null, signal: 'SIGKILL' })
    await assert.rejects(remote.add(1, 2), { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
    readEnd.close()
  })
})
