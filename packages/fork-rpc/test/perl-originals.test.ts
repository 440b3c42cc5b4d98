import assert from 'node:assert/strict'
import * as rpc from '@anyfork/fork-rpc'
import { ForkProcess, run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

/** The tests of AnyEvent::Fork::RPC 2.0, under their names. */
describe('the original', () => {
  const { start, fork } = useConnections()

  it('00_load: everything is there', () => {
    for (const name of ['connect', 'fd', 'preload', 'run', 'rpcOf']) assert.equal(typeof rpc[name as 'run'], 'function')
  })

  it('01_sync: events and replies of queued calls come in the order in which they were made, then the end', async () => {
    const seen: unknown[] = []
    const told = start('told', {
      onEvent: (_, value) => seen.push(`event ${String(value)}`),
      onDestroy: () => seen.push('destroy'),
    })
    for (const value of [1, 2, 3, 4]) void told(value).then(reply => seen.push(`reply ${String(reply)}`))
    await told.close()
    assert.deepEqual(seen, [1, 2, 3, 4].flatMap(n => [`event ${n}`, `reply ${n}`]).concat('destroy'))
  })

  it('02_async: events from timers, then the reply, then the end', async () => {
    const seen: unknown[] = []
    const ticking = start('ticking', {
      async: true,
      onEvent: (_, n) => seen.push(n),
      onDestroy: () => seen.push('destroy'),
    })
    void ticking().then(reply => seen.push(reply))
    await ticking.close()
    assert.deepEqual(seen, [1, 2, 3, 4, 'done', 'destroy'])
  })

  it('03_connfail: a process that cannot be had is told to onError, never to onDestroy', async () => {
    const gone = ForkProcess.exec({ execPath: '/no/such/node' })
    const seen: unknown[] = []
    const add = run(gone, worker, 'add', {
      onError: error => seen.push((error as NodeJS.ErrnoException).code),
      onDestroy: () => seen.push('destroy'),
    })
    await assert.rejects(Promise.resolve(add(1, 2)), { code: 'ENOENT' })
    await add.ended
    assert.deepEqual(seen, ['ENOENT'])
  })

  for (const async of [false, true]) {
    it(`04_flush: what was flushed before an exit comes before the error; async: ${async}`, async () => {
      const seen: unknown[] = []
      const leaving = start('eventThenExit', {
        async,
        onEvent: (...values) => seen.push(values),
        onError: () => seen.push('error'),
      })
      await assert.rejects(leaving(), { exitCode: 2 })
      await leaving.ended
      assert.deepEqual(seen, [['last words'], 'error'])
    })
  }

  it('functions that eval made are called by name alone', async () => {
    const shout = run(fork().eval('globalThis.shout = text => text.toUpperCase()'), 'shout')
    assert.equal(await shout('loud'), 'LOUD')
    await shout.close()
  })
})
