import assert from 'node:assert/strict'
import { connect, rpcOf } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import * as functions from './fixtures/worker.js'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

for (const async of [false, true])
  describe(`the option onEvent of a call with async: ${async}`, () => {
    const { fork, start, track } = useConnections()
    const listener = (): { seen: unknown[][]; onEvent: (...values: unknown[]) => void } => {
      const seen: unknown[][] = []
      return { seen, onEvent: (...values) => seen.push(values) }
    }

    it('receives the events of its call only, before the result; the connection gets those of other calls', async () => {
      const [all, first, second] = [listener(), listener(), listener()]
      const begin = start('begin', { async, onEvent: all.onEvent })
      const calls = [begin.with({ onEvent: first.onEvent })(1), begin(2), begin.with({ onEvent: second.onEvent })(3)]
      await Promise.all(calls.map((call, i) => call.then(() => assert.equal([first, all, second][i]!.seen.length, 1))))
      assert.deepEqual([first.seen, all.seen, second.seen], [[['begun', 1]], [['begun', 2]], [['begun', 3]]])
    })

    it('needs no onEvent of the connection', async () => {
      const own = listener()
      assert.equal(await start('progress', { async }).with({ onEvent: own.onEvent })(2), 'done')
      assert.deepEqual(own.seen, [
        ['step', 1],
        ['step', 2],
      ])
    })

    it('receives events after awaits, and those of a generator until it has ended', async () => {
      const [all, ticks, steps] = [listener(), listener(), listener()]
      const remote = connect<typeof functions>(fork(), worker, { async, onEvent: all.onEvent })
      track(rpcOf(remote))
      await remote.ticking.with({ onEvent: ticks.onEvent })()
      assert.equal(ticks.seen.length, 4)
      const values = []
      for await (const value of remote.stepping.with({ onEvent: steps.onEvent })(3)) values.push(value)
      assert.deepEqual(
        [values, steps.seen],
        [
          [1, 2, 3],
          [['step', 1], ['step', 2], ['step', 3], ['end']],
        ],
      )
      await remote.begin(7)
      assert.deepEqual(all.seen, [['begun', 7]])
    })

    it('receives no event of a later call, and none after its call has been aborted', async () => {
      const [all, own] = [listener(), listener()]
      const remote = connect<typeof functions>(fork(), worker, { async, onEvent: all.onEvent })
      track(rpcOf(remote))
      for (let i = 0; i < 100; i++) {
        await remote.begin.with({ onEvent: own.onEvent })(i)
        await remote.begin(i)
      }
      assert.deepEqual([own.seen.length, all.seen.length], [100, 100])
      const controller = new AbortController()
      let count = 0
      const onEvent = (): void => {
        count++
        controller.abort()
      }
      const call = remote.ticking.with({ onEvent, signal: controller.signal })()
      await assert.rejects(call, { name: 'AbortError' })
      await remote.ticking() // the aborted call goes on meanwhile, or has ended before
      assert.equal(count, 1)
    })

    it('is called for each of many calls that are made at once', async () => {
      const begin = start('begin', { async })
      const seen: unknown[] = []
      await Promise.all(
        Array.from({ length: 500 }, (_, i) => begin.with({ onEvent: (_name, value) => seen.push([i, value]) })(i)),
      )
      assert.deepEqual(
        seen,
        Array.from({ length: 500 }, (_, i) => [i, i]),
      )
    })

    it('is a TypeError if it is not a function', () => {
      const begin = start('begin', { async })
      assert.throws(() => begin.with({ onEvent: 'x' as never }), { name: 'TypeError', message: /onEvent/ })
    })
  })

describe('the option onEvent of calls that run concurrently', () => {
  const { fork, track } = useConnections()

  it('receives the events of its own call', async () => {
    const remote = connect<typeof functions>(fork(), worker, { async: true })
    track(rpcOf(remote))
    const seen: string[][] = [[], []]
    const ticking = (own: string[]): Promise<string> =>
      remote.tickingAs.with({ onEvent: name => own.push(name as string) })(String(seen.indexOf(own)))
    await Promise.all(seen.map(ticking))
    assert.deepEqual(seen, [
      ['0', '0', '0'],
      ['1', '1', '1'],
    ])
  })
})

describe('the functions of a worker in another process', () => {
  const { start } = useConnections()

  it('event() does nothing in a process that is no worker, and isWorker() tells', async () => {
    assert.equal(functions.progress(3), 'done')
    assert.equal(functions.isHere(), false)
    assert.equal(await start('isHere')(), true)
    assert.equal(await start('isHereDuringInit', { init: 'noteWhetherHere' })(), true)
  })
})
