import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { ForkProcess, type ProcessExitedError, preload, type Rpc, type RpcOptions, run } from '@anyfork/fork-rpc'
import { after, afterEach, before, describe, it } from 'mocha'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('a process that exits', () => {
  let template: ForkProcess
  let rpc: Rpc | undefined
  let openBefore: number

  const start = (name: string, options?: RpcOptions): Rpc => (rpc = run(template.fork(), worker, name, options))

  before(async () => {
    template = preload(ForkProcess.exec()).require(worker)
    await Promise.all([template.ready(), ForkProcess.startTemplate().ready()])
    await run(template.fork(), worker, 'nothing').close()
    openBefore = readdirSync('/proc/self/fd').length
  })
  afterEach(async () => {
    await rpc?.destroy()
    rpc = undefined
    assert.equal(readdirSync('/proc/self/fd').length, openBefore)
  })
  after(() => template.close())

  it('a process that exits rejects all pending calls with its exit code', async () => {
    const exit = start('exit')
    const calls = [exit(7), exit(8), exit(9)]
    for (const call of calls) await assert.rejects(call, { code: 'ERR_PROCESS_EXITED', exitCode: 7, signal: null })
    await assert.rejects(exit(1), { code: 'ERR_PROCESS_EXITED' })
  })

  it('a killed process rejects all pending calls with the signal', async () => {
    const block = start('block')
    await block.ready()
    const calls = [block(10_000), block(10_000)]
    process.kill(block.pid!, 'SIGKILL')
    for (const call of calls)
      await assert.rejects(call, { code: 'ERR_PROCESS_EXITED', exitCode: null, signal: 'SIGKILL' })
    assert.deepEqual(await block.ended, { code: null, signal: 'SIGKILL' })
  })

  it('the exit of an idle process is reported to onError', async () => {
    const told: unknown[] = []
    const add = start('add', { onError: error => told.push((error as ProcessExitedError).signal) })
    assert.equal(await add(1, 2), 3)
    process.kill(add.pid!, 'SIGTERM')
    assert.deepEqual(await add.ended, { code: null, signal: 'SIGTERM' })
    assert.deepEqual(told, ['SIGTERM'])
    await assert.rejects(add(1, 2), { code: 'ERR_PROCESS_EXITED', signal: 'SIGTERM' })
  })

  it('isAlive is false once the process is gone, before its exit status is known', async () => {
    const pid = (await start('pid', { onError: () => {} })()) as number
    assert.ok(rpc!.isAlive)
    process.kill(template.pid!, 'SIGSTOP') // whose child it is
    try {
      process.kill(pid, 'SIGKILL')
      for (const until = performance.now() + 5000; rpc!.isAlive && performance.now() < until; ) await setTimeout(1)
      await setTimeout(20) // the end of its socket has been seen by now
      assert.equal(rpc!.isAlive, false)
    } finally {
      process.kill(template.pid!, 'SIGCONT')
    }
    assert.deepEqual(await rpc!.ended, { code: null, signal: 'SIGKILL' })
  })

  it('rejects every call when the module or the function is missing', async () => {
    const absent = start('absent')
    for (const call of [absent(), absent()])
      await assert.rejects(call, { code: 'ERR_EXPORT_NOT_FOUND', message: /absent/ })
    await rpc!.ended
    rpc = run(template.fork(), '/no/such.js', 'f')
    await assert.rejects(rpc.ready(), { code: 'ERR_MODULE_NOT_FOUND' })
    await assert.rejects(rpc(), { code: 'ERR_MODULE_NOT_FOUND' })
  })

  it('gives what was done before the end, when a later call ends the process', async () => {
    for (const async of [false, true]) {
      const exit = start('exitOrSame', { async })
      const [first, second] = await Promise.allSettled([exit('a'), exit('exit')])
      assert.deepEqual(first, { status: 'fulfilled', value: 'a' })
      assert.equal((second as PromiseRejectedResult).reason.exitCode, 4)
      await exit.ended
    }
  })
})
