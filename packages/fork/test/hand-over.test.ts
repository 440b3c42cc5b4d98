import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { listen, pipe, socketpair, watch } from '@anyfork/fdpass'
import { isLinux } from '@anyfork/fdpass/internal'
import { ForkProcess } from '@anyfork/fork'
import {
  assertNothingLeft,
  childrenOf,
  isRunning,
  openResources,
  openSpareDescriptor,
  until,
  untilGone,
} from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { answer } from './support/answer.js'
import { isForking } from './support/mode.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const newOwner = new URL('./fixtures/new-owner.js', import.meta.url)

describe('toFd and fromFd', () => {
  before(openSpareDescriptor)

  it('a process handed over by toFd() keeps its arguments, pid, and mode', async () => {
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

  it('fromFd() throws EEXIST for a watched socket and leaves it to the caller', async function () {
    if (!isForking) return this.skip() // no process is forked
    const process = ForkProcess.exec()
    const socket = await process.toFd()
    const watching = watch(socket, { readable: true }, () => {})
    assert.throws(() => ForkProcess.fromFd(socket), { code: 'EEXIST' })
    watching.close()
    await ForkProcess.fromFd(socket).close()
    assert.deepEqual(await process.exited, { code: 0, signal: null })
  })

  it('another process forks from a template that was handed over to it, and closes it', async () => {
    const template = ForkProcess.exec().require(worker)
    const control = await template.toFd()
    const child = ForkProcess.create().sendFd(control).sendArg(worker.href)
    control.close()
    const answered = await answer<{ arguments: unknown[]; exited: unknown; pid: number }>(
      await child.run(newOwner, 'inherit'),
    )
    assert.deepEqual(answered.arguments, ['from the new owner'])
    assert.deepEqual(answered.exited, { code: 0, signal: null })
    assert.equal(answered.pid, template.pid)
    assert.deepEqual(await template.exited, { code: 0, signal: null })
  })

  it('a process that was handed over survives its former owner and ends with its new owner', async () => {
    const owner = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/former-owner.js', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    const { newOwner, handedOver } = JSON.parse(line) as { newOwner: number; handedOver: number }
    owner.kill('SIGKILL')
    await untilGone(owner.pid!)
    assert.ok(isRunning(newOwner) && isRunning(handedOver))
    process.kill(newOwner, 'SIGKILL')
    await untilGone(newOwner, handedOver)
  })

  it('after toFd(), close() resolves immediately and inspect() rejects with TypeError', async function () {
    if (!isForking) return this.skip() // no process is forked
    const template = ForkProcess.exec()
    const control = await template.toFd()
    await template.close()
    await assert.rejects(template.inspect(), TypeError)
    const taken = ForkProcess.fromFd(control)
    assert.equal(control.isOpen, false)
    await taken.close()
    assert.deepEqual(await template.exited, { code: 0, signal: null })
  })

  it('a fork that was handed over reports the exits of its own descendants', async function () {
    if (!isLinux) return this.skip() // orphans get no other parent that could report their end
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

  it('an intermediate owner gets a status of nulls; the program that started the process gets the real one', async function () {
    if (!isForking) return this.skip() // no process is forked
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

  it('toFd() rejects with TypeError while a descendant lives whose exit the process would report', async function () {
    if (!isLinux) return this.skip() // orphans get no other parent that could report their end
    const template = ForkProcess.exec().require(worker)
    const parent = template.fork()
    const child = parent.fork()
    await child.ready()
    parent.kill('SIGKILL')
    await parent.exited
    await assert.rejects(template.toFd(), TypeError)
    await child.close()
    assert.deepEqual(await child.exited, { code: 0, signal: null })
    const taken = ForkProcess.fromFd(await template.toFd())
    await taken.close()
    await template.exited
  })

  it('toFd() rejects with TypeError for a process with forks, and fromFd() throws TypeError unless it gets a connected stream socket', async function () {
    if (!isForking) return this.skip() // the owner checks it
    const template = ForkProcess.exec()
    const child = template.fork()
    await assert.rejects(template.toFd(), TypeError)
    await child.close()
    await template.fork().close()
    const [readEnd, writeEnd] = pipe()
    assert.throws(() => ForkProcess.fromFd(readEnd), TypeError)
    const [one, other] = socketpair({ type: 'dgram' })
    assert.throws(() => ForkProcess.fromFd(one), { name: 'TypeError', message: /stream/ })
    one.close() // the caller still owns it
    other.close()
    readEnd.close()
    writeEnd.close()
    assert.throws(() => ForkProcess.fromFd(readEnd), { code: 'EBADF' })
    const listener = listen('\0anyfork.hand-over.' + process.pid)
    assert.throws(() => ForkProcess.fromFd(listener), { name: 'TypeError', message: /listens/ })
    listener.close() // the caller still owns it
    template.kill('SIGKILL')
    await template.exited
  })
})
