import assert from 'node:assert/strict'
import { run } from '@anyfork/fork-rpc'
import { isRunning, untilGone } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

// Situations in which AnyEvent::Fork::RPC loses calls, hangs, or dies.
for (const async of [false, true]) {
  describe(`pitfalls of AnyEvent::Fork::RPC, with async: ${async}`, () => {
    const { start, track, fork } = useConnections()

    it('every pending call rejects once with the exit code of the process, and onError is called once', async () => {
      const errors: unknown[] = []
      const exit = start('exit', { async, onError: error => errors.push(error) })
      const outcomes = await Promise.allSettled([exit(7), exit(8), exit(9)])
      assert.deepEqual(
        outcomes.map(outcome => (outcome as PromiseRejectedResult).reason.exitCode),
        [7, 7, 7],
      )
      await exit.ended
      assert.equal(errors.length, 1)
    })

    it('a result that was finished before the process exits arrives', async () => {
      const exit = start('exitOrReturn', { async, onError: () => {} })
      const [first, second] = await Promise.allSettled([exit('a'), exit('exit')])
      assert.deepEqual(first, { status: 'fulfilled', value: 'a' })
      assert.equal((second as PromiseRejectedResult).reason.exitCode, 4)
    })

    it('a function that throws rejects its own call, and the next one is served', async () => {
      const throwOrReturn = start('throwOrReturn', { async })
      const outcomes = await Promise.allSettled(['throw', 'a', 'throw', 'b'].map(value => throwOrReturn(value)))
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
      )
      await throwOrReturn.close()
    })

    it('every call of a function that is not exported rejects with ERR_EXPORT_NOT_FOUND', async () => {
      const absent = start('absent', { async, onError: () => {} })
      for (const call of [absent(), absent()]) await assert.rejects(call, { code: 'ERR_EXPORT_NOT_FOUND' })
    })

    it('onError, and not onDestroy, is called once when an idle process is killed; later calls reject', async () => {
      const seen: unknown[] = []
      const add = start('add', { async, onError: () => seen.push('error'), onDestroy: () => seen.push('destroy') })
      await add(1, 2)
      process.kill(add.pid!, 'SIGKILL')
      await add.ended
      assert.deepEqual(seen, ['error'])
      for (let i = 0; i < 3; i++) await assert.rejects(add(1, 2), { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
      assert.deepEqual(seen, ['error'])
    })

    it('an onEvent that throws causes an uncaught exception, and the calls resolve all the same', async () => {
      const uncaught: unknown[] = []
      const listeners = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException').on('uncaughtException', error => uncaught.push(error.message))
      try {
        const begin = start('begin', {
          async,
          onEvent: (_, value) => {
            throw new Error(`event ${String(value)}`)
          },
        })
        assert.deepEqual(await Promise.all([begin(1), begin(2)]), [1, 2])
        await new Promise(setImmediate) // the errors are thrown on the next tick
        assert.deepEqual(uncaught, ['event 1', 'event 2'])
      } finally {
        process.removeAllListeners('uncaughtException')
        for (const listener of listeners) process.on('uncaughtException', listener)
      }
    })

    it('an argument that cannot be serialised rejects its own call, and other calls are served', async () => {
      const first = start('first', { async, serialiser: 'octets' })
      const outcomes = await Promise.allSettled([first('a'), first(5), first('wide \u20ac'), first({})])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
      )
      assert.equal(await first('b'), 'b')
    })

    it('the first event without a listener emits a process warning, and the calls resolve', async () => {
      const warnings: string[] = []
      const onWarning = (warning: Error): unknown => warning.name === 'AnyforkWarning' && warnings.push(warning.message)
      process.on('warning', onWarning)
      const begin = start('begin', { async })
      assert.deepEqual(await Promise.all([begin(1), begin(2)]), [1, 2])
      await new Promise(setImmediate) // warnings are emitted on the next tick
      process.off('warning', onWarning)
      assert.deepEqual(warnings, ['begin sent an event, but there is no onEvent'])
    })

    it('a process ends when its caller is killed, even in the middle of a call', async () => {
      const owner = track(
        run(fork(), new URL('./fixtures/owner.js', import.meta.url), 'own', { async: true, onError: () => {} }),
      )
      const pid = (await owner(worker.href, async)) as number
      assert.ok(isRunning(pid))
      process.kill(owner.pid!, 'SIGKILL')
      await owner.ended
      await untilGone(pid)
    })
  })
}
