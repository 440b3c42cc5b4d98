import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipe } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, isRunning, openDescriptors, openResources, outputOf, until } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'

const module = new URL('./fixtures/talker.js', import.meta.url)
const surroundings = new URL('./fixtures/surroundings.js', import.meta.url)
const owners = new URL('./fixtures/owner-of-piped.js', import.meta.url)
const PIPES = ['pipe', 'pipe', 'pipe'] as const
const succeeded = { code: 0, signal: null }

/** The names of the descriptors of a process. */
const descriptorsOf = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/fd`).map(fd => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`)
    } catch {
      return '' // closed meanwhile
    }
  })

describe('standard streams', () => {
  let folder: string
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    await ForkProcess.exec().close() // the first one opens what all of them share
  })
  after(() => rmSync(folder, { recursive: true }))

  for (const mode of ['fork', 'exec'] as const) {
    for (const isUsed of [false, true]) {
      const about = `(mode ${mode}, the template has ${isUsed ? '' : 'not '}used its streams)`
      /** Starts a template whose own streams are files. */
      const start = async (): Promise<ForkProcess> => {
        const template = ForkProcess.exec({ mode, stdio: ['ignore', openNull, openNull] })
        if (isUsed) {
          await template.call(module, 'use')
          await template.eval('console.log(); console.error()').ready()
        } else await template.ready()
        return template
      }
      let openNull: number
      before(() => void (openNull = openSync('/dev/null', 'r+')))
      after(() => closeSync(openNull))

      it(`pipes work right after the fork, in both directions ${about}`, async () => {
        const resources = openResources()
        const template = await start()
        const child = template.fork({ stdio: PIPES })
        ;(await child.run(module, 'shout')).close()
        child.stdin!.write('one ')
        child.stdin!.end('two\n')
        assert.equal(await text(child.stdout!), 'ONE TWO\nEND\n')
        assert.equal(await text(child.stderr!), '')
        assert.deepEqual(await child.exited, succeeded)
        await template.close()
        await assertNothingLeft(resources)
      })

      it(`everything that is written arrives in order, whoever writes it ${about}`, async () => {
        const template = await start()
        await template.require(module).ready()
        const child = template.fork({ stdio: ['ignore', 'pipe', 'pipe'] })
        assert.equal(child.stdin, null)
        ;(await child.run(module, 'writeInAllWays')).close()
        assert.equal(await text(child.stdout!), '1 2\n3 4 5\n6\n7 end')
        assert.equal(await text(child.stderr!), 'to error\n')
        assert.deepEqual(await child.exited, succeeded)
        await template.close()
      })

      it(`streams can be files and descriptors of the caller, or change again ${about}`, async () => {
        const template = await start()
        const path = join(folder, 'file')
        writeFileSync(path, 'from a file\n')
        const input = openSync(path, 'r')
        const output = openSync(join(folder, 'output'), 'w')
        const [readEnd, writeEnd] = pipe()
        const child = template.fork({ stdio: PIPES }).configure({ stdio: [input, output, writeEnd] })
        closeSync(input)
        writeEnd.close()
        assert.deepEqual((await child.call<unknown[]>(module, 'kinds')).slice(0, 2), ['ReadStream', undefined])
        ;(await child.run(module, 'shout')).close()
        assert.deepEqual(await child.exited, succeeded)
        assert.equal(await text(readEnd.toSocket()), '')
        closeSync(output)
        assert.equal(readFileSync(join(folder, 'output'), 'utf8'), 'FROM A FILE\nEND\n')
        await template.close()
      })
    }

    it(`a process that does not read holds its owner back, and one that is not read keeps its output (mode ${mode})`, async () => {
      const size = 10_000_000
      const child = ForkProcess.exec({ mode }).require(module)
      const reader = child.fork({ stdio: ['pipe', 'pipe', 'inherit'] })
      const gate = (await reader.run(module, 'readLater')).toSocket()
      assert.equal(reader.stdin!.write(Buffer.alloc(size)), false)
      assert.ok(reader.stdin!.writableLength > 0)
      gate.write('x')
      await once(reader.stdin!, 'drain')
      reader.stdin!.end()
      assert.equal(await text(reader.stdout!), `${size}\n`)
      gate.destroy()

      const writer = child.fork({ stdio: ['inherit', 'pipe', 'inherit'] }).sendArg(size)
      const kept = Number(await text((await writer.run(module, 'flood')).toSocket()))
      assert.ok(kept > 0, `${kept} bytes`)
      assert.equal((await text(writer.stdout!)).length, size)
      assert.deepEqual(await writer.exited, succeeded)
      await reader.exited
      await child.close()
    })

    it(`the output of a killed process ends although its siblings live on, and its input is closed (mode ${mode})`, async () => {
      const template = ForkProcess.exec({ mode }).require(module)
      await template.ready()
      const before = descriptorsOf(template.pid!)
      const children = [1, 2, 3].map(() => template.fork({ stdio: PIPES }))
      for (const child of children) (await child.run(module, 'writeForEver')).close()
      const [first, ...others] = children
      const closed = once(first!.stdin!, 'close')
      first!.kill('SIGKILL')
      assert.match(await text(first!.stdout!), /^(line\n)*$/)
      assert.equal(await text(first!.stderr!), '')
      await closed
      for (const other of others) assert.ok(isRunning(other.pid!))
      assert.deepEqual(descriptorsOf(template.pid!).filter(isPipe), before.filter(isPipe))
      const pipes = others.map(other => descriptorsOf(other.pid!).filter(isPipe))
      assert.deepEqual(
        pipes[0]!.filter(name => pipes[1]!.includes(name) && !before.includes(name)),
        [],
      )
      for (const other of others) {
        other.kill()
        await text(other.stdout!)
        await other.exited
      }
      await template.close()
    })

    it(`a process whose output the owner has closed ends with EPIPE, as without a fork (mode ${mode})`, async () => {
      const template = ForkProcess.exec({ mode, stdio: ['ignore', 'inherit', 'ignore'] })
      await template.call(module, 'use')
      const writer = template.fork({ stdio: ['ignore', 'pipe', 'pipe'] })
      ;(await writer.run(module, 'writeForEver')).close()
      writer.stdout!.destroy()
      assert.match(await text(writer.stderr!), /Error: write EPIPE/)
      assert.deepEqual(await writer.exited, { code: 1, signal: null })
      await template.close()
    })

    it(`exec() with pipes connects the template and its forks (mode ${mode})`, async () => {
      const resources = openResources()
      const template = ForkProcess.exec({ mode, stdio: ['pipe', 'pipe', 'pipe'] })
      template.eval('console.log("template")')
      const child = template.fork()
      assert.deepEqual([child.stdin, child.stdout, child.stderr], [null, null, null])
      child.eval('console.log("child")')
      await child.close()
      await template.close()
      const lines = (await text(template.stdout!)).split('\n')
      assert.deepEqual([lines[0], lines.at(-2)], ['template', 'child'])
      assert.equal(await text(template.stderr!), '')
      await assertNothingLeft(resources)
    })

    it(`output that is read late is all there, and takes no descriptor after the end of the process (mode ${mode})`, async () => {
      const resources = openResources()
      const child = ForkProcess.exec({ mode, stdio: PIPES })
      child.eval('console.log("read"); process.stderr.write("x".repeat(60_000))')
      await child.close()
      await assertNothingLeft(resources)
      assert.equal(await text(child.stdout!), 'read\n')
      assert.equal((await text(child.stderr!)).length, 60_000)
    })

    it(`forks of an owner do not hold the ends of the pipes that the owner has (mode ${mode})`, async () => {
      const owner = ForkProcess.exec({ mode: 'fork' })
      const inner = await owner.call<number>(owners, 'startProcess', mode)
      const theirs = [0, 1, 2].map(number => readlinkSync(`/proc/${inner}/fd/${number}`))
      const fork = owner.fork()
      await fork.ready()
      const [kept, inherited] = [owner, fork].map(({ pid }) =>
        descriptorsOf(pid!).filter(name => theirs.includes(name)),
      )
      assert.deepEqual([kept!.length, inherited], [3, []])
      assert.equal(await owner.call(owners, 'echo', 'text'), 'TEXTEND\n')
      await fork.close()
      await owner.close()
    })

    it(`a copy of a running function has streams of its own (mode ${mode})`, async () => {
      const running = ForkProcess.exec({ mode, stdio: ['ignore', 'pipe', 'inherit'] })
      const socket = await running.eval('console.log("running")').run(surroundings, 'wait')
      const copy = running.refork({ stdio: ['ignore', 'pipe', 'inherit'] })
      copy.eval('console.log("copy")')
      await copy.close()
      assert.equal(await text(copy.stdout!), 'copy\n')
      socket.close()
      await running.exited
      assert.match(await text(running.stdout!), /^running\n/)
    })
  }

  it('an interpreter that takes the place of a fork has its streams', async () => {
    const template = ForkProcess.exec({ mode: 'auto' })
    const child = template.fork({ stdio: PIPES })
    child.eval(async () => {
      const { setCloseOnExec } = await import('@anyfork/fdpass')
      for (const number of [0, 1, 2]) setCloseOnExec(number, true) // as libuv does with terminals
    })
    await child.call(surroundings, 'startThread')
    child.eval('console.log("started")')
    await child.close()
    assert.equal(child.mode, 'exec')
    assert.match(await text(child.stdout!), /started\n$/)
    await template.close()
  })

  it('a standard stream that code has closed is opened again', async () => {
    const template = ForkProcess.exec({ mode: 'fork' }).eval("import('node:fs').then(({ closeSync }) => closeSync(0))")
    const child = template.fork({ stdio: ['inherit', 'pipe', 'pipe'] })
    await child.ready()
    assert.equal(readlinkSync(`/proc/${child.pid}/fd/0`), '/dev/null')
    for (const number of [1, 2]) assert.match(readlinkSync(`/proc/${child.pid}/fd/${number}`), /^pipe:/)
    child.eval('console.log("out"); console.error("error")')
    await child.close()
    assert.deepEqual([await text(child.stdout!), await text(child.stderr!)], ['out\n', 'error\n'])
    await template.close()
  })

  it('streams that a preloaded module has used are renewed', async () => {
    const preload = join(folder, 'preload.cjs')
    writeFileSync(preload, 'console.log("preloaded")')
    const template = ForkProcess.exec({ execArgv: ['--require', preload], stdio: ['ignore', 'pipe', 'inherit'] })
    const child = template.fork({ stdio: ['ignore', 'pipe', 'inherit'] })
    child.eval('console.log("child")')
    await child.close()
    await template.close()
    assert.equal(await text(child.stdout!), 'child\n')
  })

  it('the streams of a program that forks itself are renewed in its copies', async () => {
    assert.equal(await outputOf(new URL('./fixtures/forks-itself-with-streams.js', import.meta.url)), '')
  })

  it('streams that no code reads are collected once their process has ended', async () => {
    const program = `
      import { ForkProcess } from '@anyfork/fork'
      async function end() {
        const process = ForkProcess.exec({ stdio: ['ignore', 'pipe', 'pipe'] }).eval("console.log('unread')")
        await process.close()
        return ['stdout', 'stderr'].map(name => new WeakRef(process[name]))
      }
      const streams = await end()
      while (streams.some(stream => stream.deref())) {
        await new Promise(done => setTimeout(done, 5))
        gc()
      }
      console.log('collected')`
    assert.equal(await outputOf(program, [], { nodeFlags: ['--expose-gc'] }), 'collected\n')
  })

  it('a full descriptor table rejects with EMFILE and leaks nothing, in the owner and in the process', async () => {
    const output = await outputOf(new URL('./fixtures/full-table-streams.js', import.meta.url), [], { openFiles: 64 })
    assert.equal(output, 'done\n')
  })

  it('a closed descriptor is EBADF, and opens nothing', async () => {
    const template = ForkProcess.exec()
    await template.ready()
    const count = openDescriptors()
    const closed = openSync('/dev/null', 'r')
    closeSync(closed)
    assert.throws(() => template.configure({ stdio: ['pipe', 'ignore', closed] }), { code: 'EBADF' })
    assert.equal(openDescriptors(), count)
    assert.throws(() => template.fork({ stdio: ['pipe', 'ignore', closed] }), { code: 'EBADF' })
    await template.close()
    await until(() => openDescriptors() < count)
  })

  it('pipes do not keep the owner running while it does not read them', async () => {
    assert.equal(await outputOf(new URL('./fixtures/idle-pipes.js', import.meta.url)), 'done\n')
  })
})

const isPipe = (name: string): boolean => name.startsWith('pipe:')
