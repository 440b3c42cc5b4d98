import assert from 'node:assert/strict'
import { type ProcessExitedError, run } from '@anyfork/fork-rpc'
import { openDescriptors, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { useConnections } from './support/connections.js'
import { blockUntil, stop } from './support/process-state.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

describe('the exit of a process', () => {
  const { fork, start, startTemplate, track } = useConnections()

  it('a process that exits rejects all pending and later calls with its exit code', async () => {
    const exit = start('exit')
    const calls = [exit(7), exit(8), exit(9)]
    for (const call of calls) await assert.rejects(call, { code: 'ERR_PROCESS_EXITED', exitCode: 7, signal: null })
    await assert.rejects(exit(1), { code: 'ERR_PROCESS_EXITED', exitCode: 7 })
  })

  it('a killed process rejects all pending calls with the signal', async () => {
    const block = start('block')
    await block.ready()
    const calls = [block(1e9), block(1e9)]
    process.kill(block.pid!, 'SIGKILL')
    for (const call of calls)
      await assert.rejects(call, { code: 'ERR_PROCESS_EXITED', exitCode: null, signal: 'SIGKILL' })
    assert.deepEqual(await block.ended, { code: null, signal: 'SIGKILL' })
  })

  it('the exit of an idle process is reported to onError, and later calls reject', async () => {
    const signals: unknown[] = []
    const add = start('add', { onError: error => signals.push((error as ProcessExitedError).signal) })
    assert.equal(await add(1, 2), 3)
    process.kill(add.pid!, 'SIGTERM')
    assert.deepEqual(await add.ended, { code: null, signal: 'SIGTERM' })
    assert.deepEqual(signals, ['SIGTERM'])
    await assert.rejects(add(1, 2), { code: 'ERR_PROCESS_EXITED', signal: 'SIGTERM' })
  })

  it('isAlive is false once the process has closed its socket, before its exit status is known', async () => {
    const template = startTemplate()
    await template.ready()
    const pid = track(run(template.fork(), worker, 'pid', { onError: () => {} }))
    await pid()
    assert.ok(pid.isAlive)
    const open = openDescriptors()
    stop(template.pid!) // it reports the exit status
    process.kill(pid.pid!, 'SIGKILL')
    blockUntil(
      () => !pid.isAlive, // the kernel knows, although the event loop has no turn
      () => 'isAlive is still true',
    )
    await until(() => openDescriptors() < open) // the event loop has closed the socket
    assert.equal(pid.isAlive, false)
    process.kill(template.pid!, 'SIGCONT')
    assert.deepEqual(await pid.ended, { code: null, signal: 'SIGKILL' })
  })

  it('every call rejects with ERR_EXPORT_NOT_FOUND if the module does not export the function', async () => {
    const absent = start('absent')
    for (const call of [absent(), absent()])
      await assert.rejects(call, { code: 'ERR_EXPORT_NOT_FOUND', message: /absent/ })
  })

  it('ready() and every call reject with ERR_MODULE_NOT_FOUND if the module does not exist', async () => {
    const missing = track(run(fork(), '/no/such.js', 'f'))
    await assert.rejects(missing.ready(), { code: 'ERR_MODULE_NOT_FOUND' })
    await assert.rejects(missing(), { code: 'ERR_MODULE_NOT_FOUND' })
  })
})
