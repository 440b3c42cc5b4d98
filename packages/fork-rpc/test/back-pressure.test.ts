import assert from 'node:assert/strict'
import { fd, run } from '@anyfork/fork-rpc'
import { openDescriptors, outputOf, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'
import { stop } from './support/process-state.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

for (const async of [false, true]) {
  describe(`back pressure with async: ${async}`, () => {
    const { start, startTemplate, track } = useConnections()

    it('pressure is the number of pending calls divided by the mark; drained() resolves below 1', async () => {
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

    it('pressure counts the bytes that wait to be written; drained() resolves when enough are written', async () => {
      const first = start('first', { async, highWaterMark: { bytes: 1_000_000 } })
      await first('ready')
      stop(first.pid!)
      const calls = Array.from({ length: 100 }, () => first('x'.repeat(50_000)))
      assert.ok(first.pressure >= 5, `${first.pressure}`) // nothing has been written yet
      let isDrained = false
      const drained = first.drained().then(() => (isDrained = true))
      await new Promise(setImmediate) // the socket is full now; it takes a fraction of these 5 MB
      assert.ok(!isDrained)
      process.kill(first.pid!, 'SIGCONT')
      await drained
      await Promise.all(calls)
    })

    it('pressure is 0, and drained() resolves, when the process has ended before all calls were written', async () => {
      const first = start('first', { async, highWaterMark: { bytes: 100_000 }, onError: () => {} })
      await first('ready')
      stop(first.pid!)
      const calls = Array.from({ length: 100 }, () => first('x'.repeat(50_000)))
      await new Promise(setImmediate) // the socket is full now
      const drained = first.drained()
      process.kill(first.pid!, 'SIGKILL')
      for (const call of calls) await assert.rejects(call, { code: 'ERR_PROCESS_EXITED' })
      await drained
      assert.equal(first.pressure, 0)
      await first.drained()
    })

    it('pressure is 0 after calls that were made when the process had ended, but its exit status was unknown', async () => {
      const template = startTemplate()
      await template.ready()
      const first = track(
        run(template.fork(), worker, 'first', { async, highWaterMark: { bytes: 100_000 }, onError: () => {} }),
      )
      await first('ready')
      const open = openDescriptors()
      stop(template.pid!) // it reports the exit status
      process.kill(first.pid!, 'SIGKILL')
      await until(() => openDescriptors() < open) // the connection has closed its socket
      const calls = Array.from({ length: 20 }, () => first(fd(0), 'x'.repeat(50_000)))
      const drained = first.drained()
      process.kill(template.pid!, 'SIGCONT')
      for (const call of calls) await assert.rejects(call, { code: 'ERR_PROCESS_EXITED' })
      assert.equal(first.pressure, 0)
      await drained
    })

    it('drained() keeps the program running until it resolves', async () => {
      const program = `
        import { ForkProcess, run } from '@anyfork/fork-rpc'
        const options = { async: ${async}, highWaterMark: { calls: 1 } }
        const nothing = run(ForkProcess.create(), ${JSON.stringify(worker.href)}, 'nothing', options)
        await nothing.ready()
        process.kill(nothing.pid, 'SIGSTOP')
        await nothing.with({ timeout: 0 })().catch(() => {}) // no longer awaited, but the process has not answered it
        setTimeout(() => process.kill(nothing.pid, 'SIGCONT'), 10).unref()
        await nothing.drained()
        console.log('drained')`
      assert.equal(await outputOf(program), 'drained\n')
    })
  })
}

describe('a loop that waits for drained()', () => {
  const { start } = useConnections()

  it('never exceeds the high-water mark by more than one call', async () => {
    const first = start('first', { highWaterMark: { bytes: 100_000, calls: 1000 } })
    let highest = 0
    let waits = 0
    const calls: Promise<unknown>[] = []
    for (let i = 0; i < 1000; i++) {
      if (first.pressure >= 1) {
        waits++
        await first.drained()
      }
      calls.push(first('x'.repeat(10_000)))
      highest = Math.max(highest, first.pressure)
    }
    await Promise.all(calls)
    assert.ok(waits > 0)
    assert.ok(highest < 1.11, `${highest}`) // a call adds 10,000 bytes and its header
  })
})
