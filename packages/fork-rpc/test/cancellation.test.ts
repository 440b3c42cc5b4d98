import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, it } from 'mocha'
import { Events, useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

/** Resolves when a process is stopped. */
async function stopped(pid: number): Promise<void> {
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) await new Promise(setImmediate)
}

describe('a call with a signal or a timeout', () => {
  const { start } = useConnections()

  for (const async of [false, true]) {
    it(`makes a function with a timeout: ERR_CALL_TIMEOUT, and the answer is ignored; async: ${async}`, async () => {
      const after = start('after', { async })
      await after.ready()
      const late = after.with({ timeout: 20 })(60, 'late')
      await assert.rejects(late, { name: 'RpcError', code: 'ERR_CALL_TIMEOUT' })
      assert.equal(await after.with({ timeout: 10_000 })(1, 'in time'), 'in time')
    })

    it(`rejects with the reason of the signal, at once; async: ${async}`, async () => {
      const after = start('after', { async })
      const controller = new AbortController()
      const call = after.with({ signal: controller.signal })(60_000)
      await after.ready()
      controller.abort(new RangeError('no more'))
      await assert.rejects(call, new RangeError('no more'))
    })

    it(`never begins a call that is given up before it leaves; async: ${async}`, async () => {
      const events = new Events()
      const told = start('told', { async, onEvent: events.onEvent })
      const controller = new AbortController()
      const given = told.with({ signal: controller.signal })('given up')
      const kept = told('kept')
      controller.abort()
      await assert.rejects(given, { name: 'AbortError' })
      await assert.rejects(told.with({ signal: controller.signal })('too late'), { name: 'AbortError' })
      assert.equal(await kept, 'kept')
      await told.close()
      assert.deepEqual(events.seen, [['begun', 'kept']])
    })

    it(`never begins calls that were given up while they waited in the socket; async: ${async}`, async () => {
      const events = new Events()
      const told = start('told', { async, onEvent: events.onEvent })
      await told('first')
      process.kill(told.pid!, 'SIGSTOP')
      await stopped(told.pid!)
      const controller = new AbortController()
      const kept = told('kept')
      const given = Array.from({ length: 300 }, (_, i) => told.with({ signal: controller.signal })(i))
      await new Promise(setImmediate) // they are written now
      controller.abort()
      await Promise.all(given.map(call => assert.rejects(call, { name: 'AbortError' })))
      process.kill(told.pid!, 'SIGCONT')
      assert.equal(await kept, 'kept')
      await told.close()
      assert.deepEqual(events.seen, [
        ['begun', 'first'],
        ['begun', 'kept'],
      ])
    })

    it(`never begins calls that were given up before the socket had room for them; async: ${async}`, async () => {
      const events = new Events()
      const told = start('told', { async, onEvent: events.onEvent })
      await told('first')
      process.kill(told.pid!, 'SIGSTOP')
      const controller = new AbortController()
      const given = Array.from({ length: 300 }, (_, i) =>
        told.with({ signal: controller.signal })('x'.repeat(2000) + i),
      )
      await new Promise(setImmediate) // the socket is full now
      controller.abort()
      await Promise.all(given.map(call => assert.rejects(call, { name: 'AbortError' })))
      process.kill(told.pid!, 'SIGCONT')
      await told.close()
      const last = String(events.seen.at(-1)![1])
      assert.ok(!/x(1[5-9]\d|2\d\d)$/.test(last), last)
    })

    it(`gives the numbers of calls that were given up to others; async: ${async}`, async () => {
      const after = start('after', { async })
      for (let i = 0; i < 50; i++) {
        const given = after
          .with({ timeout: i % 4 })(i % 3, 'given up')
          .catch(() => 'given up')
        assert.equal(await after(0, i), i)
        assert.equal(await given, 'given up')
      }
    })
  }

  it('a call aborted while it waits behind a long call never begins', async () => {
    const events = new Events()
    const blocking = start('awaitThenTell', { onEvent: events.onEvent })
    const long = blocking(50, 'long')
    const second = blocking.with({ timeout: 10 })(0, 'given up')
    const third = blocking(0, 'third')
    await assert.rejects(second, { code: 'ERR_CALL_TIMEOUT' })
    await Promise.all([long, third])
    assert.deepEqual(events.seen, [
      ['told', 'long'],
      ['told', 'third'],
    ])
  })

  it('aborts any of 100,000 waiting calls, in any order', async () => {
    const first = start('first')
    await first.ready()
    process.kill(first.pid!, 'SIGSTOP')
    const controllers = Array.from({ length: 5 }, () => new AbortController())
    const calls = Array.from({ length: 100_000 }, (_, i) =>
      i % 3
        ? first
            .with({ signal: controllers[i % 5]!.signal })(i)
            .catch(() => -i)
        : first(i),
    )
    for (const i of [3, 1, 4]) controllers[i]!.abort()
    const expected = calls.map((_, i) => (i % 3 && [3, 1, 4].includes(i % 5) ? -i : i))
    process.kill(first.pid!, 'SIGCONT')
    assert.deepEqual(await Promise.all(calls), expected)
  })

  it('awaitAbort delays the rejection until the process has dropped the call', async () => {
    const events = new Events()
    const blocking = start('awaitThenTell', { onEvent: events.onEvent })
    await blocking.ready()
    const controller = new AbortController()
    const running = blocking(50, 'running')
    let isOver = false
    const waiting = blocking
      .with({ signal: controller.signal, awaitAbort: true })(0, 'waiting')
      .finally(() => (isOver = true))
    await new Promise(setImmediate)
    controller.abort(new RangeError('no more'))
    await setTimeout(10)
    assert.equal(isOver, false)
    await assert.rejects(waiting, new RangeError('no more'))
    await running
    assert.deepEqual(events.seen, [['told', 'running']])
  })

  it('awaitAbort lets a call settle normally if the process was already running it', async () => {
    const after = start('after', { async: true })
    await after.ready()
    assert.equal(await after.with({ timeout: 10, awaitAbort: true })(60, 'late'), 'late')
  })

  it('aborting a running call aborts its callSignal()', async () => {
    const events = new Events()
    const running = start('untilGivenUp', { async: true, onEvent: events.onEvent })
    const controller = new AbortController()
    const call = running.with({ signal: controller.signal })()
    await events.first('begun')
    controller.abort()
    await assert.rejects(call, { name: 'AbortError' })
    await events.first('aborted')
    assert.deepEqual(events.seen, [['begun'], ['aborted', true]])
  })

  it('gives each call a signal, one that is never aborted where nothing can abort it', async () => {
    for (const async of [false, true]) {
      const isNeverAborted = start('isNeverAborted', { async })
      assert.deepEqual([await isNeverAborted(), await isNeverAborted()], [true, true]) // each has its own
    }
  })

  it('throws a TypeError for options that make no sense', () => {
    const add = start('add')
    assert.throws(() => add.with({ timeout: -1 }), TypeError)
    assert.throws(() => add.with({ timeout: '1' as unknown as number }), TypeError)
    assert.throws(() => add.with({ timeout: NaN }), TypeError)
    assert.throws(() => add.with({ signal: {} as AbortSignal }), TypeError)
  })

  it('does not keep a program running that does not wait any more', async () => {
    const program = `
      import { ForkProcess, run } from '@anyfork/fork-rpc'
      const block = run(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'block')
      console.log(await block.with({ timeout: 10 })(60_000).catch(error => error.code))`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
      timeout: 10_000,
    })
    assert.equal(stdout, 'ERR_CALL_TIMEOUT\n')
  })
})
