import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ForkProcess } from '@anyfork/fork'
import {
  assertNothingLeft,
  childrenOf,
  openResources,
  openSpareDescriptor,
  type Resources,
  until,
  untilGone,
} from '@anyfork/test-support'
import { after, afterEach, before, describe, it } from 'mocha'

const module = new URL('./fixtures/out-of-reach.js', import.meta.url)
const worker = new URL('./fixtures/worker.js', import.meta.url)
const KILLED = { code: null, signal: 'SIGKILL' }

describe('a process that its owner cannot reach', () => {
  let template: ForkProcess
  let atRest: Resources

  before(async () => {
    await openSpareDescriptor()
    template = ForkProcess.exec().require(module, worker)
    await template.ready()
    atRest = openResources()
  })
  afterEach(() => assertNothingLeft(atRest))
  after(() => template.close())

  for (const [which, make] of [
    ['a fork', () => template.fork()],
    ['an interpreter', () => ForkProcess.exec()],
  ] as const) {
    it(`${which} that has closed its sockets can be killed`, async () => {
      const process = make()
      const socket = (await process.run(module, 'closeSockets')).toSocket().resume()
      await once(socket, 'end')
      assert.ok(process.kill('SIGKILL'))
      assert.deepEqual(await process.exited, KILLED)
      assert.equal(process.kill('SIGKILL'), false)
      socket.destroy()
    })
  }

  it('a process whose control socket another program holds settles after its end', async () => {
    const process = template.fork()
    const socket = (await process.run(module, 'shareControlSocket')).toSocket()
    const [line] = (await once(createInterface(socket), 'line')) as [string]
    process.kill('SIGTERM')
    assert.deepEqual(await process.exited, { code: null, signal: 'SIGTERM' })
    globalThis.process.kill(Number(line), 'SIGKILL')
    await untilGone(Number(line))
    socket.destroy()
  })

  it('a killed process settles although the process that reports its exit is stopped', async () => {
    const process = template.fork()
    await process.ready()
    template.kill('SIGSTOP')
    process.kill('SIGKILL')
    assert.deepEqual(await process.exited, KILLED)
    template.kill('SIGCONT')
    await template.ready()
  })

  it('a process killed before it exists settles although the process that forked it does something else at once', async () => {
    const busy = template.fork()
    await busy.ready()
    const process = busy.fork()
    process.kill('SIGKILL')
    busy.eval('for (;;);')
    const end = Date.now() + 300 // so that all reports about its start arrive together
    while (Date.now() < end);
    assert.deepEqual(await process.exited, KILLED)
    busy.kill('SIGKILL')
    await busy.exited
  })

  it('an interpreter that hangs before its first report can be killed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const owner = ForkProcess.exec({
      mode: 'exec',
      execArgv: ['--require', fileURLToPath(new URL('./fixtures/hangs-once-marked.cjs', import.meta.url))],
      env: { ...process.env, ANYFORK_TEST_MARK: join(folder, 'mark') },
    })
    await owner.ready()
    const hanging = owner.fork()
    hanging.ready().catch(() => {})
    assert.ok(hanging.kill('SIGKILL'))
    assert.deepEqual(await hanging.exited, KILLED)
    await until(() => childrenOf(owner.pid!).length === 0)
    await owner.close()
    rmSync(folder, { recursive: true })
  })

  it('a process killed before it exists settles, and ends if it is forked later', async () => {
    await template.ready()
    template.kill('SIGSTOP')
    const process = template.fork()
    assert.ok(process.kill('SIGKILL'))
    assert.deepEqual(await process.exited, KILLED)
    await assert.rejects(process.ready(), { code: 'ERR_PROCESS_EXITED' })
    template.kill('SIGCONT')
    await template.ready() // it has been forked
    await until(() => childrenOf(template.pid!).length === 0)
  })
})
