import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Outcome, runCommand } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'

const source = resolve(import.meta.dirname, '../../test/fixtures/refuse-calls.c')
const url = JSON.stringify(`file://${createRequire(import.meta.url).resolve('@anyfork/fork')}`)

/** How containers and sandboxes refuse system calls. */
const errors = ['ENOSYS', 'EPERM']

/** Runs a function, ends processes in three ways, and prints how they have ended; or prints the error. */
const program = `
  import { ForkProcess } from ${url}
  const template = ForkProcess.exec({ mode: process.argv.at(-1) }).eval(() => {
    globalThis.leave = () => process.exit(7)
    globalThis.wait = socket => setInterval(() => socket, 1000)
  })
  try {
    const [leaving, killed, idle] = [template.fork(), template.fork(), template.fork()]
    await leaving.run('leave')
    await killed.run('wait')
    killed.kill()
    await idle.ready()
    await idle.close()
    const ends = await Promise.all([leaving, killed, idle].map(child => child.exited))
    await template.close()
    ends.push(await template.exited)
    console.log(leaving.mode, ends.map(({ code, signal }) => code ?? signal).join(' '))
  } catch (error) {
    console.log(error.code, error.message)
    template.kill('SIGKILL')
  }`

describe('with a filter that refuses system calls', () => {
  let folder: string
  let refuse: string

  before(function () {
    if (process.env['LD_PRELOAD']?.includes('asan')) this.skip() // AddressSanitizer itself needs these calls
    folder = mkdtempSync(join(tmpdir(), 'anyfork-filter-'))
    refuse = join(folder, 'refuse-calls')
    const { status } = spawnSync('cc', ['-o', refuse, source])
    if (status !== 0 || spawnSync(refuse, ['ENOSYS', '--', 'true']).status !== 0) this.skip() // no compiler, or no seccomp
  })
  after(() => folder && rmSync(folder, { recursive: true }))

  /** Runs the program while some calls are refused. */
  const run = (error: string, calls: readonly string[], mode: string): Promise<Outcome> =>
    runCommand(refuse, [error, ...calls, '--', process.execPath, '--input-type=module', '-e', program, '--', mode])

  /** These have alternatives, and none of them hides another one. */
  const groups = [
    ['pidfd_open', 'memfd_create', 'prctl', 'prlimit64', 'fchmod', 'accept4', 'dup3', 'close_range'],
    ['pidfd_send_signal', 'sendmmsg', 'recvmmsg'],
  ]
  for (const error of errors) {
    for (const calls of groups)
      it(`processes are forked, signalled, and reaped if it refuses ${calls.join(', ')} with ${error}`, async () => {
        const { stdout, stderr } = await run(error, calls, 'fork')
        assert.equal(stdout, 'fork 7 SIGTERM 0 0\n', stderr)
      })

    it(`processes are fresh interpreters in mode auto if it refuses waitid with ${error}, and a warning says why`, async () => {
      const { stdout, stderr } = await run(error, ['waitid'], 'auto')
      assert.equal(stdout, 'exec 7 SIGTERM 0 0\n', stderr)
      assert.match(stderr, /ANYFORK_FALLBACK.*waitid/)
    })
  }

  it('processes are forked, signalled, and reaped if it refuses clone3 with ENOSYS, as the C library expects', async () => {
    assert.equal((await run('ENOSYS', ['clone3'], 'fork')).stdout, 'fork 7 SIGTERM 0 0\n')
  })

  it('a fork fails with ERR_FORK_IMPOSSIBLE in mode fork if it refuses waitid', async () => {
    assert.match((await run('ENOSYS', ['waitid'], 'fork')).stdout, /^ERR_FORK_IMPOSSIBLE .*waitid/)
  })

  it('the error names the call if it refuses setsockopt, by which the owner learns who sends a report', async () => {
    const { stdout } = await run('EPERM', ['setsockopt'], 'fork')
    assert.match(stdout, /^EPERM .*setsockopt/)
  })
})
