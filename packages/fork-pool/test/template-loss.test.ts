import assert from 'node:assert/strict'
import { ForkProcess, pool } from '@anyfork/fork-pool'
import { assertNothingLeft, openResources as holdings, isRunning, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { reasonOf, usePools, worker } from './support/pools.js'

describe('template loss', () => {
  const start = usePools()

  it('the pool replaces a killed template and starts workers from the new one', async () => {
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
    it(`a template while many workers start is one failure, not many in a row${isolate ? ', with one process for each call' : ''}`, async () => {
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

    it(`a template when another cannot be made for a while costs no call${isolate ? ', with one process for each call' : ''}`, async () => {
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

  it('a killed template is replaced by a new one that loads just the module', async () => {
    const before = holdings()
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
    const before = holdings()
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

  it('a module that never loads rejects with ERR_POOL_START_TIMEOUT after two start timeouts', async () => {
    const never = pool(
      () => ForkProcess.exec(),
      new URL(`data:text/javascript,await new Promise(resolve => setTimeout(resolve, 1e8)); export const f = 1`),
      'f',
      { max: 1, startTimeout: 300 },
    )
    const begun = performance.now()
    assert.equal((await reasonOf(never()))?.code, 'ERR_POOL_START_TIMEOUT')
    assert.ok(performance.now() - begun >= 600)
    assert.equal((await never.stats()).started, 2)
    await never.destroy()
  })

  it('a template that answers no more, and its workers with it, costs the time for a start', async () => {
    const templates: ForkProcess[] = []
    // Beside suites that have hundreds of processes at work, a start has taken 4 s.
    const pid = start('pid', { max: 1, startTimeout: 6000 }, () => {
      templates.push(ForkProcess.exec())
      return templates.at(-1)!
    })
    await templates[0]!.ready()
    templates[0]!.kill('SIGSTOP')
    assert.equal(typeof (await pid()), 'number')
    assert.ok(templates.length > 1) // on a busy machine, one that does answer may be late, too
    await until(() => !templates[0]!.isAlive)
  })
})
