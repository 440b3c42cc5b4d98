import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import { ForkProcess, type Restrictions } from '@anyfork/fork'
import { isSoak } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { answer } from './support/answer.js'
import { isForking } from './support/mode.js'

const worker = new URL('./fixtures/read-restrictions.js', import.meta.url)
const nicer = Math.min(getPriority() + 5, 19)
const isRoot = process.getuid!() === 0

describe('restrict', () => {
  let template: ForkProcess

  before(async () => {
    template = ForkProcess.exec().require(worker)
    await template.ready()
  })
  after(() => template.close())

  it('restrict() sets limits, niceness, umask, working directory, and no_new_privs before the function runs', async () => {
    const child = template.fork().restrict({
      rlimits: { nofile: 100, core: 0, cpu: [1000, Infinity] },
      nice: nicer,
      umask: 0o077,
      cwd: tmpdir(),
      noNewPrivileges: true,
    })
    assert.deepEqual(await answer(await child.run(worker, 'describe')), {
      nofile: ['100', '100'],
      core: ['0', '0'],
      cpu: ['1000', 'unlimited'],
      nice: nicer,
      umask: 0o077,
      cwd: realpathSync(tmpdir()),
      noNewPrivileges: '1',
      uid: process.getuid!(),
      gid: process.getgid!(),
    })
  })

  it('restrict() of a child does not affect the template and its other children', async () => {
    const { nice, noNewPrivileges } = await answer<{ nice: number; noNewPrivileges: string }>(
      await template.fork().run(worker, 'describe'),
    )
    assert.deepEqual({ nice, noNewPrivileges }, { nice: getPriority(), noNewPrivileges: '0' })
  })

  it('restrict() changes user and group', async function () {
    if (!isForking || !isRoot) return this.skip() // the next test does the same in a replay
    const child = template.fork().restrict({ uid: 65534, gid: 65534 })
    const { uid, gid } = await answer<{ uid: number; gid: number }>(await child.run(worker, 'describe'))
    assert.deepEqual({ uid, gid }, { uid: 65534, gid: 65534 })
  })

  it('forks inherit the restrictions, also those of another user', async function () {
    if (!isRoot) return this.skip()
    const parent = template.fork().restrict({ uid: 65534, gid: 65534 })
    const { uid } = await answer<{ uid: number }>(await parent.fork().run(worker, 'describe'))
    assert.equal(uid, 65534)
    await parent.close()
  })

  it('restrict() rejects with the error of the kernel for a change that is not permitted', async () => {
    const child = template.fork()
    if (isRoot) child.restrict({ uid: 65534, gid: 65534 })
    await assert.rejects(child.restrict({ nice: -20 }).ready(), { code: /^(EACCES|EPERM)$/ })
    await assert.rejects(template.fork().restrict({ cwd: '/no/such/folder' }).ready(), { code: 'ENOENT' })
    await assert.rejects(
      template
        .fork()
        .restrict({ rlimits: { nofile: 50 } })
        .restrict({ rlimits: { nofile: 1e9 } })
        .ready(),
      { code: 'EPERM' },
    )
  })

  it('a process that exceeds its limit of processor time ends with a signal', async function () {
    if (!isForking) return this.skip() // the kernel ends the process
    const child = template.fork().restrict({ rlimits: { cpu: 1 } })
    ;(await child.run(worker, 'spin')).close()
    assert.match(`${(await child.exited).signal}`, /SIGXCPU|SIGKILL/)
    await assert.rejects(child.memory(), {
      code: 'ERR_PROCESS_EXITED',
      message: /limit of processor time, rlimits\.cpu$/,
    })
  })

  // The limits are above what AddressSanitizer reserves.
  const deaths: [signal: NodeJS.Signals, limits: NonNullable<Restrictions['rlimits']>, message: RegExp][] = [
    ['SIGXCPU', {}, /ended by SIGXCPU: it exceeded its limit of processor time, rlimits\.cpu$/],
    ['SIGKILL', { cpu: 1000 }, /ended by SIGKILL: it probably exceeded its limit of processor time, rlimits\.cpu$/],
    ['SIGKILL', { cpu: Infinity, nofile: 100 }, /ended by SIGKILL$/],
    ['SIGABRT', {}, /ended by SIGABRT: V8 probably ran out of memory: .*--max-old-space-size$/],
    ['SIGTRAP', { data: 2 ** 52 }, /ended by SIGTRAP: it probably ran out of memory, which rlimits\.data limits$/],
    ['SIGABRT', { as: 2 ** 52, data: [2 ** 52, Infinity] }, /which rlimits\.as and rlimits\.data limits$/],
    ['SIGSEGV', { stack: 2 ** 24 }, /ended by SIGSEGV: it probably exceeded its limit of the stack, rlimits\.stack$/],
    ['SIGSEGV', {}, /ended by SIGSEGV$/],
    ['SIGTERM', { cpu: 1000 }, /ended by SIGTERM$/],
  ]
  for (const [signal, rlimits, message] of isForking ? deaths : []) // the owner makes the error
    it(`the error after ${signal} names the likely limit of a process with ${Object.keys(rlimits).join(' and ') || 'no limits'}`, async () => {
      const child = template.fork().restrict({ rlimits })
      await child.ready()
      child.kill(signal)
      await child.exited
      await assert.rejects(child.memory(), { code: 'ERR_PROCESS_EXITED', signal, message })
    })

  it('the error of a fork names a limit that it has inherited', async function () {
    if (!isForking) return this.skip() // the owner makes the error
    const parent = template.fork().restrict({ rlimits: { cpu: 1000 } })
    const child = parent.fork()
    await child.ready()
    child.kill('SIGKILL')
    await assert.rejects(child.ready(), { code: 'ERR_PROCESS_EXITED', message: /rlimits\.cpu$/ })
    await parent.close()
  })

  it('the error after exit code 134 of a wrapper script names the likely limit', async function () {
    if (!isForking) return this.skip() // the owner makes the error
    const child = template.fork().eval('process.exit(134)')
    await assert.rejects(child.ready(), {
      exitCode: 134,
      message: /exited with code 134: V8 probably ran out of memory/,
    })
  })
})

describe('memory', () => {
  it('memory() reports the memory of a process: uss <= pss <= rss; it rejects after the process has exited', async () => {
    const template = ForkProcess.exec()
    const child = template.fork()
    const { rss, pss, uss, shared } = await child.memory()
    assert.ok(uss > 0 && uss <= pss && pss <= rss, `${uss} ${pss} ${rss}`)
    if (isForking && isSoak) assert.ok(shared > uss, `${shared} ${uss}`)
    await child.close()
    await assert.rejects(child.memory(), { code: 'ERR_PROCESS_EXITED' })
    await template.close()
  })
})
