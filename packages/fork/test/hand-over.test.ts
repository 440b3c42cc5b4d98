import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { listen, pipe, socketpair, watch } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, childrenOf, isRunning, openResources, until, untilGone } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { answer } from './support/answer.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const heir = new URL('./fixtures/new-owner.js', import.meta.url)

describe('toFd and fromFd', () => {
  it('hand a process over with all that it has', async () => {
    await ForkProcess.create().close()
    const before = openResources()
    const template = ForkProcess.exec().require(worker)
    const first = template.fork().sendArg('early')
    const socket = await first.toFd()
    assert.throws(() => first.sendArg('late'), TypeError)
    const second = ForkProcess.fromFd(socket).sendArg('late')
    assert.deepEqual(await answer(await second.run(worker, 'describeArguments')), ['early', 'late'])
    assert.equal(second.pid, first.pid)
    assert.equal(second.mode, first.mode)
    assert.deepEqual(await first.exited, { code: 0, signal: null })
    assert.deepEqual(await second.exited, { code: null, signal: null })
    await template.close()
    await assertNothingLeft(before)
  })

  it('leave a socket that cannot be taken on, being watched, to the caller', async () => {
    const process = ForkProcess.exec()
    const socket = await process.toFd()
    const watching = watch(socket, { readable: true }, () => {})
    assert.throws(() => ForkProcess.fromFd(socket), { code: 'EEXIST' })
    watching.close()
    await ForkProcess.fromFd(socket).close()
    assert.deepEqual(await process.exited, { code: 0, signal: null })
  })

  it('hand a template over to another process, which forks from it and ends it', async () => {
    const template = ForkProcess.exec().require(worker)
    const control = await template.toFd()
    const child = ForkProcess.create().sendFd(control).sendArg(worker.href)
    control.close()
    const said = await answer<{ arguments: unknown[]; exited: unknown; pid: number }>(await child.run(heir, 'inherit'))
    assert.deepEqual(said.arguments, ['from the heir'])
    assert.deepEqual(said.exited, { code: 0, signal: null })
    assert.equal(said.pid, template.pid)
    assert.deepEqual(await template.exited, { code: 0, signal: null })
  })

  it('let a process end with its new owner, not with the old one', async () => {
    const owner = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/former-owner.js', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    const { heirPid, heritage } = JSON.parse(line) as { heirPid: number; heritage: number }
    owner.kill('SIGKILL')
    await untilGone(owner.pid!)
    assert.ok(isRunning(heirPid) && isRunning(heritage))
    process.kill(heirPid, 'SIGKILL')
    await untilGone(heirPid, heritage)
  })

  it('give up control: close returns at once, and inspect is a TypeError', async () => {
    const template = ForkProcess.exec()
    const control = await template.toFd()
    await template.close()
    await assert.rejects(template.inspect(), TypeError)
    const heir = ForkProcess.fromFd(control)
    assert.equal(control.isOpen, false)
    await heir.close()
    assert.deepEqual(await template.exited, { code: 0, signal: null })
  })

  it('make a fork that is handed over the one who answers for what it forks', async () => {
    const template = ForkProcess.exec().require(worker)
    const first = ForkProcess.fromFd(await template.fork().toFd())
    const second = first.fork()
    const third = second.fork()
    ;(await third.run(worker, 'stay')).close()
    second.kill('SIGKILL')
    assert.deepEqual(await second.exited, { code: null, signal: 'SIGKILL' })
    await until(() => !childrenOf(second.pid!).includes(third.pid!)) // the kernel has given it another parent
    assert.equal(third.kill('SIGTERM'), true)
    assert.deepEqual(await third.exited, { code: null, signal: 'SIGTERM' })
    await first.close()
    await template.close()
  })

  it('hand a process on: its end is told to who has started it, and nothing of it to who was between', async () => {
    const first = ForkProcess.exec()
    const second = ForkProcess.fromFd(await first.toFd())
    const third = ForkProcess.fromFd(await second.toFd())
    await third.ready()
    assert.deepEqual(await second.exited, { code: null, signal: null })
    await assert.rejects(second.memory(), { code: 'ERR_PROCESS_EXITED' })
    assert.ok(third.isAlive && first.isAlive)
    await third.close()
    assert.deepEqual(await first.exited, { code: 0, signal: null })
  })

  it('refuse a process while a fork of one of its forks lives, whose end it would tell', async () => {
    const template = ForkProcess.exec().require(worker)
    const parent = template.fork()
    const child = parent.fork()
    await child.ready()
    parent.kill('SIGKILL')
    await parent.exited
    await assert.rejects(template.toFd(), TypeError)
    await child.close()
    assert.deepEqual(await child.exited, { code: 0, signal: null })
    const heir = ForkProcess.fromFd(await template.toFd())
    await heir.close()
    await template.exited
  })

  it('refuse a process with forks, which stays as it was, and what is no socket', async () => {
    const template = ForkProcess.exec()
    const child = template.fork()
    await assert.rejects(template.toFd(), TypeError)
    await child.close()
    await template.fork().close()
    const [readEnd, writeEnd] = pipe()
    assert.throws(() => ForkProcess.fromFd(readEnd), TypeError)
    const [one, other] = socketpair({ type: 'dgram' })
    assert.throws(() => ForkProcess.fromFd(one), { name: 'TypeError', message: /stream/ })
    one.close() // it is still ours
    other.close()
    readEnd.close()
    writeEnd.close()
    assert.throws(() => ForkProcess.fromFd(readEnd), { code: 'EBADF' })
    const listener = listen('\0anyfork.hand-over.' + process.pid)
    assert.throws(() => ForkProcess.fromFd(listener), { name: 'TypeError', message: /listens/ })
    listener.close() // it is still ours
    template.kill('SIGKILL')
    await template.exited
  })
})
