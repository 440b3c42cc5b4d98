import assert from 'node:assert/strict'
import { connect, type Descriptor, type Remote, type RpcOptions, rpcOf } from '@anyfork/fork-rpc'
import { tagOf as textOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'
import { passedPipe as pass } from './support/passed-pipe.js'
import { stop, untilStopped } from './support/process-state.js'

type Functions = typeof import('./fixtures/mixed-traffic.js')

const module = new URL('./fixtures/mixed-traffic.js', import.meta.url)

for (const async of [false, true]) {
  describe(`calls, streams and descriptors at once with async: ${async}`, () => {
    const { fork, track } = useConnections()
    const start = (options: RpcOptions = {}): Remote<Functions> => {
      const remote = connect<Functions>(fork(), module, { async, onEvent: () => {}, ...options })
      track(rpcOf(remote))
      return remote
    }

    it('carries out a large call that comes in pieces, after small ones that were put off', async () => {
      const remote = start()
      const { first, same } = remote
      await same(0)
      const large = Buffer.alloc(200_000, 1)
      const calls: Promise<unknown>[] = []
      const { pid } = rpcOf(remote)
      function* values(): Generator<number> {
        stop(pid!) // so that all of this comes together
        yield 1
        calls.push(same('small'), same(large), same('last'))
        setImmediate(() => process.kill(pid!, 'SIGCONT'))
        yield 2
      }
      assert.equal(await first(values()), 1)
      assert.deepEqual(await Promise.all(calls), ['small', large, 'last'])
    })

    it('loses no descriptor that follows a large call', async () => {
      const remote = start()
      assert.equal(await remote.textOf(pass('first')), 'first')
      const { pid } = rpcOf(remote)
      stop(pid!)
      const text = 'x'.repeat(70_000)
      const calls = [remote.same(text), remote.textOf(pass('behind'))]
      setImmediate(() => process.kill(pid!, 'SIGCONT'))
      assert.deepEqual(await Promise.all(calls), [text, 'behind'])
    })

    it('loses no descriptor that follows a large call and small ones that were put off', async () => {
      const remote = start()
      const { first, same, textOf } = remote
      assert.equal(await textOf(pass('first')), 'first')
      const text = 'x'.repeat(70_000)
      const calls: Promise<unknown>[] = []
      const { pid } = rpcOf(remote)
      function* values(): Generator<number> {
        stop(pid!)
        yield 1
        calls.push(same(1), same(2), same(3), same(text), textOf(pass('behind')))
        setImmediate(() => process.kill(pid!, 'SIGCONT'))
        yield 2
      }
      assert.equal(await first(values()), 1)
      assert.deepEqual(await Promise.all(calls), [1, 2, 3, text, 'behind'])
    })

    it('loses no descriptor that follows a large event', async () => {
      const events = new Events()
      const remote = start({ onEvent: events.onEvent, spin: 0 })
      await remote.makeAndTell('first')
      const { pid } = rpcOf(remote)
      const call = remote.tellAndStop(70_000, 'behind')
      await new Promise(process.nextTick) // it is written now
      untilStopped(pid!)
      process.kill(pid!, 'SIGCONT')
      await call
      assert.deepEqual(
        events.seen.map(([what]) => what),
        ['made', 'text', 'made'],
      )
      assert.deepEqual(
        [events.seen[0], events.seen[2]].map(event => textOf(event![1] as Descriptor)),
        ['first', 'behind'],
      )
    })

    it('carries out calls that come while it waits until descriptors may be sent', async () => {
      const events = new Events()
      const remote = start({ onEvent: events.onEvent, spin: 0 })
      await remote.same(0)
      const { pid } = rpcOf(remote)
      const telling = remote.stopAndTell('first')
      await new Promise(process.nextTick) // it is written now
      untilStopped(pid!)
      const same = remote.same('meanwhile')
      setImmediate(() => process.kill(pid!, 'SIGCONT'))
      await telling
      assert.equal(await same, 'meanwhile')
      assert.equal(textOf(events.seen[0]![1] as Descriptor), 'first')
    })

    it('sends a first descriptor also when much waits behind it', async () => {
      const events = new Events()
      const remote = start({ onEvent: events.onEvent })
      await remote.stayAlive()
      assert.equal(await remote.makeAndTellMuch('first'), 'told')
      assert.equal(textOf(events.seen[0]![1] as Descriptor), 'first')
      assert.equal(events.seen.length, 41)
    })

    it('sends a first descriptor also when it is closed meanwhile', async () => {
      const remote = start()
      await remote.stayAlive()
      const made = remote.make('last')
      const closed = rpcOf(remote).close()
      assert.deepEqual(((await made) as Descriptor[]).map(textOf), ['last'])
      await closed
    })

    it('closes a descriptor that is made when nobody wants more of the stream', async () => {
      const remote = start()
      const { opened, open } = gate()
      let isOver!: () => void
      const over = new Promise<void>(resolve => (isOver = resolve))
      async function* values(): AsyncGenerator<unknown> {
        try {
          yield 1
          await opened
          yield pass('late')
        } finally {
          isOver()
        }
      }
      assert.equal(await remote.first(values()), 1)
      await remote.same('the stream is stopped')
      open()
      await over
      if (!async) return // no other call could tell it to go on
      const openBefore = await remote.openDescriptors()
      const stream = await remote.numberThenDescriptor()
      await stream.next()
      const ended = stream.return!()
      await remote.goOn()
      await ended
      assert.equal(await remote.openDescriptors(), openBefore)
    })

    it('ends a stream that comes when its call was given up, with awaitAbort, there and here', async () => {
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
      assert.equal(await remote.same(1), 1) // nothing is iterated over any more; it may never have been begun
      await assert.rejects(stream.next(), new RangeError('no more'))
      assert.equal((await stream.next()).done, true)
    })

    if (async) return // a generator that blocks holds up all else there

    it('ends a generator that takes its time before its next value, when nobody wants more', async () => {
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

/** Something to wait for. */
function gate(): { opened: Promise<void>; open(): void } {
  let open!: () => void
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open }
}
