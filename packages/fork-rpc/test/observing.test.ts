import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { channel, tracingChannel } from 'node:diagnostics_channel'
import { setTimeout } from 'node:timers/promises'
import { type CallTrace, connect, type Rpc, rpcOf, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import type * as Fixture from './fixtures/worker.js'
import { useConnections } from './support/connections.js'
import { collect } from './support/garbage.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('a call', () => {
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

  it('is told to subscribers of anyfork:rpc:call, step by step', async () => {
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

  it('that is traced is iterable all the same', async () => {
    const traced = tracingChannel('anyfork:rpc:call')
    const subscribers = { start: () => {}, end: () => {}, asyncStart: () => {}, asyncEnd: () => {}, error: () => {} }
    traced.subscribe(subscribers)
    const seen: unknown[] = []
    for await (const value of start('same')('a', 'b')) seen.push(value)
    traced.unsubscribe(subscribers)
    assert.deepEqual(seen, ['a', 'b'])
  })

  it('that is traced settles before an event that came after its result', async () => {
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

  it('is counted', async () => {
    const add = start('exitOrSame', { onError: () => {} })
    await Promise.all([add(1), add(2)])
    await assert.rejects(add.with({ signal: AbortSignal.abort() })(3))
    const { calls, results, errors, outstanding, bytesSent, bytesReceived, events, givenUp } = add.counters
    assert.deepEqual(
      { calls, results, errors, outstanding, events, givenUp },
      { calls: 2, results: 2, errors: 0, outstanding: 0, events: 0, givenUp: 0 },
    )
    assert.ok(bytesSent > 20 && bytesReceived > 20)
    const fail = start('fail')
    await assert.rejects(fail())
    assert.equal(fail.counters.errors, 1)
    const block = start('block')
    await assert.rejects(block.with({ timeout: 1 })(20))
    assert.equal(block.counters.givenUp, 1)
  })
})

describe('an error', () => {
  const { start } = useConnections()

  it('has the stack of the function, then that of its caller', async () => {
    const fail = start('fail')
    async function theCaller(): Promise<unknown> {
      return await fail()
    }
    const { stack } = (await theCaller().catch((error: unknown) => error)) as Error
    assert.match(
      stack!,
      /at fail .*worker\.js[^]*called from another process[^]*at async theCaller .*observing\.test\.js/,
    )
  })

  it('of several keeps each of them', async () => {
    const error = (await start('failDeeply')().catch((reason: unknown) => reason)) as AggregateError & { code: string }
    assert.ok(error instanceof AggregateError)
    assert.equal(error.code, 'ERR_SEVERAL')
    const [one, two, three] = error.errors as [Error, Error & { code: string }, string]
    assert.ok(one instanceof TypeError)
    assert.equal(two.code, 'ERR_TWO')
    assert.equal(three, 'three')
  })

  it('of an abort is a DOMException', async () => {
    const error = (await start('failToo')().catch((reason: unknown) => reason)) as DOMException
    assert.ok(error instanceof DOMException)
    assert.equal(error.name, 'AbortError')
    assert.equal(error.code, DOMException.ABORT_ERR)
    assert.equal(error.message, 'given up')
  })

  it('of an abort keeps properties of its own', async () => {
    const error = (await start('failWithOwnCode')().catch((reason: unknown) => reason)) as DOMException
    assert.ok(error instanceof DOMException)
    assert.deepEqual({ ...error }, { code: 'ERR_OWN' })
  })

  const unseen: Record<Fixture.Oddity, object> = {
    'a revoked proxy': { name: 'Error', message: 'thrown: object' },
    'an error without keys': { name: 'RangeError', message: 'hidden' },
    'an error of nothing': { name: 'Error', message: 'thrown: object' },
    'an error without a class': { name: 'Error', message: 'visible' },
    'an error with a cause that is a revoked proxy': { name: 'Error', message: 'visible', cause: 'object' },
    'an error of errors that are a revoked proxy': { name: 'AggregateError', message: 'visible' },
  }
  for (const [what, expected] of Object.entries(unseen)) {
    it(`that cannot be looked at rejects its call only: ${what}`, async () => {
      const failUnseen = start('failUnseen')
      await assert.rejects(failUnseen(what), expected)
      await assert.rejects(failUnseen(what), expected)
    })
  }
})

describe('an event that waits until the caller has seen the result before it', () => {
  const { fork, track } = useConnections()

  for (const serialiser of ['cbor', 'json', 'v8'] as const) {
    it(`is whole, and none is lost, though calls are made meanwhile (${serialiser})`, async () => {
      const told: unknown[] = []
      const answers: Promise<unknown>[] = []
      const remote = connect<typeof Fixture>(fork(), worker, {
        serialiser,
        onEvent: (_, value) => {
          told.push(value)
          if (Number(value) % 2 === 0) answers.push(remote.first(value))
        },
      })
      track(rpcOf(remote))
      for (let i = 0; i < 600; i += 2) {
        const results = await Promise.all([remote.tellThenGive(i, 1), remote.tellThenGive(i + 1, 20_000)])
        assert.deepEqual(
          results.map(({ length }) => length),
          [1, 20_000],
        )
        assert.deepEqual(await Promise.all(answers.splice(0)), [i])
      }
      assert.deepEqual(
        told,
        Array.from({ length: 600 }, (_, i) => i),
      )
    })
  }

  it('is whole, though a call is given up because of an error before it', async () => {
    const told: unknown[] = []
    const remote = connect<typeof Fixture>(fork(), worker, { async: true, onEvent: (_, value) => told.push(value) })
    track(rpcOf(remote))
    for (let i = 0; i < 100; i++) {
      const controller = new AbortController()
      const other = assert.rejects(remote.after.with({ signal: controller.signal })(60_000, 'x'), {
        name: 'AbortError',
      })
      const given = remote.given()
      await remote.failThenGive(i, 20_000).catch(() => controller.abort())
      assert.equal((await given).length, 20_000)
      await other
    }
    assert.deepEqual(
      told,
      Array.from({ length: 100 }, (_, i) => i),
    )
  })
})

describe('a connection that nobody refers to any more', () => {
  const { fork } = useConnections()

  it('finishes its calls, and ends', async function () {
    this.timeout(20_000)
    const begin = (): { ended: Promise<unknown>; call: PromiseLike<unknown> } => {
      const after = run(fork(), worker, 'after')
      return { ended: after.ended, call: after(10, 'the last') }
    }
    const { ended, call } = begin()
    const ending = ended.then(status => ({ status }))
    let outcome: unknown
    while (!(outcome = await Promise.race([ending, setTimeout(10)]))) await collect()
    assert.deepEqual(outcome, { status: { code: 0, signal: null } })
    assert.equal(await call, 'the last')
  })

  it('is forgotten once it has ended, also where who listens to its events refers to it', async () => {
    const make = async (): Promise<WeakRef<object>> => {
      const first: Rpc = run(fork(), worker, 'first', { onEvent: () => void first.pid })
      assert.equal(await first('value'), 'value')
      await first.close()
      return new WeakRef(first)
    }
    const made = [await make(), await make(), await make()]
    for (let i = 0; i < 50 && made.some(ref => ref.deref()); i++) await collect()
    assert.equal(made.filter(ref => ref.deref()).length, 0)
  })
})
