import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { type CallOptions, type ForkProcess, type RpcOptions, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('options', () => {
  const { start, fork } = useConnections()

  it('run() throws a TypeError if the process is not a ForkProcess', () => {
    assert.throws(() => run({} as ForkProcess, worker, 'add'), {
      name: 'TypeError',
      message: /process must be a ForkProcess/,
    })
  })

  it('run() throws a TypeError for a relative module or an empty name, and leaves the process usable', async () => {
    const unused = fork()
    assert.throws(() => run(unused, './worker.js', 'add'), TypeError)
    assert.throws(() => run(unused, worker, ''), TypeError)
    const add = run(unused, worker, 'add')
    assert.equal(await add(1, 2), 3)
    await add.close()
  })

  const invalid: [options: unknown, message: RegExp][] = [
    [5, /options of run\(\) must be an object, not 5/],
    [{ asink: true }, /no option asink/],
    [{ serialiser: 'xml' }, /serialiser of run\(\) must be .* not a string of length 3/],
    [{ spin: 0.5 }, /spin of run\(\) must be an integer from 0 to 1000, not 0.5/],
    [{ async: 'yes' }, /async of run\(\) must be a boolean, not a string of length 3/],
    [{ init: 5 }, /init of run\(\) must be a non-empty string, not 5/],
    [{ done: '' }, /done of run\(\) must be the name of a function/],
    [{ done: { module: 'node:path' } }, /name in option done of run\(\) must be a non-empty string, not undefined/],
    [{ highWaterMark: 5 }, /highWaterMark of run\(\) must be an object, not 5/],
    [{ highWaterMark: { calls: 0 } }, /calls of option highWaterMark of run\(\) must be a positive number, not 0/],
    [
      { highWaterMark: { bytes: null } },
      /bytes of option highWaterMark of run\(\) must be a positive number, not null/,
    ],
    [{ highWaterMark: { byte: 5 } }, /highWaterMark of run\(\) has no option byte/],
    [{ onEvent: 5 }, /onEvent of run\(\) must be a function, not 5/],
    [{ onError: 'log' }, /onError of run\(\) must be a function/],
    [{ onDestroy: null }, /onDestroy of run\(\) must be a function/],
  ]
  for (const [options, message] of invalid) {
    it(`run() throws a TypeError for the options ${titleOf(options)}`, async () => {
      const unused = fork()
      assert.throws(() => run(unused, worker, 'add', options as RpcOptions), { name: 'TypeError', message })
      await unused.close()
    })
  }

  it('run() takes an undefined high-water mark as the default', async () => {
    const add = start('add', { highWaterMark: { calls: undefined, bytes: undefined } as object })
    assert.equal(await add(1, 2), 3)
  })

  const invalidForCalls: [options: unknown, message: RegExp][] = [
    [undefined, /options of with\(\) must be an object, not undefined/],
    [100, /options of with\(\) must be an object, not 100/],
    [{ timout: 3 }, /no option timout/],
    [{ timeout: -1 }, /timeout of with\(\) must be a number of milliseconds/],
    [{ timeout: '1' }, /timeout of with\(\) must be a number of milliseconds/],
    [{ timeout: NaN }, /timeout of with\(\) must be a number of milliseconds/],
    [{ signal: {} }, /signal of with\(\) must be an AbortSignal/],
    [{ killOnAbort: 'yes' }, /killOnAbort of with\(\) must be a boolean/],
    [{ awaitAbort: 1 }, /awaitAbort of with\(\) must be a boolean, not 1/],
  ]
  for (const [options, message] of invalidForCalls) {
    it(`with() throws a TypeError for the options ${titleOf(options)}`, () => {
      assert.throws(() => start('add').with(options as CallOptions), { name: 'TypeError', message })
    })
  }
})

function titleOf(options: unknown): string {
  return inspect(options, { breakLength: Infinity })
}
