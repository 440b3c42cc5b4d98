import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Descriptor } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, openResources, outputOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { answer } from './support/answer.js'
import { areAllThreadsCopied, isForking } from './support/mode.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const hoard = new URL('./fixtures/fill-table.js', import.meta.url)
const hog = new URL('./fixtures/keeps-table-full.js', import.meta.url)
const isRoot = process.getuid!() === 0

const succeeded = { code: 0, signal: null }

/** Runs a program that has few descriptors. */
const runWithFewDescriptors = (fixture: string): Promise<string> =>
  outputOf(new URL(`./fixtures/${fixture}`, import.meta.url), [], { openFiles: 64 })

describe('resource limits', () => {
  it('an owner without free descriptors gets EMFILE, leaks nothing, and works once slots are free', async () => {
    assert.equal(await runWithFewDescriptors('full-table.js'), 'done\n')
  })

  it('an owner without free descriptors can still send signals', async function () {
    if (!isForking) return this.skip() // the owner sends them
    assert.equal(await runWithFewDescriptors('full-table-kill.js'), 'done\n')
  })

  it('forking a template without free descriptors rejects with EMFILE, and works once slots are free', async () => {
    await ForkProcess.exec().close() // the first one opens what all of them share
    const before = openResources()
    const template = ForkProcess.exec()
      .require(hoard, worker)
      .restrict({ rlimits: { nofile: [64, 64] } })
    await template.ready()
    template.eval('fillTable()')
    if (isForking) await template.fork().close() // this package gives up the descriptors that only make forks faster
    template.eval('fillTable()')
    const refused = [template.fork(), template.fork()]
    await Promise.all(refused.map(child => assert.rejects(child.ready(), { code: 'EMFILE' })))
    for (const child of refused) assert.deepEqual(await child.exited, { code: null, signal: null })
    template.eval('freeTable()')
    const child = template.fork()
    ;(await child.run(worker, 'hold')).close()
    assert.deepEqual(await child.exited, succeeded)
    await template.close()
    await assertNothingLeft(before)
  })

  it('forking a template with one free descriptor rejects with EMFILE: the check of its threads takes two', async function () {
    if (!isForking) return this.skip()
    const template = ForkProcess.exec({ mode: 'fork' })
      .require(hoard)
      .restrict({ rlimits: { nofile: [64, 64] } })
    await template.eval('fillTable(2)').ready() // one is for the control socket
    await assert.rejects(template.fork().ready(), { code: 'EMFILE' })
    await template.eval('freeTable()').eval('fillTable(3)').ready()
    const child = template.fork()
    await child.ready()
    await child.close()
    await template.close()
  })

  it('a child without free descriptors runs its function, and rejects with EMFILE if it is sent more than one descriptor', async () => {
    const template = ForkProcess.exec()
      .require(hoard, worker)
      .restrict({ rlimits: { nofile: [64, 64] } })
    const child = template.fork()
    await child.eval('fillTable()').ready()
    ;(await child.run(worker, 'hold')).close()
    assert.deepEqual(await child.exited, succeeded)
    const other = template.fork()
    await other.eval('fillTable()').ready()
    await assert.rejects(other.sendFd(0, 1).ready(), { code: 'EMFILE' })
    assert.deepEqual(await other.exited, { code: 1, signal: null })
    await template.close()
  })

  for (const [which, ms, together] of [
    ['one after the other', 0, 1],
    ['several while the first still waits', 500, 3],
  ] as const) {
    it(`copies of a function without free descriptors, ${which}, reject with EMFILE; the function survives and is copied once slots are free`, async () => {
      const template = ForkProcess.exec().require(hog)
      const child = template.fork().restrict({ rlimits: { nofile: [64, 64] } })
      const socket = (await child.sendArg(ms).run(hog, 'hog')).toSocket()
      await once(socket, 'data')
      for (let i = 0; i < 3; i++) {
        const refused = Array.from({ length: together }, () => child.refork())
        await Promise.all(refused.map(copy => assert.rejects(copy.ready(), { code: 'EMFILE' })))
        assert.ok(child.kill(0))
      }
      socket.write('free')
      await once(socket, 'data')
      const copy = child.refork()
      await copy.ready()
      await copy.close()
      socket.end()
      assert.deepEqual(await child.exited, succeeded)
      await template.close()
    })
  }

  it('a template is forked with as few descriptors as it can start with', async function () {
    if (!isForking) return this.skip() // an interpreter needs more descriptors than a fork
    const outcomeWith = async (nofile: number): Promise<string> => {
      const template = ForkProcess.exec({ mode: 'fork' }).restrict({ rlimits: { nofile: [nofile, nofile] } })
      const isReady = await template.ready().then(
        () => true,
        () => false,
      )
      const outcome = isReady
        ? await template
            .fork()
            .ready()
            .then(() => 'forked', String)
        : 'not started'
      template.kill('SIGKILL')
      await template.exited
      return outcome
    }
    let nofile = 26
    let outcome: string
    do outcome = await outcomeWith(++nofile)
    while (outcome !== 'forked' && nofile < 34)
    assert.deepEqual([outcome, await outcomeWith(nofile + 1)], ['forked', 'forked'])
  })

  it('forks start although the pidfds that are under way exceed the limit of their user', async function () {
    if (!isForking || !isRoot) return this.skip() // the limit does not hold for root
    const template = ForkProcess.exec({ mode: 'fork' }).restrict({ uid: 64321, gid: 64321, rlimits: { nofile: 64 } })
    await template.ready()
    await template.fork().close()
    const forks = Array.from({ length: 90 }, () => template.fork())
    const children = (): string => readFileSync(`/proc/${template.pid}/task/${template.pid}/children`, 'utf8')
    while (children().trim().split(' ').length < forks.length); // this program reads no report meanwhile
    await Promise.all(forks.map(fork => fork.ready()))
    template.kill('SIGKILL')
    for (const fork of forks) fork.kill('SIGKILL')
    await Promise.all(forks.map(({ exited }) => exited))
  })

  it('a function without free descriptors ends although copies of it are pending', async () => {
    const template = ForkProcess.exec().require(hoard)
    const child = template.fork().restrict({ rlimits: { nofile: [64, 64] } })
    child.eval(async () => {
      const { beforeFork } = await import('@anyfork/fork')
      const leave = (socket: Descriptor): void => {
        beforeFork(() => new Promise(() => {}))
        const stream = socket.toSocket()
        stream.on('data', () => stream.unref())
        ;(globalThis as unknown as { fillTable(): void }).fillTable()
      }
      Object.assign(globalThis, { leave })
    })
    const socket = (await child.run('leave')).toSocket()
    const refused = [child.refork(), child.refork()].map(copy =>
      assert.rejects(copy.ready(), { code: 'ERR_PROCESS_EXITED' }),
    )
    socket.write('leave')
    assert.deepEqual(await child.exited, succeeded)
    await Promise.all(refused)
    socket.destroy()
    await template.close()
  })

  it('forking at the process limit of a user rejects with EAGAIN, and works once processes have ended', async function () {
    if (areAllThreadsCopied) return this.skip() // all-threads.test.ts tests this
    if (!isForking || !isRoot) return this.skip() // only root can become a user without other processes
    const program = new URL('./fixtures/process-limit.js', import.meta.url)
    const id = 20_000 + (process.pid % 40_000) // another run of this test may be in progress
    assert.equal(await outputOf(program, [], { uid: id, gid: id }), 'done\n')
  })

  it('at the limit of its address space, an allocation of a child fails; the template and its other children survive', async function () {
    if (!isForking) return this.skip() // the kernel sets the limit
    const template = ForkProcess.exec().require(worker)
    const child = template.fork()
    await child.ready()
    const [pages] = readFileSync(`/proc/${child.pid}/statm`, 'utf8').split(' ')
    child.restrict({ rlimits: { as: Number(pages) * 4096 + 2 ** 28 } })
    await assert.rejects(child.eval('new Uint8Array(2 ** 31)').ready(), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, 'ERR_EVAL_FAILED')
      return error.cause instanceof RangeError
    })
    const other = template.fork()
    assert.equal((await answer<{ pid: number }>(await other.run(worker, 'identity'))).pid, other.pid)
    await template.close()
  })
})
