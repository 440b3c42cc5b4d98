import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ForkPool, ForkProcess, type PoolOptions, pool } from '@anyfork/fork-pool'
import { isRunning } from '@anyfork/test-support'
import { afterEach, before, describe, it } from 'mocha'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('pool', () => {
  let current: ForkPool
  let openBefore: number
  const start = (name: string, options: PoolOptions = { max: 2 }): ForkPool =>
    (current = pool(ForkProcess.create(), worker, name, options))

  before(async () => {
    await start('pid')()
    await current.destroy()
    openBefore = readdirSync('/proc/self/fd').length
  })
  afterEach(async () => {
    await current.destroy()
    assert.equal(readdirSync('/proc/self/fd').length, openBefore)
  })

  it('calls the function in as many processes as allowed, and no more', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const meet = start('meet', { max: 3 })
    await Promise.all([meet(folder, 3), meet(folder, 3), meet(folder, 3)])
    const [pids] = (await Promise.all(Array.from({ length: 30 }, () => meet(folder, 3)))) as [string[]]
    rmSync(folder, { recursive: true })
    assert.equal(pids.length, 3)
    assert.deepEqual(new Set(pids), new Set(meet.workers.map(one => `${one.pid}`)))
  })

  it('gives a worker one call at a time', async () => {
    const spans = (await Promise.all(Array.from({ length: 4 }, start('now', { max: 1 })))) as [number, number][]
    for (let i = 1; i < spans.length; i++) assert.ok(spans[i]![0] >= spans[i - 1]![1])
  })

  it('serves first who came first', async () => {
    const sleep = start('sleep', { max: 1 })
    const done: unknown[] = []
    await Promise.all([5, 4, 3, 2, 1].map(async value => done.push(await sleep(value, value))))
    assert.deepEqual(done, [5, 4, 3, 2, 1])
  })

  it('replaces a worker that died; only the call that it was running rejects', async () => {
    const echo = start('exitOrEcho')
    const inputs = Array.from({ length: 40 }, (_, i) => (i % 10 === 5 ? 'exit' : i))
    const settled = await Promise.allSettled(inputs.map(input => echo(input)))
    for (const [i, outcome] of settled.entries()) {
      if (inputs[i] !== 'exit') assert.deepEqual(outcome, { status: 'fulfilled', value: i })
      else assert.equal((outcome as PromiseRejectedResult).reason.exitCode, 3)
    }
  })

  it('loses no call to a worker that was killed while idle, even when nobody has noticed yet', async () => {
    const pid = start('pid', { max: 1 })
    for (let round = 0; round < 20; round++) {
      const first = (await pid()) as number
      process.kill(first, 'SIGKILL')
      while (isRunning(first)); // without a turn of the event loop
      assert.notEqual(await pid(), first)
    }
  })

  it('settles every call once while workers are killed at random', async () => {
    const sleep = start('sleep', { max: 2 })
    const calls = Array.from({ length: 1000 }, (_, i) => sleep(0, i))
    const killer = setInterval(() => {
      const { workers } = sleep
      const victim = workers[Math.floor(Math.random() * workers.length)]
      if (victim && isRunning(victim.pid)) process.kill(victim.pid, 'SIGKILL')
    }, 30)
    const outcomes = await Promise.allSettled(calls)
    clearInterval(killer)
    for (const [i, outcome] of outcomes.entries()) {
      if (outcome.status === 'fulfilled') assert.equal(outcome.value, i)
      else assert.equal(outcome.reason.signal, 'SIGKILL')
    }
    for (const status of ['fulfilled', 'rejected'])
      assert.ok(
        outcomes.some(outcome => outcome.status === status),
        status,
      )
  })

  it('rejects every call, each once, when the function or the module is missing', async () => {
    const absent = start('absent')
    const settled = await Promise.allSettled([absent(), absent(), absent()])
    assert.deepEqual(
      settled.map(one => (one as PromiseRejectedResult).reason.code),
      new Array(3).fill('ERR_EXPORT_NOT_FOUND'),
    )
    await current.destroy()
    current = pool(ForkProcess.create(), '/no/such.js', 'f')
    await assert.rejects(current(), { code: 'ERR_MODULE_NOT_FOUND', message: /\/no\/such\.js/ })
  })

  it('rejects every call when the template was killed and no worker is left', async () => {
    const template = ForkProcess.exec()
    current = pool(template, worker, 'exit', { max: 1 })
    await template.ready()
    template.kill('SIGKILL')
    for (const call of [current(1), current(1)]) await assert.rejects(call, { code: 'ERR_PROCESS_EXITED' })
  })

  it('goes on with the workers that are left when the template was killed, without trying for ever to start more', async () => {
    const template = ForkProcess.exec()
    const sleep = (current = pool(template, worker, 'sleep', { max: 3 }))
    await sleep(1)
    template.kill('SIGKILL')
    const used = process.cpuUsage()
    assert.deepEqual(await Promise.all([1, 2, 3, 4].map(value => sleep(100, value))), [1, 2, 3, 4])
    const { user, system } = process.cpuUsage(used)
    assert.ok(user + system < 200_000, `${(user + system) / 1000} ms of CPU in 400 ms of waiting`)
  })

  it('finishes all calls when closed, then refuses more', async () => {
    const sleep = start('sleep')
    const calls = [1, 2, 3, 4].map(value => sleep(5, value))
    await Promise.all([sleep.close(), sleep.close()])
    assert.deepEqual(await Promise.all(calls), [1, 2, 3, 4])
    await assert.rejects(sleep(1), { code: 'ERR_POOL_CLOSED' })
  })

  it('rejects all calls when destroyed', async () => {
    const sleep = start('sleep', { max: 1 })
    const calls = [sleep(60_000), sleep(60_000)]
    while (!sleep.workers.length) await new Promise(setImmediate)
    const rejected = calls.map(call =>
      assert.rejects(
        call,
        ({ code }: NodeJS.ErrnoException) => code === 'ERR_POOL_DESTROYED' || code === 'ERR_PROCESS_EXITED',
      ),
    )
    await sleep.destroy()
    await Promise.all(rejected)
  })

  it('tells of its workers', async () => {
    const pid = start('pid', { max: 1 })
    await pid()
    await pid()
    const [figures, ...others] = pid.workers
    assert.equal(others.length, 0)
    assert.equal(figures!.calls, 2)
    assert.ok(figures!.startMilliseconds > 0)
  })

  it('throws a TypeError at the call for what makes no sense', async () => {
    const template = ForkProcess.create()
    assert.throws(() => pool(template, './worker.js', 'f'), TypeError)
    assert.throws(() => pool(template, worker, ''), TypeError)
    for (const max of [0, -1, 1.5, NaN]) assert.throws(() => pool(template, worker, 'pid', { max }), TypeError)
    await template.close()
    current = pool(ForkProcess.create(), worker, 'pid')
  })
})
