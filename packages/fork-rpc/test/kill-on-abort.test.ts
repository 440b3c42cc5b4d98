import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, rpcOf, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Streams from './fixtures/streams.js'
import { Events, useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

const block = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

describe('a call with killOnAbort', () => {
  const { fork, start, track } = useConnections()

  for (const async of [false, true]) {
    it(`kills the process with killOnAbort, and with it all other calls; async: ${async}`, async () => {
      const block = start('block', { async, onError: () => {} })
      await block.ready()
      const call = block.with({ timeout: 20, killOnAbort: true })(60_000)
      const other = block(1)
      await assert.rejects(call, { code: 'ERR_CALL_TIMEOUT' })
      await assert.rejects(other, { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
    })

    it(`tells by the call alone that killOnAbort ended the process; async: ${async}`, async () => {
      const block = start('block', { async })
      await block.ready()
      await assert.rejects(block.with({ timeout: 20, killOnAbort: true })(60_000), { code: 'ERR_CALL_TIMEOUT' })
      await block.ended
      await new Promise(setImmediate) // an uncaught error would be thrown before that
    })

    it(`kills the process with killOnAbort when a stream that it does not go on with is given up; async: ${async}`, async () => {
      const yieldThenBlock = start('yieldThenBlock', { async })
      const controller = new AbortController()
      const values = (await yieldThenBlock.with({ signal: controller.signal, killOnAbort: true })(
        60_000,
      )) as AsyncIterableIterator<number>
      assert.equal((await values.next()).value, 1)
      controller.abort(new RangeError('no more'))
      await assert.rejects(values.next(), new RangeError('no more'))
      assert.deepEqual(await yieldThenBlock.ended, { code: null, signal: 'SIGKILL' })
    })

    it(`does not kill the process with killOnAbort for a call that waits while it prepares; async: ${async}`, async () => {
      const events = new Events()
      const path = join(tmpdir(), `anyfork-${process.pid}-prepared`)
      const told = track(
        run(fork().sendArg(path), worker, 'told', { async, init: 'awaitFile', onEvent: events.onEvent }),
      )
      const controller = new AbortController()
      const given = told.with({ signal: controller.signal, killOnAbort: true })('given up')
      const kept = told('kept')
      while (!told.counters.bytesSent) await new Promise(setImmediate)
      controller.abort(new RangeError('no more'))
      await assert.rejects(given, new RangeError('no more'))
      writeFileSync(path, '')
      try {
        assert.equal(await kept, 'kept')
      } finally {
        rmSync(path)
      }
      assert.deepEqual(events.seen, [['begun', 'kept']])
    })
  }

  it('does not kill the process for a call that waits, with killOnAbort', async () => {
    const block = start('block')
    await block.ready()
    const running = block(60)
    const waiting = block.with({ timeout: 10, killOnAbort: true })(1)
    await assert.rejects(waiting, { code: 'ERR_CALL_TIMEOUT' })
    await running
    await block(1)
  })

  it('does not kill the process for a call that waits behind a stream, with killOnAbort', async () => {
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

  it('kills the process with killOnAbort also when the call has begun before that is known here', async () => {
    const slow = start('block', { onError: () => {} })
    await slow.ready()
    const controller = new AbortController()
    const first = slow(20)
    const second = slow.with({ signal: controller.signal, killOnAbort: true })(60_000)
    await new Promise(setImmediate) // they are written now
    block(100) // the process has finished the first one meanwhile, and runs the second
    controller.abort()
    await assert.rejects(second, { name: 'AbortError' })
    await first
    await assert.rejects(slow(1), { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
  })
})
