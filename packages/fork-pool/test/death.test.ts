import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { tracingChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { ForkProcess, type PoolError, pool } from '@anyfork/fork-pool'
import { describe, it } from 'mocha'
import { assertNothingLeft, holdings, isRunning } from './support/leftovers.js'
import { reasonOf, until, usePools, worker } from './support/pools.js'

describe('the death of', () => {
  const start = usePools()

  it('an idle worker is told to onError, and costs no call', async () => {
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

  it('an idle worker below idle is made good without a call', async () => {
    const pid = start('pid', { max: 2, idle: 1 })
    await until(() => pid.workers.length === 1)
    const first = pid.workers[0]!.pid
    process.kill(first, 'SIGKILL')
    await until(() => pid.workers.length === 1 && pid.workers[0]!.pid !== first)
  })

  it('workers that never start ends in an error, not in a loop', async () => {
    const errors: unknown[] = []
    const options = { max: 2, init: 'dieSoon', onError: (error: Error) => errors.push(error) }
    const pid = start('pid', options)
    const reasons = await Promise.all([1, 2, 3].map(() => reasonOf(pid())))
    for (const reason of reasons) {
      assert.equal(reason?.code, 'ERR_POOL_CRASH_LOOP')
      assert.equal((reason?.cause as { exitCode: number }).exitCode, 5)
    }
    assert.ok((await pid.stats()).started <= 16)
    assert.equal((await reasonOf(pid()))?.code, 'ERR_POOL_CRASH_LOOP')
  })

  it('idle workers that never start ends, too: no attempt is made until a call comes', async () => {
    const errors: Error[] = []
    const pid = start('pid', { max: 2, idle: 2, init: 'dieSoon', onError: error => errors.push(error) })
    await until(() => errors.length > 0)
    const { started } = await pid.stats()
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.equal((await pid.stats()).started, started)
    assert.equal((errors[0] as PoolError).code, 'ERR_POOL_CRASH_LOOP')
  })

  it('idle workers that retire before their first call, again and again, ends, too', async () => {
    const errors: Error[] = []
    const pid = start('pid', { max: 2, idle: 1, async: true, init: 'retireSoon', onError: error => errors.push(error) })
    await until(() => errors.length > 0)
    const { started } = await pid.stats()
    assert.ok(started <= 16, `${started} started`)
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.equal((await pid.stats()).started, started)
    assert.equal((errors[0] as PoolError).code, 'ERR_POOL_CRASH_LOOP')
  })

  it('a template is made good: calls go on with workers of another', async () => {
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

  it('a template that nobody said how to make is made good with just the module', async () => {
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

  it('a template with arguments for init that nobody said how to make rejects with what to do', async () => {
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

  it('every template ends in an error, not in a loop', async () => {
    let made = 0
    const pid = start('pid', { max: 2 }, () => {
      made++
      return ForkProcess.exec().eval(() => process.exit(9))
    })
    const reason = await reasonOf(pid())
    assert.equal(reason?.code, 'ERR_POOL_CRASH_LOOP')
    assert.ok(made <= 8, `${made} templates`)
  })

  it('idle workers, again and again, is told as a crash loop, once; a later call tries again', async () => {
    const codes: (string | undefined)[] = []
    const pid = start('pid', {
      max: 2,
      idle: 2,
      async: true,
      init: 'dieAfterStart',
      onError: error => codes.push((error as PoolError).code),
    })
    await until(() => codes.includes('ERR_POOL_CRASH_LOOP'))
    const { started } = await pid.stats()
    await new Promise(resolve => setTimeout(resolve, 300))
    assert.equal((await pid.stats()).started, started, 'no more are started')
    assert.equal(codes.filter(code => code === 'ERR_POOL_CRASH_LOOP').length, 1)
    assert.equal(codes.at(-1), 'ERR_POOL_CRASH_LOOP')
    await reasonOf(pid())
    assert.ok((await pid.stats()).started > started)
  })

  it('a worker rejects its calls also where these are traced, which takes them longer', async () => {
    const channel = tracingChannel('anyfork:rpc:call')
    const subscriber = { start() {}, end() {}, asyncStart() {}, asyncEnd() {}, error() {} }
    channel.subscribe(subscriber)
    try {
      for (const async of [false, true]) {
        const told: Error[] = []
        const act = start('doAs', { max: 1, async, onError: error => told.push(error) })
        assert.deepEqual(await reasonOf(act('exit')).then(reason => [reason?.code, reason?.exitCode]), [
          'ERR_PROCESS_EXITED',
          3,
        ])
        assert.equal(await act('a'), 'a')
        assert.equal(
          await act
            .with({ retries: 1, timeout: 5000 })('kill')
            .catch((reason: { signal: string }) => reason.signal),
          'SIGKILL',
        )
        const { running, waiting } = (await act.stats()).calls
        assert.deepEqual({ running, waiting }, { running: 0, waiting: 0 })
        assert.deepEqual(told, [], 'none is told twice')
      }
    } finally {
      channel.unsubscribe(subscriber)
    }
  })

  it('an idle worker lets onError make a call', async () => {
    let again: Promise<unknown> | undefined
    const pid = start('pid', { max: 2, onError: () => (again ??= pid()) })
    process.kill((await pid()) as number, 'SIGKILL')
    await until(() => again !== undefined)
    assert.equal(typeof (await again), 'number')
  })

  it('a worker with a stream is told to onError where nobody reads that', async () => {
    const errors: Error[] = []
    const count = start('countAs', { max: 1, async: true, onError: error => errors.push(error) })
    const values = (await count('wait')) as AsyncIterator<number>
    process.kill(count.workers[0]!.pid, 'SIGKILL')
    await until(() => errors.length > 0)
    assert.equal(errors.length, 1)
    await reasonOf(
      (async () => {
        while (!(await values.next()).done);
      })(),
    )
  })

  it('a module that never loads rejects after two times startTimeout', async () => {
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

  it('a worker while a call is sent that cannot be sent is none: a TypeError rejects that call', async () => {
    const echo = start('echo', { max: 1 })
    await echo(1)
    await assert.rejects(
      echo(() => {}),
      TypeError,
    )
    assert.equal((await echo.stats()).started, 1)
  })

  it('the program ends workers, spares and templates', async () => {
    const program = `
      import { ForkProcess, pool } from '@anyfork/fork-pool'
      const sleep = pool(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'sleep', { idle: 2, max: 2, spare: 2 })
      await Promise.all([sleep(1), sleep(1)])
      const { workers, template } = await sleep.stats()
      console.log(JSON.stringify([...workers, template].map(one => one.pid)))
      sleep(60_000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    const [line] = await once(child.stdout, 'data')
    const pids = JSON.parse(String(line)) as number[]
    assert.equal(pids.length, 3)
    for (const pid of pids) assert.ok(isRunning(pid), readFileSync(`/proc/${pid}/status`, 'utf8'))
    child.kill('SIGKILL')
    await exited
    await until(() => !pids.some(isRunning))
  })
})
