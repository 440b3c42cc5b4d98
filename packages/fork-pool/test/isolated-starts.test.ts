import assert from 'node:assert/strict'
import { closeSync, existsSync, fstatSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { type ForkPool, ForkProcess, fd, type PoolOptions } from '@anyfork/fork-pool'
import { isRunning, PATIENCE_MS, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useFolder } from './support/folder.js'
import { block, blockUntil, drain, reasonOf, usePools, valuesOf } from './support/pools.js'

type Attempt = 'starts' | 'exits' | 'throws' | 'hangs' | 'waits'

describe('isolated calls whose processes start', () => {
  const start = usePools()
  const pathOf = useFolder()

  /** Makes a pool whose processes start as `attempts` says, one after the other. */
  const startAs = (attempts: Attempt[], options: PoolOptions = {}, name = 'beginAs'): ForkPool =>
    start(name, { isolate: true, max: 1, init: 'startAs', ...options }, () =>
      ForkProcess.create().sendArg(pathOf('.'), ...attempts),
    )
  const startCount = (): number => readdirSync(pathOf('.')).filter(name => name.startsWith('start ')).length
  /** The pids of the processes that have begun a call. */
  const begun = (): number[] =>
    existsSync(pathOf('begun')) ? readFileSync(pathOf('begun'), 'utf8').trim().split('\n').map(Number) : []

  for (const async of [false, true])
    describe(async ? 'with async' : 'without async', () => {
      it('an isolated call runs, and its process ends, while the program is blocked', async () => {
        const act = start('beginAs', { isolate: true, max: 2, async })
        await act(pathOf('first'), 'a') // the template has loaded everything
        const answer = act(pathOf('begun'), 'b')
        await setImmediate()
        blockUntil(pathOf('begun'))
        blockUntilGone(begun()[0]!)
        assert.equal(await answer, 'b')
      })

      for (const what of ['exit', 'kill', 'segfault'])
        it(`a call that ends its process by ${what} while the program is blocked has begun, and is not repeated`, async () => {
          const act = start('beginAs', { isolate: true, max: 2, async })
          await act(pathOf('first'), 'a')
          const reason = reasonOf(act(pathOf('begun'), what))
          await setImmediate()
          blockUntil(pathOf('begun'))
          blockUntilGone(begun()[0]!)
          assert.equal((await reason)?.code, 'ERR_PROCESS_EXITED')
          assert.equal(begun().length, 1)
          const { calls, started } = await act.stats()
          assert.deepEqual([calls.lost, calls.retried, started], [1, 0, 2])
        })

      it('an error that a call throws while the program is blocked rejects the call', async () => {
        const act = start('beginAs', { isolate: true, max: 2, async })
        await act(pathOf('first'), 'a')
        const reason = reasonOf(act(pathOf('begun'), 'throw'))
        await setImmediate()
        blockUntil(pathOf('begun'))
        blockUntilGone(begun()[0]!)
        assert.equal((await reason)?.message, 'thrown')
      })

      it('a process that exits before it has started does not count as a death in the call', async () => {
        const act = startAs(['exits', 'exits', 'starts'], { async })
        assert.equal(await act(pathOf('begun'), 'a'), 'a')
        assert.equal(begun().length, 1)
        const { calls, started, died } = await act.stats()
        assert.deepEqual([calls.retried, calls.failed, started, died], [0, 0, 3, 0])
      })

      it('isolated calls reject with ERR_POOL_CRASH_LOOP if all processes exit before they have started', async () => {
        const act = startAs(['exits'], { async, max: 2, retries: 100 })
        for (const reason of await Promise.all(['a', 'b', 'c'].map(what => reasonOf(act(pathOf('begun'), what))))) {
          assert.equal(reason?.code, 'ERR_POOL_CRASH_LOOP')
          assert.equal((reason?.cause as { exitCode?: number } | undefined)?.exitCode, 5)
        }
        assert.deepEqual(begun(), [])
      })

      it('an isolated call rejects with the error of init', async () => {
        const act = startAs(['throws', 'starts'], { async, retries: 100 })
        assert.equal((await reasonOf(act(pathOf('begun'), 'a')))?.message, 'not today')
        assert.deepEqual(begun(), [])
        assert.equal(await act(pathOf('begun'), 'b'), 'b')
      })

      it('an isolated call gets another process if its own has not started in time', async () => {
        const act = startAs(['hangs', 'starts'], { async, startTimeout: 4000 })
        assert.equal(await act(pathOf('begun'), 'a'), 'a')
        assert.equal(startCount(), 2)
        assert.equal(begun().length, 1)
      })

      it('an isolated call that is aborted while its process starts never begins, and the process ends', async () => {
        const act = startAs(['hangs', 'starts'], { async })
        const abort = new AbortController()
        const dropped = assert.rejects(act.with({ signal: abort.signal })(pathOf('dropped'), 'a'), {
          name: 'AbortError',
        })
        const next = act(pathOf('begun'), 'b')
        await until(() => startCount() === 1)
        abort.abort()
        await dropped
        assert.equal(await next, 'b')
        assert.ok(!existsSync(pathOf('dropped')))
        const { calls, died } = await act.stats()
        assert.deepEqual([calls.aborted, calls.done, died], [1, 1, 0])
      })

      it('many aborted starts are no crash loop', async () => {
        const act = startAs(['hangs'], { async, max: 4 })
        await Promise.all(
          Array.from({ length: 12 }, async () => {
            const abort = new AbortController()
            const dropped = reasonOf(act.with({ signal: abort.signal })(pathOf('dropped'), 'a'))
            await until(() => startCount() > 0)
            abort.abort()
            assert.equal((await dropped)?.name, 'AbortError')
          }),
        )
      })

      it('the timeout of an isolated call counts from its begin, not while its process starts', async () => {
        const act = startAs(['waits'], { async })
        const answer = act.with({ timeout: 5000 })(pathOf('begun'), 'a')
        const late = act.with({ timeout: 50 })(pathOf('begun'), 'loop')
        const reason = reasonOf(late)
        await until(() => startCount() === 1)
        await setTimeout(100)
        assert.equal((await act.stats()).calls.timedOut, 0)
        writeFileSync(pathOf('go'), '')
        assert.equal(await answer, 'a')
        assert.equal((await reason)?.code, 'ERR_POOL_TIMEOUT')
      })

      it('an isolated call waits until its process has started, as the statistics say', async () => {
        const act = startAs(['waits'], { async })
        const answer = act(pathOf('begun'), 'a')
        await until(async () => startCount() === 1 && (await act.stats()).workers.length === 1)
        const { calls, workers } = await act.stats()
        assert.deepEqual([calls.waiting, calls.running], [1, 0])
        assert.deepEqual(
          [workers[0]!.state, workers[0]!.running, workers[0]!.busyMilliseconds],
          ['starting', undefined, 0],
        )
        assert.deepEqual(act.workers, [])
        writeFileSync(pathOf('go'), '')
        assert.equal(await answer, 'a')
        const { calls: after, wait, run } = await act.stats()
        assert.deepEqual([after.waiting, after.running, after.done, wait.count, run.count], [0, 0, 1, 1, 1])
      })

      it('close() lets an isolated call complete whose process is starting', async () => {
        const act = startAs(['waits'], { async })
        const answer = act(pathOf('begun'), 'a')
        await until(() => startCount() === 1)
        const closed = act.close()
        writeFileSync(pathOf('go'), '')
        await closed
        assert.equal(await answer, 'a')
      })

      it('destroy() ends a process that is starting for an isolated call, and rejects the call', async () => {
        const act = startAs(['hangs'], { async })
        const reason = reasonOf(act(pathOf('begun'), 'a'))
        await until(() => startCount() === 1)
        await act.destroy()
        assert.equal((await reason)?.code, 'ERR_POOL_DESTROYED')
      })

      it('reload() lets an isolated call complete whose process is starting', async () => {
        const act = startAs(['waits', 'starts'], { async, max: 2 })
        const answer = act(pathOf('begun'), 'a')
        await until(() => startCount() === 1)
        const reloaded = act.reload()
        await until(() => startCount() === 2)
        writeFileSync(pathOf('go'), '')
        await reloaded
        assert.equal(await answer, 'a')
        assert.equal(begun().length, 1)
      })

      it('a descriptor in an isolated call reaches another process if the first does not start', async () => {
        const act = startAs(['exits', 'starts'], { async }, 'beginWith')
        const number = openSync('/dev/null', 'r')
        const { ino } = fstatSync(number)
        const passed = fd(number)
        closeSync(number)
        assert.equal(await act(pathOf('begun'), passed), ino)
      })

      it('an isolated call may yield values, and its process ends after the last', async () => {
        const steps = start('emitAndYield', { isolate: true, max: 1, async })
        for (let i = 0; i < 3; i++) await drain(valuesOf(steps(3)))
        assert.equal((await steps.stats()).calls.done, 3)
      })
    })

  it('a spare process that is starting begins the call that takes it', async () => {
    const act = startAs(['waits'], { spare: 1 })
    await until(() => startCount() === 1)
    const answer = act(pathOf('begun'), 'a')
    writeFileSync(pathOf('go'), '')
    assert.equal(await answer, 'a')
    assert.equal(readdirSync(pathOf('.')).includes(`start ${begun()[0]}`), true)
  })
})

/** Blocks this process, so that it notices nothing, until another one has ended. */
function blockUntilGone(pid: number): void {
  for (const end = performance.now() + PATIENCE_MS; isRunning(pid); block(1))
    assert.ok(performance.now() < end, `process ${pid} goes on`)
}
