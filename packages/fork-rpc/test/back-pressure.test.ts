import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ForkProcess, fd, run } from '@anyfork/fork-rpc'
import { openDescriptors } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

for (const async of [false, true]) {
  describe(`back pressure with async: ${async}`, () => {
    const { start, track } = useConnections()

    it('shows in pressure, and drained() resolves when it is gone', async () => {
      const first = start('first', { async, highWaterMark: { calls: 100 } })
      await first('ready')
      assert.equal(first.pressure, 0)
      await first.drained()
      const calls = Array.from({ length: 50 }, () => first('x'))
      assert.equal(first.pressure, 0.5)
      calls.push(...Array.from({ length: 150 }, () => first('x')))
      assert.equal(first.pressure, 2)
      await first.drained()
      assert.ok(first.pressure < 1)
      await Promise.all(calls)
      assert.equal(first.pressure, 0)
    })

    it('is none once the process has ended, whatever was not sent', async () => {
      const first = start('first', { async, highWaterMark: { bytes: 100_000 }, onError: () => {} })
      await first('ready')
      process.kill(first.pid!, 'SIGSTOP')
      const calls = Array.from({ length: 100 }, () => first('x'.repeat(50_000)))
      await new Promise(setImmediate)
      const drained = first.drained()
      process.kill(first.pid!, 'SIGKILL')
      for (const call of calls) await assert.rejects(call, { code: 'ERR_PROCESS_EXITED' })
      await drained
      assert.equal(first.pressure, 0)
      await first.drained()
    })

    it('is none once the process has ended, whatever was called before it was told how', async () => {
      const template = ForkProcess.exec()
      track({ destroy: () => template.close() })
      await template.ready()
      const first = track(
        run(template.fork(), worker, 'first', { async, highWaterMark: { bytes: 100_000 }, onError: () => {} }),
      )
      await first('ready')
      const open = openDescriptors()
      process.kill(template.pid!, 'SIGSTOP') // who tells it
      process.kill(first.pid!, 'SIGKILL')
      while (openDescriptors() === open) await new Promise(setImmediate) // its socket is closed then
      const calls = Array.from({ length: 20 }, () => first(fd(0), 'x'.repeat(50_000)))
      const drained = first.drained()
      process.kill(template.pid!, 'SIGCONT')
      for (const call of calls) await assert.rejects(call, { code: 'ERR_PROCESS_EXITED' })
      assert.equal(first.pressure, 0)
      await drained
    })

    it('keeps a program running that waits for drained()', async () => {
      const program = `
        import { ForkProcess, run } from '@anyfork/fork-rpc'
        const after = run(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'after', { async: ${async}, highWaterMark: { calls: 1 } })
        await after.ready()
        await after.with({ timeout: 0 })(300).catch(() => {}) // nobody waits for it, but the process is busy
        await after.drained()
        console.log('drained')`
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
        timeout: 10_000,
      })
      assert.equal(stdout, 'drained\n')
    })

    it('counts the bytes that wait, too', async () => {
      const first = start('first', { async, highWaterMark: { bytes: 1_000_000 } })
      await first('ready')
      process.kill(first.pid!, 'SIGSTOP')
      const calls = Array.from({ length: 100 }, () => first('x'.repeat(50_000)))
      assert.ok(first.pressure > 4.9, `${first.pressure}`)
      let isDrained = false
      const drained = first.drained().then(() => (isDrained = true))
      await new Promise(setImmediate)
      assert.ok(!isDrained)
      process.kill(first.pid!, 'SIGCONT')
      await drained
      await Promise.all(calls)
    })

    it('is gone when the process is', async () => {
      const first = start('first', { async, highWaterMark: { calls: 1 }, onError: () => {} })
      await first.ready()
      process.kill(first.pid!, 'SIGSTOP')
      const call = first(1)
      const drained = first.drained()
      process.kill(first.pid!, 'SIGKILL')
      await assert.rejects(call, { signal: 'SIGKILL' })
      await drained
    })
  })
}

describe('who makes calls in a loop', () => {
  const { fork, start, track } = useConnections()

  it('has a mark of its own only where one is given', async () => {
    const unused = fork()
    const refused = (highWaterMark: object): unknown => run(unused, worker, 'first', { highWaterMark })
    assert.throws(() => refused({ calls: 0 }), TypeError)
    assert.throws(() => refused({ bytes: null }), TypeError)
    const first = track(
      run(unused, worker, 'first', { highWaterMark: { calls: undefined, bytes: undefined } as object }),
    )
    assert.equal(await first(1), 1)
  })

  it('stays small by waiting for drained()', async () => {
    const first = start('first', { highWaterMark: { bytes: 1 << 20, calls: 1000 } })
    let most = 0
    const calls: Promise<unknown>[] = []
    for (let i = 0; i < 5000; i++) {
      if (first.pressure >= 1) await first.drained()
      calls.push(first('x'.repeat(10_000)))
      most = Math.max(most, first.pressure)
    }
    await Promise.all(calls)
    assert.ok(most < 1.2, `${most}`)
  })
})
