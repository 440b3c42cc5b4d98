import assert from 'node:assert/strict'
import { ForkProcess, pool } from '@anyfork/fork-pool'
import { assertNothingLeft, isRunning, openResources, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools, worker } from './support/pools.js'

describe('template loss', () => {
  const start = usePools()

  it('a killed template is replaced, and the next worker is forked from the new one', async () => {
    const templates: ForkProcess[] = []
    const pid = start('pid', { max: 1, stop: 0 }, () => {
      templates.push(ForkProcess.exec())
      return templates.at(-1)!
    })
    const first = await pid()
    templates[0]!.kill('SIGKILL')
    await until(() => !templates[0]!.isAlive)
    await until(async () => (await pid.stats()).workers.length === 0)
    assert.notEqual(await pid(), first)
    assert.equal(templates.length, 2)
  })

  for (const isolate of [false, true]) {
    it(`a template that is killed while many workers start counts as one failure${isolate ? ', with isolate' : ''}`, async () => {
      const templates: ForkProcess[] = []
      const errors: Error[] = []
      const echo = start('echo', { max: 10, isolate, onError: error => errors.push(error) }, () => {
        templates.push(ForkProcess.exec())
        return templates.at(-1)!
      })
      await templates[0]!.ready()
      const values = Array.from({ length: 20 }, (_, i) => i)
      const calls = Promise.all(values.map(value => echo(value)))
      templates[0]!.kill('SIGKILL')
      assert.deepEqual(await calls, values)
      assert.deepEqual(errors, [])
    })

    it(`a killed template costs no call even if another cannot be made for a while${isolate ? ', with isolate' : ''}`, async () => {
      const templates: ForkProcess[] = []
      let failures = 0
      const echo = start('echo', { max: 2, isolate }, () => {
        if (templates.length && failures++ < 8)
          throw Object.assign(new Error('no descriptor is free'), { code: 'EMFILE', syscall: 'socketpair' })
        templates.push(ForkProcess.exec())
        return templates.at(-1)!
      })
      templates[0]!.kill('SIGKILL')
      await until(() => !templates[0]!.isAlive)
      const values = Array.from({ length: 20 }, (_, i) => i)
      assert.deepEqual(await Promise.all(values.map(value => echo(value))), values)
      assert.ok(failures > 8)
    })
  }

  it('a killed template that was passed as a process is replaced by one that loads only the module', async () => {
    const before = openResources()
    const template = ForkProcess.exec()
    const pid = pool(template, worker, 'pid', { max: 1 })
    const first = (await pid()) as number
    template.kill('SIGKILL')
    process.kill(first, 'SIGKILL')
    while (isRunning(first));
    assert.notEqual(await pid(), first)
    await pid.close()
    await assertNothingLeft(before)
  })

  it('a killed template with arguments for init rejects calls with ERR_POOL_NO_TEMPLATE', async () => {
    const before = openResources()
    const template = ForkProcess.exec().sendArg('x')
    const prepared = pool(template, worker, 'preparedWith', { max: 1, init: 'prepare' })
    assert.deepEqual(await prepared(), ['x'])
    template.kill('SIGKILL')
    const { pid } = prepared.workers[0]!
    process.kill(pid, 'SIGKILL')
    await until(() => !template.isAlive && !isRunning(pid))
    await assert.rejects(prepared(), { code: 'ERR_POOL_NO_TEMPLATE' })
    await prepared.destroy()
    await assertNothingLeft(before)
  })

  it('calls reject with ERR_POOL_START_TIMEOUT when two workers in a row have not started in time', async () => {
    const template = ForkProcess.exec()
    await template.ready() // so that it forks each worker in time
    const never = pool(
      template,
      new URL(`data:text/javascript,await new Promise(resolve => setTimeout(resolve, 1e8)); export const f = 1`),
      'f',
      { max: 1, startTimeout: 1000 },
    )
    assert.equal((await reasonOf(never()))?.code, 'ERR_POOL_START_TIMEOUT')
    assert.equal((await never.stats()).started, 2)
    await never.destroy()
  })

  it('a template that is stopped is replaced when a worker has not started in time', async () => {
    const templates: ForkProcess[] = []
    const pid = start('pid', { max: 1, startTimeout: 5000 }, () => {
      templates.push(ForkProcess.exec())
      return templates.at(-1)!
    })
    await templates[0]!.ready()
    templates[0]!.kill('SIGSTOP')
    // On a busy machine, a worker of the new template may start too late as well, and the call rejects.
    await until(async () => {
      const reason = await reasonOf(pid())
      if (reason) assert.equal(reason.code, 'ERR_POOL_START_TIMEOUT')
      return reason === undefined
    })
    assert.ok(templates.length > 1)
    await until(() => !templates[0]!.isAlive)
  })

  it('a template that takes longer than startTimeout to start many workers, one after the other, is not replaced', async () => {
    let templates = 0
    const errors: unknown[] = []
    const options = { max: 10, idle: 10, startTimeout: 5000, onError: (error: unknown) => void errors.push(error) }
    const pid = start('pid', options, () => {
      templates++
      return ForkProcess.exec().eval(async () => {
        const { beforeFork } = await import('@anyfork/fork')
        beforeFork(() => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700))
      })
    })
    await until(() => pid.workers.filter(({ state }) => state === 'idle').length === 10)
    assert.deepEqual([templates, errors], [1, []])
  })

  it('workers that are left serve calls after their template was killed, and it is replaced once', async () => {
    const templates: ForkProcess[] = []
    const sleep = start('sleep', { max: 3, stop: Infinity }, () => {
      templates.push(ForkProcess.exec())
      return templates.at(-1)!
    })
    await sleep(0)
    const { pid } = sleep.workers[0]!
    templates[0]!.kill('SIGKILL')
    await until(() => !templates[0]!.isAlive)
    assert.deepEqual(await Promise.all([1, 2, 3, 4].map(value => sleep(20, value))), [1, 2, 3, 4])
    assert.ok(sleep.workers.some(worker => worker.pid === pid && worker.calls > 1))
    assert.equal(templates.length, 2)
  })
})
