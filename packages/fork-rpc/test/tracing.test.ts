import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { type CallTrace, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('tracing', () => {
  const { start, fork } = useConnections()

  it('keeps the AsyncLocalStorage of its caller', async () => {
    const storage = new AsyncLocalStorage<number>()
    const context = start('context', { async: true })
    const seen = await Promise.all(
      [1, 2, 3].map(n =>
        storage.run(n, async () => {
          await context()
          const byThen = await context().then(() => storage.getStore())
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

  it('runs what iterates over an argument in the context of its caller', async () => {
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

  it('anyfork:rpc:call publishes each step of a call', async () => {
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

  it('a traced call is iterable', async () => {
    const traced = tracingChannel('anyfork:rpc:call')
    const subscribers = { start: () => {}, end: () => {}, asyncStart: () => {}, asyncEnd: () => {}, error: () => {} }
    traced.subscribe(subscribers)
    const seen: unknown[] = []
    for await (const value of start('same')('a', 'b')) seen.push(value)
    traced.unsubscribe(subscribers)
    assert.deepEqual(seen, ['a', 'b'])
  })

  it('a traced call settles before an event that follows its result', async () => {
    const traced = tracingChannel('anyfork:rpc:call')
    const subscribers = { start: () => {}, end: () => {}, asyncStart: () => {}, asyncEnd: () => {}, error: () => {} }
    traced.subscribe(subscribers)
    const seen: unknown[] = []
    try {
      const told = start('told', { onEvent: (_, value) => seen.push(`event ${value}`) })
      await told('first')
      const call = async (value: string): Promise<void> => void seen.push(`result ${String(await told(value))}`)
      await Promise.all(['a', 'b', 'c'].map(call)) // answered together
    } finally {
      traced.unsubscribe(subscribers)
    }
    assert.deepEqual(seen, ['event first', 'event a', 'result a', 'event b', 'result b', 'event c', 'result c'])
  })

  it('counters count calls, results, errors, and bytes', async () => {
    const add = start('exitOrSame', { onError: () => {} })
    await Promise.all([add(1), add(2)])
    await assert.rejects(add.with({ signal: AbortSignal.abort() })(3))
    const { calls, results, errors, pending, bytesSent, bytesReceived, events, aborted } = add.counters
    assert.deepEqual(
      { calls, results, errors, pending, events, aborted },
      { calls: 2, results: 2, errors: 0, pending: 0, events: 0, aborted: 0 },
    )
    assert.ok(bytesSent > 20 && bytesReceived > 20)
    const fail = start('fail')
    await assert.rejects(fail())
    assert.equal(fail.counters.errors, 1)
    const block = start('block')
    await assert.rejects(block.with({ timeout: 1 })(20))
    assert.equal(block.counters.aborted, 1)
  })
})
