import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type Descriptor, isNonblocking, pipe } from '@anyfork/fdpass'
import { isLinux } from '@anyfork/fdpass/internal'
import { type ExitStatus, ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, childrenOf, isRunning, isSoak, openResources, outputOf, until } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { answer } from './support/answer.js'
import { isForking } from './support/mode.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
const common = new URL('./fixtures/greeter.cjs', import.meta.url)
const GENERATIONS = isForking ? 10 : 3
const ROUNDS = !isForking ? 1 : isSoak ? 50 : 10
const FORKS_AT_ONCE = isForking ? 10 : 4

describe('ForkProcess', () => {
  let template: ForkProcess

  before(async () => {
    template = ForkProcess.exec().require(worker)
    await template.ready()
  })
  after(() => template.close())

  it('create() forks from the default template', async () => {
    const process = ForkProcess.create().sendArg('world')
    assert.equal(await answer(await process.run(common, 'greet')), 'hello world')
    assert.deepEqual(await process.exited, { code: 0, signal: null })
  })

  it('create() starts a new default template after the former was killed', async function () {
    if (!isForking) return this.skip() // the owner starts it
    const first = ForkProcess.create()
    await first.ready()
    const former = ForkProcess.startTemplate()
    process.kill(former.pid!, 'SIGKILL')
    await Promise.all([first.close(), former.exited])
    const second = ForkProcess.create().sendArg('again')
    assert.equal(await answer(await second.run(common, 'greet')), 'hello again')
  })

  it('exec() starts a fresh interpreter whose pid is known immediately', async function () {
    if (!isForking) return this.skip() // it is not forked
    const fresh = ForkProcess.exec()
    assert.equal(typeof fresh.pid, 'number')
    const { pid } = await answer<{ pid: number }>(await fresh.run(worker, 'identity'))
    assert.equal(pid, fresh.pid)
    assert.deepEqual(await fresh.exited, { code: 0, signal: null })
  })

  it(`mode reports how a process was made: exec by exec(), ${isForking ? 'fork' : 'exec, as ANYFORK_MODE says,'} by fork()`, async () => {
    const own = ForkProcess.exec()
    const child = own.fork()
    assert.equal(own.mode, 'exec')
    assert.equal(child.mode, undefined)
    await child.ready()
    assert.equal(child.mode, isForking ? 'fork' : 'exec')
    await child.close()
    await own.close()
  })

  it('the function gets arguments and descriptors in the order in which they were sent', async () => {
    const [readEnd, writeEnd] = pipe()
    const child = template
      .fork()
      .sendArg(1, 'two')
      .sendFd(readEnd)
      .sendArg({ three: [3n].map(String) })
      .sendFd(writeEnd, readEnd)
    const inode = fstatSync(readEnd.fd).ino
    readEnd.close()
    writeEnd.close()
    const got = await answer(await child.run(worker, 'describeArguments'))
    assert.deepEqual(got, [1, 'two', { inode }, { three: ['3'] }, { inode }, { inode }])
  })

  it('a fork inherits the arguments sent before it; parent and fork take later arguments separately', async () => {
    const parent = template.fork().sendArg('first')
    const child = parent.fork().sendArg('child')
    parent.sendArg('parent')
    assert.deepEqual(await answer(await child.run(worker, 'describeArguments')), ['first', 'child'])
    assert.deepEqual(await answer(await parent.run(worker, 'describeArguments')), ['first', 'parent'])
  })

  it('an argument larger than the socket buffer arrives whole', async () => {
    const big = 'x'.repeat(3_000_000)
    const got = await answer<string[]>(await template.fork().sendArg(big).run(worker, 'describeArguments'))
    assert.equal(got[0], big)
  })

  it('run() resolves to a non-blocking socket, and the pid is known', async () => {
    const child = template.fork()
    const socket = await child.run(worker, 'identity')
    assert.ok(isNonblocking(socket))
    const { pid, ppid } = await answer<{ pid: number; ppid: number }>(socket)
    assert.equal(pid, child.pid)
    assert.equal(ppid, template.pid)
  })

  it('require() loads a package by its name', async () => {
    const child = ForkProcess.create().require('ws', 'node:zlib')
    await child.ready()
    await child.close()
    assert.deepEqual(await child.exited, { code: 0, signal: null })
  })

  it('run() loads a module by its absolute path', async function () {
    if (!isForking) return this.skip() // the owner makes a URL of it
    const child = ForkProcess.create().sendArg('path')
    assert.equal(await answer(await child.run(fileURLToPath(common), 'greet')), 'hello path')
  })

  it('run() runs functions that eval() has defined', async () => {
    const child = ForkProcess.create()
      .eval('function reply(socket, ...args) { socket.toSocket().end(JSON.stringify([...args, kept])) }')
      .eval(async (value: number) => {
        const { setTimeout } = await import('node:timers/promises')
        Object.assign(globalThis, { kept: await setTimeout(1, value) })
      }, 7)
      .sendArg('arg')
    assert.deepEqual(await answer(await child.run('reply')), ['arg', 7])
  })

  it('every child has its own pid and random values', async function () {
    if (!isForking) return this.skip() // only forks inherit random values
    const source = template.fork().eval(async () => {
      const { randomInt, randomUUID } = await import('node:crypto')
      randomInt(10)
      randomUUID()
    })
    type Identity = Record<'pid' | 'random' | 'uuid' | 'webUuid' | 'int', unknown>
    const children = Array.from({ length: 8 }, () => source.fork())
    const seen = await Promise.all(children.map(async child => answer<Identity>(await child.run(worker, 'identity'))))
    for (const key of ['pid', 'random', 'uuid', 'webUuid', 'int'] as const)
      assert.equal(new Set(seen.map(one => one[key])).size, 8, key)
    assert.equal(new Set(seen.flatMap(one => [one.uuid, one.webUuid])).size, 16)
    await source.close()
  })

  it('grandchildren have their own random values', async function () {
    if (!isForking) return this.skip()
    const source = template.fork().eval(async () => {
      const { randomInt, randomUUID } = await import('node:crypto')
      randomInt(10)
      randomUUID()
    })
    const parent = source.fork()
    type Identity = Record<'uuid' | 'int', unknown>
    const seen = await Promise.all(
      [parent.fork(), parent.fork()].map(async child => answer<Identity>(await child.run(worker, 'identity'))),
    )
    assert.notEqual(seen[0]!.uuid, seen[1]!.uuid)
    assert.notEqual(seen[0]!.int, seen[1]!.int)
    await Promise.all([parent.close(), source.close()])
  })

  it(`a process of generation ${GENERATIONS} works`, async () => {
    const line = [template.fork()]
    for (let i = 1; i < GENERATIONS; i++) line.push(line.at(-1)!.fork())
    const last = line.at(-1)!
    await last.ready()
    assert.equal(await answer(await last.run(worker, 'countToThree')), 3)
    assert.deepEqual(await last.exited, { code: 0, signal: null })
    await Promise.all(line.slice(0, -1).map(one => one.close()))
  })

  it('exited reports how a process ended whose parent was killed before', async function () {
    if (!isLinux) return this.skip() // orphans get no other parent that could report their end
    const parent = template.fork()
    const child = parent.fork()
    ;(await child.run(worker, 'hold')).close()
    parent.kill('SIGKILL')
    assert.deepEqual(await parent.exited, { code: null, signal: 'SIGKILL' })
    assert.deepEqual(await child.exited, { code: 0, signal: null })
  })

  it('exited reports how a process ended whose parent was killed while the template was closing', async function () {
    if (!isLinux) return this.skip() // orphans get no other parent that could report their end
    const own = ForkProcess.exec().require(worker)
    const parent = own.fork()
    const child = parent.fork()
    ;(await child.run(worker, 'stay')).close()
    const closed = own.close()
    parent.kill('SIGKILL')
    await parent.exited
    child.kill('SIGTERM')
    assert.deepEqual(await child.exited, { code: null, signal: 'SIGTERM' })
    await closed
  })

  it('a SIGINT during its start does not end a template', async function () {
    if (!isForking) return this.skip() // it is not forked
    // The signal arrives when an addon has been loaded, before the first order is read.
    const interrupt = `const load = process.dlopen; process.dlopen = (...args) => { load.apply(process, args); setImmediate(() => process.kill(process.pid, 'SIGINT')) }`
    const template = ForkProcess.exec({
      execArgv: ['--import', `data:text/javascript,${encodeURIComponent(interrupt)}`],
    })
    await template.ready()
    await template.close()
  })

  it('an owner that becomes the parent of orphans after its template was killed reaps them and reports how they ended', async function () {
    if (!isLinux) return this.skip() // orphans get no other parent that could report their end
    const owner = spawn(process.execPath, [fileURLToPath(new URL('./fixtures/subreaper-owner.js', import.meta.url))], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    try {
      const [worker, early] = JSON.parse(line) as [ExitStatus, ExitStatus]
      assert.deepEqual(worker, { code: null, signal: 'SIGTERM' })
      assert.ok(early.signal === 'SIGKILL' || early.signal === null) // the template may have reaped it
      assert.deepEqual(childrenOf(owner.pid!), [])
    } finally {
      owner.kill('SIGKILL')
      await once(owner, 'exit')
    }
  })

  it('kill() sends a signal, and returns false after the process has ended', async () => {
    const child = template.fork()
    ;(await child.run(worker, 'spin')).close()
    assert.equal(child.kill(0), true)
    assert.throws(() => child.kill('SIGNIFICANT' as 'SIGTERM'), TypeError)
    assert.equal(child.kill(), true)
    while (isRunning(child.pid!)); // without a turn of the event loop, so that the owner does not know yet
    assert.equal(child.kill(), false)
    assert.deepEqual(await child.exited, { code: null, signal: 'SIGTERM' })
    assert.equal(child.kill('SIGKILL'), false)
  })

  it('memory() works while a function starts and while a process closes, and rejects after it has ended', async function () {
    if (!isForking) return this.skip() // the owner reads it
    const spinning = template.fork()
    const running = spinning.run(worker, 'spin')
    assert.ok((await spinning.memory()).rss > 0)
    ;(await running).close()
    const closing = template.fork()
    const child = closing.fork()
    const closed = closing.close()
    assert.ok((await closing.memory()).rss > 0)
    await child.close()
    await closed
    await assert.rejects(closing.memory(), { code: 'ERR_PROCESS_EXITED' })
    spinning.kill('SIGKILL')
    while (isRunning(spinning.pid!)); // without a turn of the event loop, so that the owner does not know yet
    await assert.rejects(spinning.memory(), { code: 'ERR_PROCESS_EXITED' })
  })

  it('kill() of a process that is being forked delivers all signals in order', async () => {
    const child = template.fork()
    assert.deepEqual([child.kill('SIGTERM'), child.kill('SIGCONT')], [true, true])
    assert.deepEqual(await child.exited, { code: null, signal: 'SIGTERM' })
  })

  it('exited reports the end of a process that was forked after queued siblings', async () => {
    const own = ForkProcess.exec().eval(async () => {
      const { setTimeout } = await import('node:timers/promises')
      await setTimeout(200) // so that forks queue up
    })
    const siblings = Array.from({ length: 4 }, () => own.fork())
    await Promise.all(siblings.map(one => one.ready()))
    const [youngest] = siblings.splice(-1)
    youngest!.kill('SIGKILL')
    assert.deepEqual(await youngest!.exited, { code: null, signal: 'SIGKILL' })
    await Promise.all([own, ...siblings].map(one => one.close()))
  })

  it('a template does not reap the children of child_process', async () => {
    const own = ForkProcess.exec()
    await own.fork().ready() // it reaps from then on
    const ended = own.eval(
      async (pairs: number) => {
        const { spawn } = await import('node:child_process')
        let exits = 0
        for (let i = 0; i < pairs; i++) {
          const both = ['0', '0.01'].map(
            seconds =>
              new Promise<void>(resolve => {
                spawn('sleep', [seconds]).once('exit', () => {
                  exits++
                  for (const until = performance.now() + 20; performance.now() < until; );
                  resolve()
                })
              }),
          )
          await Promise.all(both)
        }
        if (exits !== 2 * pairs) throw new Error(`${exits} exits`)
      },
      isSoak ? 10 : 4,
    )
    await ended.ready()
    own.kill()
    await own.exited
  })

  it('a template does not reap the children of a worker thread that is busy', async () => {
    const own = ForkProcess.exec()
    await own.fork().ready()
    const exits = own.eval(
      async (program: string) => {
        const { Worker } = await import('node:worker_threads')
        const code = await new Promise(resolve => new Worker(program, { eval: true }).once('message', resolve))
        if (code !== 7) throw new Error(String(code))
      },
      `
      const { parentPort } = require('node:worker_threads')
      const child = require('node:child_process').spawn('sh', ['-c', 'exit 7'])
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500)
      child.once('exit', code => parentPort.postMessage(code))
      setTimeout(() => parentPort.postMessage('no exit'), 20_000)`,
    )
    await exits.ready()
    own.kill()
    await own.exited
  })

  it('a template reaps orphans that no process waits for', async function () {
    if (!isLinux) return this.skip() // orphans get no other parent that could report their end
    const own = ForkProcess.exec()
    const parent = own.fork().eval(async (count: number) => {
      const { spawnSync } = await import('node:child_process')
      const command = 'for i in $(seq $0); do sleep 1000 & done'
      spawnSync('sh', ['-c', command, String(count)], { stdio: 'ignore' }) // the shell has ended by now
    }, 5)
    await parent.close()
    const orphans = childrenOf(own.pid!)
    assert.equal(orphans.length, 5)
    for (const pid of orphans) process.kill(pid, 'SIGKILL')
    await until(() => childrenOf(own.pid!).length === 0)
    await own.close()
  })

  it('in a fork of the owner, its processes reject with ERR_NOT_OWNED, and pending promises never settle', async () => {
    const parent = ForkProcess.exec().eval(async () => {
      const { ForkProcess } = await import('@anyfork/fork')
      const root = ForkProcess.exec()
      const own = root.fork()
      await own.ready()
      let goesOn = false
      for (const one of [root, own]) void one.exited.then(() => (goesOn = true))
      const probe = async (socket: Descriptor): Promise<void> => {
        const code = (promise: Promise<unknown>): Promise<unknown> =>
          promise.then(
            () => 'fulfilled',
            (error: NodeJS.ErrnoException) => error.code,
          )
        const asked: Promise<unknown>[] = [own.fork().toFd()]
        for (const one of [root, own, own.fork()]) asked.push(one.ready(), one.inspect(), one.memory(), one.run('none'))
        const codes = await Promise.all(asked.map(code))
        const observed = [
          new Set(codes).size,
          codes[0],
          await own.exited,
          await code(own.close()),
          own.kill(),
          own.isAlive,
          goesOn,
        ]
        socket.toSocket().end(JSON.stringify(observed))
      }
      Object.assign(globalThis, { probe })
    })
    const child = parent.fork()
    assert.deepEqual(await answer(await child.run('probe')), [
      1,
      'ERR_NOT_OWNED',
      { code: null, signal: null },
      'fulfilled',
      false,
      false,
      false,
    ])
    await child.exited
    parent.kill()
    await parent.exited
  })

  it('a closed template ends after all processes forked from it', async () => {
    const own = ForkProcess.exec()
    const child = own.fork()
    const socket = await child.run(worker, 'hold')
    const order: string[] = []
    const both = [own.close().then(() => order.push('template')), child.exited.then(() => order.push('child'))]
    socket.close()
    await Promise.all(both)
    assert.deepEqual(order, ['child', 'template'])
  })

  it(`${ROUNDS * FORKS_AT_ONCE} forks leave no descriptor, child, or zombie`, async () => {
    const warm = template.fork()
    ;(await warm.run(worker, 'hold')).close()
    await warm.exited
    const before = openResources()
    for (let i = 0; i < ROUNDS; i++) {
      const statuses = Array.from({ length: FORKS_AT_ONCE }, async () => {
        const child = template.fork()
        ;(await child.run(worker, 'hold')).close()
        return child.exited
      })
      for (const status of await Promise.all(statuses)) assert.deepEqual(status, { code: 0, signal: null })
    }
    await assertNothingLeft(before)
    assert.deepEqual(childrenOf(template.pid!), [])
  })

  it('an idle process does not keep the program running', async function () {
    if (!isForking) return this.skip() // the owner decides
    const program = `
      import { isLinux } from '@anyfork/fdpass/internal'
import { ForkProcess } from '@anyfork/fork'
      const idle = ForkProcess.create()
      await idle.ready()
      console.log(idle.pid)`
    assert.match(await outputOf(program), /^\d+\n$/)
  })

  it('awaiting exited keeps the program running', async function () {
    if (!isForking) return this.skip() // the owner decides
    const program = `
      import { ForkProcess } from '@anyfork/fork'
      const child = ForkProcess.create().eval(() => { globalThis.later = () => { setTimeout(() => process.exit(12), 50) } })
      await child.run('later')
      console.log((await child.exited).code)`
    assert.equal(await outputOf(program), '12\n')
  })
})
