import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { descendantsOf, isRunning, until, untilGone } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { drain, reasonOf, usePools, worker } from './support/pools.js'

describe('worker exit', () => {
  const start = usePools()

  it('the exit of an idle worker is reported to onError and costs no call', async () => {
    const errors: (Error & { signal?: unknown })[] = []
    const pid = start('pid', { max: 1, onError: error => errors.push(error) })
    const first = (await pid()) as number
    process.kill(first, 'SIGKILL')
    while (isRunning(first)); // without a turn of the event loop
    assert.notEqual(await pid(), first)
    await until(() => errors.length > 0)
    assert.deepEqual(
      errors.map(error => error.signal),
      ['SIGKILL'],
    )
    assert.equal((await pid.stats()).died, 1)
  })

  it('an idle worker that exits is replaced before the next call', async () => {
    const pid = start('pid', { max: 2, idle: 1 })
    await until(() => pid.workers.length === 1)
    const first = pid.workers[0]!.pid
    process.kill(first, 'SIGKILL')
    await until(() => pid.workers.length === 1 && pid.workers[0]!.pid !== first)
  })

  it('the exit of a worker rejects its calls even if they are traced, and is not reported to onError', async () => {
    const channel = tracingChannel('anyfork:rpc:call')
    const subscriber = { start() {}, end() {}, asyncStart() {}, asyncEnd() {}, error() {} }
    channel.subscribe(subscriber)
    try {
      for (const async of [false, true]) {
        const errors: Error[] = []
        const act = start('doAs', { max: 1, async, onError: error => errors.push(error) })
        assert.deepEqual(await reasonOf(act('exit')).then(reason => [reason?.code, reason?.exitCode]), [
          'ERR_PROCESS_EXITED',
          3,
        ])
        assert.equal(await act('a'), 'a')
        assert.equal(
          await act
            .with({ retries: 1 })('kill')
            .catch((reason: { signal: string }) => reason.signal),
          'SIGKILL',
        )
        const { running, waiting } = (await act.stats()).calls
        assert.deepEqual({ running, waiting }, { running: 0, waiting: 0 })
        assert.deepEqual(errors, [])
      }
    } finally {
      channel.unsubscribe(subscriber)
    }
  })

  it('onError can make a call when an idle worker exits', async () => {
    let again: Promise<unknown> | undefined
    const pid = start('pid', { max: 2, onError: () => (again ??= pid()) })
    process.kill((await pid()) as number, 'SIGKILL')
    await until(() => again !== undefined)
    assert.equal(typeof (await again), 'number')
  })

  it('the exit of a worker with an unread stream is reported to onError', async () => {
    const errors: Error[] = []
    const count = start('countAs', { max: 1, async: true, onError: error => errors.push(error) })
    const values = (await count('wait')) as AsyncIterator<number>
    process.kill(count.workers[0]!.pid, 'SIGKILL')
    await until(() => errors.length > 0)
    assert.equal(errors.length, 1)
    await assert.rejects(drain(values), { code: 'ERR_PROCESS_EXITED' })
  })

  it('an unserialisable argument rejects with TypeError and does not count as a worker exit', async () => {
    const echo = start('echo', { max: 1 })
    await echo(1)
    await assert.rejects(
      echo(() => {}),
      TypeError,
    )
    assert.equal((await echo.stats()).started, 1)
  })

  it('the exit of the program ends workers, spare workers, and templates', async () => {
    const program = `
      import { ForkProcess, pool } from '@anyfork/fork-pool'
      const sleep = pool(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'sleep', { idle: 2, max: 2, spare: 2 })
      sleep(60_000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
    const exited = once(child, 'exit')
    const processes = (): number[] => descendantsOf(child.pid!).map(({ pid }) => pid)
    let pids: number[] = []
    try {
      await until(() => processes().length === 6) // two templates, two workers, and two spare workers
      pids = processes()
    } finally {
      child.kill('SIGKILL')
      await exited
    }
    await untilGone(...pids)
  })
})
