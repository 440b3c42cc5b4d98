import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { type CallTrace, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('tracing', () => {
  const { start, fork } = useConnections()

  it('code after a call, and its then() callback, run in the AsyncLocalStorage context of the caller', async () => {
    const storage = new AsyncLocalStorage<number>()
    const later = start('later', { async: true })
    const seen = await Promise.all(
      [1, 2, 3].map(n =>
        storage.run(n, async () => {
          await later('value')
          const byThen = await later('value').then(() => storage.getStore())
          return [storage.getStore(), byThen]
        }),
      ),
    )
    assert.deepEqual(seen, [
      [1, 1],
      [2, 2],
      [3, 3],
    ])
  })

  it('a generator among the arguments runs in the AsyncLocalStorage context of the caller', async () => {
    const storage = new AsyncLocalStorage<number>()
    const collect = run(fork(), new URL('./fixtures/streams.js', import.meta.url), 'sum')
    async function* numbers(): AsyncGenerator<number> {
      for (let i = 0; i < 3; i++) yield storage.getStore()!
    }
    const [a, b] = await Promise.all([
      storage.run(5, () => collect(numbers())),
      storage.run(7, () => collect(numbers())),
    ])
    assert.deepEqual([a, b], [15, 21])
    await collect.close()
  })

  it('the channel anyfork:rpc:call publishes each step of a call that returns, and of one that throws', async () => {
    const steps: [string, CallTrace][] = []
    const subscribers = Object.fromEntries(
      (['start', 'end', 'asyncStart', 'asyncEnd', 'error'] as const).map(step => [
        step,
        (trace: unknown) => steps.push([step, trace as CallTrace]),
      ]),
    ) as never
    const traced = tracingChannel('anyfork:rpc:call')
    traced.subscribe(subscribers)
    try {
      const add = start('add')
      await add.ready()
      const call = add(1, 2)
      assert.deepEqual(
        steps.map(([step]) => step),
        ['start', 'end'],
      )
      assert.equal(await call, 3)
      const [, trace] = steps[0]!
      assert.deepEqual(trace, { module: worker.href, name: 'add', args: [1, 2], pid: add.pid, result: 3 })
      assert.ok(steps.every(([, each]) => each === trace))
      assert.deepEqual(
        steps.splice(0).map(([step]) => step),
        ['start', 'end', 'asyncStart', 'asyncEnd'],
      )
      const fail = start('fail')
      await assert.rejects(fail(), TypeError)
      assert.deepEqual(
        steps.map(([step]) => step),
        ['start', 'end', 'error', 'asyncStart', 'asyncEnd'],
      )
      assert.equal((steps[0]![1].error as Error).name, 'OwnError')
    } finally {
      traced.unsubscribe(subscribers)
    }
    assert.ok(!channel('tracing:anyfork:rpc:call:start').hasSubscribers)
  })

  it('the result of a traced call can be iterated over', async () => {
    const traced = tracingChannel('anyfork:rpc:call')
    const subscribers = { start: () => {}, end: () => {}, asyncStart: () => {}, asyncEnd: () => {}, error: () => {} }
    traced.subscribe(subscribers)
    const seen: unknown[] = []
    for await (const value of start('same')('a', 'b')) seen.push(value)
    traced.unsubscribe(subscribers)
    assert.deepEqual(seen, ['a', 'b'])
  })

  it('a traced call settles before an event that follows its result is delivered', async () => {
    const traced = tracingChannel('anyfork:rpc:call')
    const subscribers = { start: () => {}, end: () => {}, asyncStart: () => {}, asyncEnd: () => {}, error: () => {} }
    traced.subscribe(subscribers)
    const seen: unknown[] = []
    try {
      const begin = start('begin', { onEvent: (_, value) => seen.push(`event ${value}`) })
      await begin('first')
      const call = async (value: string): Promise<void> => void seen.push(`result ${String(await begin(value))}`)
      await Promise.all(['a', 'b', 'c'].map(call)) // the results arrive in one batch
    } finally {
      traced.unsubscribe(subscribers)
    }
    assert.deepEqual(seen, ['event first', 'event a', 'result a', 'event b', 'result b', 'event c', 'result c'])
  })

  it('counters count calls, results, errors, aborted calls, and bytes', async () => {
    const first = start('first')
    await Promise.all([first(1), first(2)])
    await assert.rejects(first.with({ signal: AbortSignal.abort() })(3))
    const { calls, results, errors, pending, bytesSent, bytesReceived, events, aborted } = first.counters
    assert.deepEqual(
      { calls, results, errors, pending, events, aborted },
      { calls: 2, results: 2, errors: 0, pending: 0, events: 0, aborted: 0 },
    )
    assert.ok(bytesSent > 20 && bytesReceived > 20)
    const fail = start('fail')
    await assert.rejects(fail())
    assert.equal(fail.counters.errors, 1)
    const block = start('block')
    await assert.rejects(block.with({ timeout: 1 })(1e9))
    assert.equal(block.counters.aborted, 1)
  })
})
