import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, isSoak, openResources, untilGone } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { isForking } from './support/mode.js'

const leaving = new URL('./fixtures/keeps-resources.js', import.meta.url)
const counter = new URL('./fixtures/generation-counter.js', import.meta.url)

/** The size of the buffer that the module of the fixture holds. */
const INHERITED_BYTES = 32 << 20

interface Greeting {
  generation: number
  pid: number
  bytes: number
}

async function start(process: ForkProcess, ...args: unknown[]): Promise<[Greeting, Socket]> {
  const socket = (await process.sendArg(...args).run(counter, 'serve')).toSocket()
  const [line] = (await once(socket, 'data')) as [Buffer]
  return [JSON.parse(line.toString()) as Greeting, socket]
}

describe('refork', () => {
  before(async () => {
    const [, socket] = await start(ForkProcess.exec().require(counter)) // Node and this package keep descriptors that the first process needs
    socket.end()
    await once(socket, 'close')
  })

  const GENERATIONS = isForking ? 6 : 2

  it(`refork() copies a running process ${GENERATIONS} generations deep; each keeps running`, async () => {
    const before = openResources()
    const template = ForkProcess.exec().require(counter)
    const line = [template.fork()]
    const sockets: Socket[] = []
    for (let i = 1; i <= GENERATIONS; i++) {
      const process = line.at(-1)!
      const [greeting, socket] = await start(process)
      assert.equal(greeting.pid, process.pid)
      if (isForking) assert.equal(greeting.generation, i)
      sockets.push(socket)
      line.push(process.refork())
    }
    const last = line.at(-1)!
    await last.ready()
    const uss = isForking && isSoak ? (await last.memory()).uss : 0
    assert.ok(uss < INHERITED_BYTES / 2, `${uss} bytes of its own`)
    await last.close()
    for (const socket of sockets) socket.end()
    for (const one of line.slice(0, -1)) assert.deepEqual(await one.exited, { code: 0, signal: null })
    await template.close()
    await assertNothingLeft(before)
  })

  it('forks of a refork() copy run the function', async () => {
    const template = ForkProcess.exec().require(counter)
    const [, socket] = await start(template)
    const promoted = template.refork()
    const workers = [promoted.fork(), promoted.fork()]
    for (const worker of workers) {
      const [{ generation, pid }, own] = await start(worker)
      assert.equal(pid, worker.pid)
      if (isForking) assert.equal(generation, 2)
      own.end()
      assert.deepEqual(await worker.exited, { code: 0, signal: null })
    }
    await promoted.close()
    socket.end()
    assert.deepEqual(await template.exited, { code: 0, signal: null })
  })

  it('refork() rejects with ERR_ACTIVE_HANDLES, which names the handle, while a timer is active; the function continues', async function () {
    if (!isForking) return this.skip()
    const template = ForkProcess.exec().require(counter)
    const [, socket] = await start(template, false)
    const copy = template.refork()
    await assert.rejects(copy.ready(), { code: 'ERR_ACTIVE_HANDLES', message: /Timeout/ })
    assert.deepEqual(await copy.exited, { code: 1, signal: null })
    assert.ok(template.isAlive)
    socket.end()
    assert.deepEqual(await template.exited, { code: 0, signal: null })
  })

  it('refork() rejects with ERR_ACTIVE_HANDLES for an open connection, also an unreferenced one', async function () {
    if (!isForking) return this.skip()
    const folder = await mkdtemp(join(tmpdir(), 'anyfork-'))
    const server = createServer().listen(join(folder, 'socket'))
    await once(server, 'listening')
    const process = ForkProcess.create().sendArg(join(folder, 'socket'))
    const socket = (await process.run(leaving, 'keepConnection')).toSocket()
    await once(socket, 'data')
    await assert.rejects(process.refork().ready(), { code: 'ERR_ACTIVE_HANDLES', message: /a connection/ })
    process.kill('SIGKILL')
    await process.exited
    socket.destroy()
    server.close()
    await rm(folder, { recursive: true })
  })

  it('a refork() copy has neither the listeners nor the exit code of the function', async function () {
    if (!isForking) return this.skip()
    const process = ForkProcess.create()
    const socket = (await process.run(leaving, 'keepListeners')).toSocket()
    await once(socket, 'data')
    socket.on('data', () => assert.fail('a listener of the function was called in a copy'))
    const [closed, killed] = [process.refork(), process.refork()]
    await Promise.all([closed.ready(), killed.ready()])
    await closed.close()
    assert.deepEqual(await closed.exited, { code: 0, signal: null })
    killed.kill('SIGTERM')
    assert.deepEqual(await killed.exited, { code: null, signal: 'SIGTERM' })
    process.kill('SIGKILL')
    await process.exited
    socket.destroy()
  })

  it('refork() rejects with ERR_ACTIVE_HANDLES while an immediate is pending', async function () {
    if (!isForking) return this.skip()
    const process = ForkProcess.create().eval('function again() { setImmediate(again) }')
    ;(await process.run('again')).close()
    await assert.rejects(process.refork().ready(), { code: 'ERR_ACTIVE_HANDLES', message: /Immediate/ })
    process.kill()
    await process.exited
  })

  it('a refork() copy of a process that outlives its owner ends with the owner, as do its forks', async () => {
    const owner = spawn(
      process.execPath,
      [fileURLToPath(new URL('./fixtures/owner-of-outliving.js', import.meta.url))],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [line] = (await Promise.race([once(createInterface(owner.stdout), 'line'), once(owner, 'exit')])) as [string]
    const pids = JSON.parse(line) as number[]
    const outliving = pids.pop()!
    owner.kill('SIGKILL')
    try {
      await untilGone(...pids)
    } finally {
      process.kill(outliving, 'SIGTERM')
    }
    await untilGone(outliving)
  })

  it('refork() throws TypeError before run() and after close(), and rejects after the process has exited', async () => {
    const process = ForkProcess.create()
    assert.throws(() => process.refork(), TypeError)
    const [, socket] = await start(process)
    socket.end()
    await process.exited
    await assert.rejects(process.refork().ready(), { code: 'ERR_PROCESS_EXITED', exitCode: 0 })
    await process.close()
    assert.throws(() => process.refork(), { name: 'TypeError', message: /after close/ })
  })
})
