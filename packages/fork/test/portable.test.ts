import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { type Descriptor, socketpair } from '@anyfork/fdpass'
import { isLinux } from '@anyfork/fdpass/internal'
import { ForkProcess, memoryOf } from '@anyfork/fork'
import { forkTemplate } from '@anyfork/fork/template'
import { isRunning, runCommand, runProgram, until, untilGone } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'

const require = createRequire(import.meta.url)
const url = JSON.stringify(`file://${require.resolve('@anyfork/fork')}`)
const { signal, signalChild } = require('node-gyp-build')(new URL('../..', import.meta.url).pathname) as {
  signal(pid: number, signal: number, socket: number, user: number): number
  signalChild(parent: number, pid: number, signal: number): number
}
const ESRCH = -constants.errno.ESRCH
const withoutProc = ['--mount', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$0" "$@"']

/** Prints how a process was made, and how it has ended. */
const program = `
  import { ForkProcess } from ${url}
  const template = ForkProcess.exec({ mode: 'auto' })
  const child = template.fork()
  await child.ready()
  child.kill('SIGKILL')
  console.log(child.mode, (await child.exited).signal)
  await template.close()`

function lookBusy(socket: Descriptor): void {
  process.getBuiltinModule('node:fs').writeSync(socket.fd, 'x')
  for (;;);
}

// `scripts/portable` runs this on Linux, too.
describe('on a system other than Linux', () => {
  before(function () {
    if (isLinux) this.skip()
  })

  it('forks are fresh interpreters in mode auto, without a warning', async () => {
    const { stdout, stderr } = await runProgram(program)
    assert.deepEqual([stdout, stderr], ['exec SIGKILL\n', ''])
  })

  it('the same is true without /proc', async function () {
    if (spawnSync('unshare', [...withoutProc, 'true']).status !== 0) return this.skip() // only root may hide it
    const args = [...withoutProc, process.execPath, '--input-type=module', '-e', program]
    const { stdout, stderr } = await runCommand('unshare', args)
    assert.deepEqual([stdout, stderr], ['exec SIGKILL\n', ''])
  })

  for (const mode of ['auto', 'exec', 'fork'] as const)
    it(`check() reports the platform in mode ${mode}`, async () => {
      const template = ForkProcess.exec({ mode })
      const { canFork, findings, addons, descriptors } = await template.check()
      assert.equal(canFork, false)
      assert.deepEqual(
        findings.map(({ severity, topic, subject }) => [severity, topic, subject]),
        [['blocks', 'platform', process.platform]],
      )
      assert.equal(addons.filter(file => /fork|fdpass/.test(file)).length, 2)
      assert.deepEqual(descriptors, [])
      await template.close()
    })

  it('a fork fails with ERR_FORK_IMPOSSIBLE in mode fork', async () => {
    const template = ForkProcess.exec({ mode: 'fork' })
    await assert.rejects(template.fork().ready(), { code: 'ERR_FORK_IMPOSSIBLE', message: /only be forked on Linux/ })
    await template.close()
  })

  it('forkTemplate() rejects with an error that names the platform', async () => {
    await assert.rejects(forkTemplate(), { message: /only be forked on Linux/ })
  })

  it('memoryOf() rejects with ENOENT', async () => {
    await assert.rejects(memoryOf(process.pid), { code: 'ENOENT' })
  })

  it('processes in endless loops end with an owner that is killed', async () => {
    const owner = `
      import { once } from 'node:events'
      import { ForkProcess } from ${url}
      const template = ForkProcess.exec()
      template.eval(${JSON.stringify(`globalThis.lookBusy = ${lookBusy}`)})
      const child = template.fork()
      await once((await child.run('lookBusy')).toSocket(), 'data')
      console.log(template.pid, child.pid)
      process.kill(process.pid, 'SIGKILL')`
    const { signal, stdout, stderr } = await runProgram(owner)
    assert.equal(signal, 'SIGKILL', stderr)
    const pids = stdout.trim().split(' ').map(Number)
    assert.equal(pids.length, 2)
    await untilGone(...pids)
  })

  it('no signal is sent to the process with a pid once its socket is closed, or to one of another user', async () => {
    const template = ForkProcess.exec()
    await template.ready()
    const [ours, theirs] = socketpair()
    const pid = template.pid!
    assert.equal(signal(pid, 0, ours.fd, 0), 0)
    assert.equal(signal(pid, 0, ours.fd, process.getuid!() + 1), ESRCH)
    assert.equal(signalChild(process.pid, pid, 0), 0)
    assert.equal(signalChild(pid, process.pid, 0), ESRCH)
    theirs.close()
    assert.equal(signal(pid, 9, ours.fd, 0), ESRCH)
    assert.ok(isRunning(pid))
    ours.close()
    assert.equal(signal(pid, 9, -1, 0), 0)
    assert.deepEqual(await template.exited, { code: null, signal: 'SIGKILL' })
    await until(() => signalChild(process.pid, pid, 0) === ESRCH)
  })
})
