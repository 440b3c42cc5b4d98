import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { run } from '@anyfork/fork-rpc'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

/** What the original does badly, by the table of its behaviour, and better outcomes. */
for (const async of [false, true]) {
  describe(`where the original fails, with async: ${async}`, () => {
    const { start, track, fork } = useConnections()

    it('every outstanding call rejects, each once, when the process ends, with its code', async () => {
      const told: unknown[] = []
      const exit = start('exit', { async, onError: error => told.push(error) })
      const outcomes = await Promise.allSettled([exit(7), exit(8), exit(9)])
      assert.deepEqual(
        outcomes.map(outcome => (outcome as PromiseRejectedResult).reason.exitCode),
        [7, 7, 7],
      )
      await exit.ended
      assert.equal(told.length, 1)
    })

    it('replies that were finished before the exit arrive', async () => {
      const exit = start('exitOrSame', { async, onError: () => {} })
      const [first, second] = await Promise.allSettled([exit('a'), exit('exit')])
      assert.deepEqual(first, { status: 'fulfilled', value: 'a' })
      assert.equal((second as PromiseRejectedResult).reason.exitCode, 4)
    })

    it('a function that throws rejects its call, and the next one is served', async () => {
      const picky = start('throwOrSame', { async })
      const outcomes = await Promise.allSettled([picky('throw'), picky('a'), picky('throw'), picky('b')])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['rejected', 'fulfilled', 'rejected', 'fulfilled'],
      )
      await picky.close()
    })

    it('a function that is missing rejects every call with why', async () => {
      const absent = start('absent', { async, onError: () => {} })
      for (const call of [absent(), absent()]) await assert.rejects(call, { code: 'ERR_EXPORT_NOT_FOUND' })
    })

    it('an idle process that is killed is an error, told once, and no orderly end; each later call rejects', async () => {
      const told: unknown[] = []
      const add = start('add', { async, onError: () => told.push('error'), onDestroy: () => told.push('destroy') })
      await add(1, 2)
      process.kill(add.pid!, 'SIGKILL')
      await add.ended
      assert.deepEqual(told, ['error'])
      for (let i = 0; i < 3; i++) await assert.rejects(add(1, 2), { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' })
      assert.deepEqual(told, ['error'])
    })

    it('a listener that throws is an uncaught error, and disturbs nothing else', async () => {
      const uncaught: unknown[] = []
      const listeners = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException').on('uncaughtException', error => uncaught.push(error.message))
      try {
        const told = start('told', {
          async,
          onEvent: (_, value) => {
            throw new Error(`event ${String(value)}`)
          },
        })
        assert.deepEqual(await Promise.all([told(1), told(2)]), [1, 2])
        await new Promise(setImmediate)
        assert.deepEqual(uncaught, ['event 1', 'event 2'])
      } finally {
        process.removeAllListeners('uncaughtException')
        for (const listener of listeners) process.on('uncaughtException', listener)
      }
    })

    it('a value that cannot be serialised rejects its call and poisons nothing', async () => {
      const first = start('first', { async, serialiser: 'octets' })
      const outcomes = await Promise.allSettled([first('a'), first(5), first('wide \u20ac'), first({})])
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['fulfilled', 'rejected', 'fulfilled', 'rejected'],
      )
      assert.equal(await first('b'), 'b')
    })

    it('an event without a listener is a warning, once, and the call completes', async () => {
      const warnings: string[] = []
      const onWarning = (warning: Error): unknown => warning.name === 'AnyforkWarning' && warnings.push(warning.message)
      process.on('warning', onWarning)
      const told = start('told', { async })
      assert.deepEqual(await Promise.all([told(1), told(2)]), [1, 2])
      await new Promise(setImmediate)
      process.off('warning', onWarning)
      assert.deepEqual(warnings, ['told sent an event, but there is no onEvent'])
    })

    it('a caller that is gone ends the process, also in the middle of a call', async () => {
      const owner = track(
        run(fork(), new URL('./fixtures/owner.js', import.meta.url), 'own', { async: true, onError: () => {} }),
      )
      const pid = (await owner(worker.href, async)) as number
      process.kill(owner.pid!, 'SIGKILL')
      await owner.ended
      for (const until = performance.now() + 10_000; isRunning(pid); ) {
        assert.ok(performance.now() < until, 'it still runs')
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    })
  })
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
