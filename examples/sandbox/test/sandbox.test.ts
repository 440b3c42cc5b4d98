import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Sandbox } from '@anyfork/example-sandbox/sandbox'
import { assertNothingLeft, isSoak, type RunOptions, resourcesAfter, runProgram } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { endless, harmless } from './fixtures/snippets.js'

const { EPERM, EACCES, EINVAL, ENETUNREACH, EAGAIN, ESRCH } = constants.errno
const isRoot = process.getuid!() === 0
const source = resolve(import.meta.dirname, '../../test/fixtures/probe.c')
const attacks = new URL('./fixtures/attacks.js', import.meta.url)
const main = new URL('../main.js', import.meta.url)
const SNIPPETS = isSoak ? 5000 : 30

interface Report {
  outcomes: Record<string, string>
  /** The errno of each system call, by the pid that was attacked. */
  probes: Record<string, Record<string, number>>
  survivors: number
  targets: number
  answer: number
}

/** What machine code gets from the kernel. A sandbox without root has the user of its owner, which the last two show. */
const refusals: Record<string, number[]> = {
  kill: [EPERM],
  pidfd_send_signal: [EPERM],
  ptrace: [EPERM],
  process_vm_readv: [EPERM],
  pidfd_getfd: [EPERM],
  connect: [ENETUNREACH],
  fork: [EAGAIN],
  setuid: [EPERM, EINVAL], // a user namespace has no root
  capset: [EPERM],
  chroot: [EPERM],
  mount: [EPERM, EACCES],
  unshare_user: [EPERM],
  unshare_net: [EPERM],
  prlimit: [EPERM, ESRCH],
  setpriority: [EPERM, EACCES],
}
const allowedToSameUser = ['prlimit', 'setpriority']

const users: [title: string, options: RunOptions, isOtherUser: boolean][] = isRoot
  ? [
      ['of root', {}, true],
      ['of another user', { uid: 64_001, gid: 64_001 }, false],
    ]
  : [['of an ordinary user', {}, false]]

describe('examples/sandbox', () => {
  let folder: string
  let addon: string | undefined

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    chmodSync(folder, 0o755)
    const file = join(folder, 'probe.node')
    const { status } = spawnSync('cc', ['-shared', '-fPIC', '-o', file, source], { stdio: 'inherit' })
    if (status === 0) addon = file
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const [title, options, isOtherUser] of users)
    describe(`in a program ${title}`, () => {
      let report: Report | undefined

      before(async function () {
        const { code, stdout, stderr } = await runProgram(attacks, addon ? [addon] : [], options)
        if (code !== 0 && /(EPERM|ENOSPC|ENOSYS|EOPNOTSUPP).*(unshare|landlock)/s.test(stderr)) {
          console.log(
            `      the system refuses the restrictions: ${stderr.split('\n').find(line => /^\w*Error/.test(line))}`,
          )
          return this.skip()
        }
        assert.equal(code, 0, stderr)
        report = JSON.parse(stdout) as Report
      })

      for (const [attack, [, outcomes]] of Object.entries(harmless))
        it(`a snippet that ${attack} does no harm`, () => assert.match(report!.outcomes[attack]!, outcomes))

      for (const attack of Object.keys(endless))
        it(`the sandbox ends a snippet that ${attack}`, () =>
          assert.match(report!.outcomes[attack]!, /^ERR_(POOL_TIMEOUT|POOL_CPU|POOL_MEMORY|PROCESS_EXITED)$/))

      it('machine code in a snippet can neither signal, trace, or read other processes, nor connect, fork, or gain privileges', function () {
        if (!addon) return this.skip() // there is no C compiler
        assert.equal(Object.keys(report!.probes).length, report!.targets)
        for (const results of Object.values(report!.probes)) {
          assert.deepEqual(Object.keys(results), Object.keys(refusals))
          for (const [call, errno] of Object.entries(results))
            if (isOtherUser || !allowedToSameUser.includes(call))
              assert.ok(refusals[call]!.includes(errno), `${call}: errno ${errno}`)
        }
      })

      it('all attacked processes live on, and the sandbox goes on', () => {
        console.log(`      ${report!.survivors} of ${report!.targets} attacked processes are alive`)
        assert.deepEqual([report!.survivors, report!.answer], [report!.targets, 42])
      })
    })

  it('the program prints all outcomes, although a snippet throws an error whose properties cannot be printed', async () => {
    const files = ['throw Object.assign(new Error("x"), { code: { toString: 1 } })', 'return 1'].map((code, index) => {
      const file = join(folder, `${index}.snippet`)
      writeFileSync(file, code)
      return file
    })
    const { code, stdout, stderr } = await runProgram(main, files)
    assert.equal(code, 0, stderr)
    const printed = stdout.trimEnd().split('\n')
    assert.deepEqual(
      printed.map(line => line.slice(0, line.indexOf(': '))),
      files,
    )
  })

  it('the program prints its usage for --help', async () => {
    const { code, stdout, stderr } = await runProgram(main, ['--help'])
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^Usage: /)
  })

  it('the program exits with 2 and says why for a missing file, an unknown option, and no file', async () => {
    const cases: [args: string[], stderr: RegExp][] = [
      [[join(folder, 'no-such.snippet')], /^cannot read .*no-such\.snippet: ENOENT.*\n\nUsage: /],
      [['--no-such-option'], /^Unknown option '--no-such-option'.*\n\nUsage: /],
      [[], /^no file\n\nUsage: /],
    ]
    for (const [args, expected] of cases) {
      const { code, stderr } = await runProgram(main, args)
      assert.match(stderr, expected)
      assert.equal(code, 2)
    }
  })

  it(`${SNIPPETS} snippets, of which every third fails and every tenth is killed, get their own results`, async function () {
    const first = new Sandbox()
    let refusal: unknown
    const before = await resourcesAfter(async () => {
      await first.run('return 1').catch(error => (refusal = error))
      await first.close()
    })
    if (refusal) return this.skip() // the tests above say why
    const sandbox = new Sandbox({ timeoutMs: 30_000, cpuMs: 10_000 })
    const codeOf = (index: number): string => {
      if (index % 10 === 9) return "process.kill(process.pid, 'SIGKILL')"
      return index % 3 ? 'return input ** 2' : "throw new RangeError('no ' + input)"
    }
    const runs = Array.from({ length: SNIPPETS }, (_, index) => sandbox.run(codeOf(index), index))
    const outcomes = await Promise.allSettled(runs)
    const counts = { returned: 0, failed: 0, killed: 0 }
    for (const [index, outcome] of outcomes.entries()) {
      if (index % 10 === 9) counts.killed += Number(reasonOf(outcome).code === 'ERR_PROCESS_EXITED')
      else if (index % 3) counts.returned += Number(outcome.status === 'fulfilled' && outcome.value === index ** 2)
      else counts.failed += Number(reasonOf(outcome).message === `no ${index}`)
    }
    console.log(`      ${counts.returned} returned, ${counts.failed} failed, ${counts.killed} were killed`)
    assert.equal(counts.returned + counts.failed + counts.killed, SNIPPETS)
    await sandbox.close()
    await assertNothingLeft(before)
  })
})

function reasonOf(outcome: PromiseSettledResult<unknown>): NodeJS.ErrnoException {
  return outcome.status === 'rejected' ? outcome.reason : new Error('the snippet has not failed')
}
