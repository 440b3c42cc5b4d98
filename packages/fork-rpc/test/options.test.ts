import assert from 'node:assert/strict'
import { type CallOptions, ForkProcess, type RpcOptions, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('options', () => {
  const { start, fork } = useConnections()

  it('throws a TypeError at the call for what makes no sense', async () => {
    const unused = fork()
    assert.throws(() => run(unused, './worker.js', 'add'), TypeError)
    assert.throws(() => run(unused, worker, ''), TypeError)
    assert.throws(() => run({} as ForkProcess, worker, 'add'), {
      name: 'TypeError',
      message: /^expected a ForkProcess/,
    })
    const misuses: [unknown, RegExp][] = [
      [5, /options of a connection are an object, not 5/],
      [{ asink: true }, /no option asink/],
      [{ serialiser: 'xml' }, /serialiser xml/],
      [{ spin: 0.5 }, /spin is/],
      [{ async: 'yes' }, /async is true or false, not yes/],
      [{ init: 5 }, /init is the name of a function, not 5/],
      [{ done: '' }, /done is the name/],
      [{ done: { module: worker } }, /done.name is the name of a function, not undefined/],
      [{ highWaterMark: 5 }, /highWaterMark are an object, not 5/],
      [{ highWaterMark: { calls: 0 } }, /highWaterMark.calls is a positive number, not 0/],
      [{ highWaterMark: { byte: 5 } }, /highWaterMark has no option byte/],
      [{ onEvent: 5 }, /onEvent is a function, not 5/],
      [{ onError: 'log' }, /onError is a function/],
      [{ onDestroy: null }, /onDestroy is a function/],
    ]
    for (const [options, message] of misuses)
      assert.throws(() => run(unused, worker, 'add', options as RpcOptions), { name: 'TypeError', message })
    await unused.close()
    const add = start('add')
    for (const [options, message] of [
      [undefined, /options of a call are an object, not undefined/],
      [100, /options of a call are an object, not 100/],
      [{ timout: 3 }, /no option timout/],
      [{ timeout: -1 }, /timeout is/],
      [{ signal: {} }, /signal is/],
      [{ killOnAbort: 'yes' }, /killOnAbort is true or false, not yes/],
      [{ untilOver: 1 }, /untilOver is true or false, not 1/],
    ] as [unknown, RegExp][]) {
      assert.throws(() => add.with(options as CallOptions), { name: 'TypeError', message })
    }
  })
})
