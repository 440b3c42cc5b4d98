import assert from 'node:assert/strict'
import { connect, rpcOf } from '@anyfork/fork-rpc'
import { isSoak } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import type * as MixedTraffic from './fixtures/mixed-traffic.js'
import type * as Fixture from './fixtures/worker.js'
import { Events, useConnections } from './support/connections.js'
import { stop } from './support/process-state.js'

const WAITING_CALLS = isSoak ? 100_000 : 2000

for (const async of [false, true]) {
  describe(`a call that is aborted while it waits, with async: ${async}`, () => {
    const { start } = useConnections()

    it('never begins if it has not been written', async () => {
      const events = new Events()
      const begin = start('begin', { async, onEvent: events.onEvent })
      const controller = new AbortController()
      const aborted = begin.with({ signal: controller.signal })('aborted')
      const kept = begin('kept')
      controller.abort()
      await assert.rejects(aborted, { name: 'AbortError' })
      assert.equal(await kept, 'kept')
      await begin.close()
      assert.deepEqual(events.seen, [['begun', 'kept']])
    })

    it('never begins if its signal was aborted before', async () => {
      const events = new Events()
      const begin = start('begin', { async, onEvent: events.onEvent })
      await assert.rejects(begin.with({ signal: AbortSignal.abort() })('aborted'), { name: 'AbortError' })
      await begin.close()
      assert.deepEqual(events.seen, [])
    })

    it('never begins if it waits in the socket of a stopped process', async () => {
      const events = new Events()
      const begin = start('begin', { async, onEvent: events.onEvent })
      await begin('first')
      stop(begin.pid!)
      const controller = new AbortController()
      const kept = begin('kept')
      const aborted = Array.from({ length: 300 }, (_, i) => begin.with({ signal: controller.signal })(i))
      await new Promise(setImmediate) // the calls are written now
      controller.abort()
      await Promise.all(aborted.map(call => assert.rejects(call, { name: 'AbortError' })))
      process.kill(begin.pid!, 'SIGCONT')
      assert.equal(await kept, 'kept')
      await begin.close()
      assert.deepEqual(events.seen, [
        ['begun', 'first'],
        ['begun', 'kept'],
      ])
    })

    it('never begins if the socket had no room for it', async () => {
      const events = new Events()
      const begin = start('begin', { async, onEvent: events.onEvent })
      await begin('first')
      stop(begin.pid!)
      const controller = new AbortController()
      // 300 calls of 2 kB are 600 kB; a socket takes about 200 kB of them.
      const aborted = Array.from({ length: 300 }, (_, i) =>
        begin.with({ signal: controller.signal })('x'.repeat(2000) + i),
      )
      await new Promise(setImmediate) // the socket is full now
      controller.abort()
      await Promise.all(aborted.map(call => assert.rejects(call, { name: 'AbortError' })))
      process.kill(begin.pid!, 'SIGCONT')
      await begin.close()
      const last = String(events.seen.at(-1)![1])
      assert.ok(!/x(1[5-9]\d|2\d\d)$/.test(last), `has begun call ${last.replace(/x+/, '')}`)
    })
  })
}

describe('waiting calls', () => {
  const { fork, start, track, makeGate } = useConnections()

  it('an aborted call never begins while the process runs the call before it', async () => {
    const events = new Events()
    const remote = connect<typeof Fixture>(fork(), new URL('./fixtures/worker.js', import.meta.url), {
      onEvent: events.onEvent,
    })
    track(rpcOf(remote))
    const gate = makeGate()
    const first = remote.blockUntilOpen(gate.pass(), 'first')
    await events.first('begun')
    const controller = new AbortController()
    const second = remote.begin.with({ signal: controller.signal })('aborted')
    const third = remote.begin('third')
    await new Promise(setImmediate) // the calls are written now
    controller.abort()
    await assert.rejects(second, { name: 'AbortError' })
    gate.open()
    assert.deepEqual(await Promise.all([first, third]), ['first', 'third'])
    assert.deepEqual(events.seen, [
      ['begun', 'first'],
      ['begun', 'third'],
    ])
  })

  it('an aborted call never begins, although a call with the same ID was aborted before', async () => {
    const events = new Events()
    const remote = connect<typeof MixedTraffic>(fork(), new URL('./fixtures/mixed-traffic.js', import.meta.url), {
      onEvent: events.onEvent,
    })
    track(rpcOf(remote))
    const [first, third] = [new AbortController(), new AbortController()]
    const [firstMayEnd, secondMayEnd] = [latch(), latch()]
    const aborted = remote.sum.with({ signal: first.signal })(oneThenTwo(firstMayEnd.opened), 'first')
    const running = remote.sum(oneThenTwo(secondMayEnd.opened), 'second')
    await events.first('first')
    first.abort()
    await assert.rejects(aborted, { name: 'AbortError' })
    firstMayEnd.open()
    await events.first('second') // the first call is over, and its ID is free
    const waiting = remote.sum.with({ signal: third.signal })(oneThenTwo(Promise.resolve()), 'third')
    await new Promise(setImmediate) // it is written now
    third.abort()
    await assert.rejects(waiting, { name: 'AbortError' })
    secondMayEnd.open()
    assert.equal(await running, 3)
    assert.equal(await remote.same('next'), 'next')
    assert.ok(!events.seen.some(([name]) => name === 'third'))
  })

  it(`any of ${WAITING_CALLS} waiting calls can be aborted, in any order`, async () => {
    const first = start('first')
    await first.ready()
    stop(first.pid!)
    const controllers = Array.from({ length: 5 }, () => new AbortController())
    const calls = Array.from({ length: WAITING_CALLS }, (_, i) =>
      i % 3
        ? first
            .with({ signal: controllers[i % 5]!.signal })(i)
            .catch(() => -i)
        : first(i),
    )
    for (const i of [3, 1, 4]) controllers[i]!.abort()
    const expected = calls.map((_, i) => (i % 3 && [3, 1, 4].includes(i % 5) ? -i : i))
    process.kill(first.pid!, 'SIGCONT')
    assert.deepEqual(await Promise.all(calls), expected)
  })
})

/** A promise that `open` resolves. */
function latch(): { opened: Promise<void>; open(): void } {
  let open!: () => void
  const opened = new Promise<void>(resolve => (open = resolve))
  return { opened, open }
}

/** Yields 2 only after a promise has resolved. */
async function* oneThenTwo(between: Promise<void>): AsyncGenerator<number> {
  yield 1
  await between
  yield 2
}
