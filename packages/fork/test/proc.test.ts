import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { type Outcome, runCommand } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'

const url = JSON.stringify(`file://${createRequire(import.meta.url).resolve('@anyfork/fork')}`)
/** Gives a command a pid namespace of its own, but not its /proc. */
const inOtherNamespace = ['unshare', '--fork', '--pid', '--kill-child']
/** Gives a command a system without /proc. */
const withoutProc = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /proc && exec "$0" "$@"']
const isPermitted = [inOtherNamespace, withoutProc].every(
  ([file, ...args]) => spawnSync(file!, [...args, 'true']).status === 0,
)

/** Prints how a process was made, whether it can be killed, and whether its memory can be read; or the error. */
const program = `
  import { ForkProcess } from ${url}
  try {
    const template = ForkProcess.exec({ mode: process.argv.at(-1) })
    const child = template.fork()
    await child.ready()
    const memory = await child.memory().catch(({ code }) => code)
    child.kill('SIGKILL')
    console.log(child.mode, (await child.exited).signal, memory)
    await template.close()
  } catch (error) {
    console.log(error.code, error.message)
  }`

/** Runs the program by a command. */
async function run([file, ...args]: string[], mode: string): Promise<Outcome> {
  return await runCommand(file!, [...args, process.execPath, '--input-type=module', '-e', program, '--', mode])
}

describe('a program without a /proc of its own', () => {
  before(function () {
    if (!isPermitted) this.skip() // only root may make namespaces here
  })

  for (const mode of ['auto', 'fork', 'exec'])
    it(`is refused with ERR_NO_PROC if there is no /proc (mode ${mode})`, async () => {
      assert.match((await run(withoutProc, mode)).stdout, /^ERR_NO_PROC .*mount/)
    })

  it('a fork fails with ERR_FORK_IMPOSSIBLE in mode fork if /proc is that of another pid namespace', async () => {
    assert.match((await run(inOtherNamespace, 'fork')).stdout, /^ERR_FORK_IMPOSSIBLE .*another pid namespace/)
  })

  it('processes are fresh interpreters in mode auto if /proc is that of another pid namespace, and a warning says why', async () => {
    const { stdout, stderr } = await run(inOtherNamespace, 'auto')
    assert.equal(stdout, 'exec SIGKILL ENOENT\n', stderr)
    assert.match(stderr, /ANYFORK_FALLBACK.*\/proc of another pid namespace\n.*mount \/proc/)
  })

  it('mode exec works without a warning if /proc is that of another pid namespace', async () => {
    const { stdout, stderr } = await run(inOtherNamespace, 'exec')
    assert.deepEqual([stdout, stderr], ['exec SIGKILL ENOENT\n', ''])
  })
})
