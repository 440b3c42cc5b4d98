import assert from 'node:assert/strict'
import { fstatSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { type Descriptor, pipe, read } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { forkingFlags } from '@anyfork/fork/template'
import { outputOf } from '@anyfork/test-support'
import { describe, it } from 'mocha'

const heir = new URL('./fixtures/new-owner.js', import.meta.url)
const status = new URL('./fixtures/exit-status.js', import.meta.url)

/** Reads until the end of the stream, and closes it. */
function readAll(readEnd: Descriptor): string {
  const buffer = Buffer.alloc(100)
  let text = ''
  for (let count = read(readEnd, buffer); count; count = read(readEnd, buffer))
    text += buffer.toString('utf8', 0, count)
  readEnd.close()
  return text
}

describe('the tests of AnyEvent::Fork', () => {
  it('01_early: a template started before any other module makes processes', async () => {
    const stdout = await outputOf(`
      import '@anyfork/fork/early'
      import { ForkProcess } from '@anyfork/fork'
      const process = ForkProcess.create().eval(() => { console.log('ok 2') })
      await process.ready()
      await process.close()
      console.log('ok 3')`)
    assert.equal(stdout, 'ok 2\nok 3\n')
  })

  it('02_template: the running program is the template of processes', async () => {
    const stdout = await outputOf(
      `
      import { forkTemplate } from '@anyfork/fork/template'
      globalThis.loaded = 'ok 2'
      const template = await forkTemplate()
      const process = template.fork().eval('console.log(loaded)')
      await process.ready()
      await process.close()
      await template.close()
      console.log('ok 3')`,
      [],
      { nodeFlags: forkingFlags },
    )
    assert.equal(stdout, 'ok 2\nok 3\n')
  })

  it('03_new: code writes to a descriptor that was sent before it; the pipe ends when the process is closed', async () => {
    const [readEnd, writeEnd] = pipe()
    const process = ForkProcess.create()
      .sendFd(writeEnd)
      .eval(async () => {
        const { runArgs } = await import('@anyfork/fork/child')
        const { write } = await import('@anyfork/fdpass')
        write(runArgs()[0] as number, Buffer.from('173'))
      })
    writeEnd.close()
    await process.close()
    assert.equal(readAll(readEnd), '173')
  })

  it('04_tofrom: two processes are handed over to a third, which gives them orders', async () => {
    const pipes = [pipe(), pipe()]
    const third = ForkProcess.create()
    for (const [, writeEnd] of pipes) {
      const control = await ForkProcess.create().toFd()
      third.sendFd(control, writeEnd)
      control.close()
      writeEnd.close()
    }
    const socket = await third.sendArg('172', '174').run(heir, 'dictate')
    assert.equal(await text(socket.toSocket()), 'done')
    assert.deepEqual(
      pipes.map(([readEnd]) => readAll(readEnd)),
      ['172', '174'],
    )
  })
})

describe('the tests of AnyEvent::Fork::Remote', () => {
  it('00_load: the package can be loaded, and has what starts a remote process', async () => {
    const { ForkProcess: loaded } = await import('@anyfork/fork')
    assert.equal(typeof loaded.remote, 'function')
  })

  it('01_basic: a Node that a command starts runs a function that eval() defines', async () => {
    const remote = ForkProcess.remote({ command: [process.execPath] }).eval(
      'function hello(socket, number) { socket.toSocket().end(`ok ${number}`) }',
    )
    const socket = await remote.sendArg(3).run('hello')
    assert.equal(await text(socket.toSocket()), 'ok 3')
  })

  it('01_basic, with a fresh interpreter of this machine', async () => {
    const process = ForkProcess.exec().eval('function hello(socket, number) { socket.toSocket().end(`ok ${number}`) }')
    const socket = await process.sendArg(3).run('hello')
    assert.equal(await text(socket.toSocket()), 'ok 3')
  })
})

describe('the tests of Proc::FastSpawn', () => {
  it('01_basic: the owner knows the pid and the exit code of a fresh interpreter', async () => {
    for (const code of [5, 6]) {
      const process = ForkProcess.exec()
      assert.ok(process.pid! > 0)
      ;(await process.sendArg(code).run(status, 'exit')).close()
      assert.deepEqual(await process.exited, { code, signal: null })
    }
  })

  it('02_inherit: a process has the descriptor that was sent, and not the other one', async () => {
    const [readEnd, writeEnd] = pipe()
    const { ino } = fstatSync(readEnd.fd)
    for (const process of [ForkProcess.exec(), ForkProcess.create()]) {
      const socket = await process.sendFd(writeEnd).run(status, 'countOpen')
      const open = JSON.parse(await text(socket.toSocket())) as Record<string, number>
      assert.equal(open[ino], 1, 'both ends of a pipe have one number')
    }
    readEnd.close()
    writeEnd.close()
  })
})

describe('a process without references', () => {
  it('a process whose ForkProcess object is collected ends, unless it runs a function', async () => {
    const stdout = await outputOf(
      `
      import { ForkProcess } from '@anyfork/fork'
      const exists = pid => { try { process.kill(pid, 0); return true } catch { return false } }
      const collect = async () => { for (let i = 0; i < 20; i++) { gc(); await new Promise(done => setTimeout(done, 5)) } }
      async function forget(run) {
        const child = ForkProcess.create().eval('function stay() { setInterval(() => {}, 1000) }')
        if (run) (await child.run('stay')).close()
        else await child.ready()
        return child.pid
      }
      const [idle, running] = [await forget(false), await forget(true)]
      while (exists(idle)) await collect()
      await collect()
      console.log(exists(running))
      process.exit()`,
      [],
      { nodeFlags: ['--expose-gc'] },
    )
    assert.equal(stdout, 'true\n')
  })
})
