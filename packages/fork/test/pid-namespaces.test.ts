import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, isRunning, resourcesAfter } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const COMMAND = ['--pid', '--fork', '--kill-child', '--mount-proc']

describe('a template in a pid namespace of its own', () => {
  it('its forks have the pids of the namespace of their owner, and can be signalled', async function () {
    const canUnshare = spawnSync('unshare', [...COMMAND, 'true']).status === 0
    if (!canUnshare) this.skip() // not permitted
    const before = await resourcesAfter(() => ForkProcess.exec().close())
    const template = ForkProcess.exec({ execPath: 'unshare', execArgv: [...COMMAND, process.execPath] })
    const fork = template.fork()
    const socket = await fork.run(worker, 'hold')
    assert.ok(isRunning(fork.pid!))
    assert.ok((await fork.memory()).rss > 0)
    assert.ok(fork.kill('SIGTERM'))
    assert.deepEqual(await fork.exited, { code: null, signal: 'SIGTERM' })
    socket.close()
    await template.close()
    await assertNothingLeft(before)
  })
})
