import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { socketpair } from '@anyfork/fdpass'
import { isRunning } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const load = createRequire(import.meta.url)('node-gyp-build') as (folder: string) => {
  signal(pid: number, signal: number, socket: number, user: number): number
}
const { signal } = load(fileURLToPath(new URL('../..', import.meta.url)))

describe('the native signal function', () => {
  it('no signal is sent to a process that has ended, although another process holds its end of the socket', async () => {
    const [ours, theirs] = socketpair()
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
    assert.equal(signal(child.pid!, 0, ours.fd, 0), 0)
    assert.equal(signal(child.pid!, 9, ours.fd, 0), 0)
    while (isRunning(child.pid!)); // without a turn of the event loop, so that it stays a zombie
    assert.equal(signal(child.pid!, 0, ours.fd, 0), -constants.errno.ESRCH)
    theirs.close()
    await once(child, 'exit')
    ours.close()
  })
})
