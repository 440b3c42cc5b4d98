import assert from 'node:assert/strict'
import * as rpc from '@anyfork/fork-rpc'
import { ForkProcess, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

// Each title begins with the name of the Perl test that it ports.
describe('the tests of AnyEvent::Fork::RPC 2.0', () => {
  const { start } = useConnections()

  it('00_load: the package exports its functions', () => {
    for (const name of ['connect', 'fd', 'preload', 'run', 'rpcOf']) assert.equal(typeof rpc[name as 'run'], 'function')
  })

  it('01_sync: events and results of queued calls arrive in the order of the calls, then onDestroy is called', async () => {
    const seen: unknown[] = []
    const begin = start('begin', {
      onEvent: (_, value) => seen.push(`event ${String(value)}`),
      onDestroy: () => seen.push('destroy'),
    })
    for (const value of [1, 2, 3, 4]) void begin(value).then(result => seen.push(`result ${String(result)}`))
    await begin.close()
    assert.deepEqual(seen, [1, 2, 3, 4].flatMap(n => [`event ${n}`, `result ${n}`]).concat('destroy'))
  })

  it('02_async: events from timers arrive before the result, then onDestroy is called', async () => {
    const seen: unknown[] = []
    const ticking = start('ticking', {
      async: true,
      onEvent: (_, n) => seen.push(n),
      onDestroy: () => seen.push('destroy'),
    })
    void ticking().then(result => seen.push(result))
    await ticking.close()
    assert.deepEqual(seen, [1, 2, 3, 4, 'done', 'destroy'])
  })

  it('03_connfail: onError, and not onDestroy, is called if the process cannot be started', async () => {
    const unstartable = ForkProcess.exec({ execPath: '/no/such/node' })
    const seen: unknown[] = []
    const add = run(unstartable, worker, 'add', {
      onError: error => seen.push((error as NodeJS.ErrnoException).code),
      onDestroy: () => seen.push('destroy'),
    })
    await assert.rejects(add(1, 2), { code: 'ENOENT' })
    await add.ended
    assert.deepEqual(seen, ['ENOENT'])
  })

  for (const async of [false, true]) {
    it(`04_flush: an event that was flushed before an exit arrives before the error; async: ${async}`, async () => {
      const seen: unknown[] = []
      const eventThenExit = start('eventThenExit', {
        async,
        onEvent: (...values) => seen.push(values),
        onError: () => seen.push('error'),
      })
      await assert.rejects(eventThenExit(), { exitCode: 2 })
      await eventThenExit.ended
      assert.deepEqual(seen, [['last words'], 'error'])
    })
  }
})
