import assert from 'node:assert/strict'
import { connect, type Remote, type RpcOptions, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/mixed-traffic.js'
import { Events, useConnections } from './support/connections.js'
import { passedPipe } from './support/passed-pipe.js'
import { untilStopped } from './support/process-state.js'

const module = new URL('./fixtures/mixed-traffic.js', import.meta.url)

for (const async of [false, true]) {
  describe(`a stream that its consumer has left, with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (options: RpcOptions = {}): Remote<typeof Fixture> => {
      const remote = connect<typeof Fixture>(fork(), module, { async, onEvent: () => {}, ...options })
      track(rpcOf(remote))
      return remote
    }

    it('a descriptor that a stream yields after its consumer has left is closed', async () => {
      const remote = start()
      const { opened, open } = latch()
      let isOver!: () => void
      const over = new Promise<void>(resolve => (isOver = resolve))
      async function* values(): AsyncGenerator<unknown> {
        try {
          yield 1
          await opened
          yield passedPipe('late')
        } finally {
          isOver()
        }
      }
      assert.equal(await remote.first(values()), 1)
      await remote.same('the stream is stopped')
      open()
      await over
      if (!async) return // a synchronous process runs no other call, which could release the descriptor
      const openBefore = await remote.openDescriptors()
      const stream = await remote.numberThenDescriptor()
      await stream.next()
      const ended = stream.return!()
      await remote.releaseDescriptor()
      await ended
      assert.equal(await remote.openDescriptors(), openBefore)
    })

    it('a stream that is returned after its call was aborted with awaitAbort ends on both sides', async () => {
      const remote = start({ onEvent: () => {} })
      await remote.same(0)
      const { pid } = rpcOf(remote)
      const controller = new AbortController()
      const call = remote.stopThenEndless.with({ signal: controller.signal, awaitAbort: true })()
      await new Promise(process.nextTick) // it is written now
      untilStopped(pid!)
      controller.abort(new RangeError('no more'))
      process.kill(pid!, 'SIGCONT')
      const stream = await call
      assert.equal(await remote.same(1), 1) // the process has ended the stream, if it had begun it
      await assert.rejects(stream.next(), new RangeError('no more'))
      assert.equal((await stream.next()).done, true)
    })

    if (async) return // the slow generator would block the event loop

    it('a slow generator ends at its next value after its consumer has left', async () => {
      const events = new Events()
      const remote = start({ onEvent: events.onEvent })
      const stream = await remote.slow()
      assert.equal((await stream.next()).value, 1)
      const { pid } = rpcOf(remote)
      untilStopped(pid!)
      const ended = stream.return!()
      setImmediate(() => process.kill(pid!, 'SIGCONT'))
      await ended
      assert.deepEqual(events.seen, [['over', 2]])
    })
  })
}

/** Makes a promise that `open` resolves. */
function latch(): { opened: Promise<void>; open(): void } {
  let open!: () => void
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open }
}
