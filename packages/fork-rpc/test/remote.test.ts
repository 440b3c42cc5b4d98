import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { sendMessage } from '@anyfork/fdpass'
import { connect, ForkProcess, fd, preload, type Remote, type RpcOptions, rpcOf, run } from '@anyfork/fork-rpc'
import { assertNothingLeft, hasSshServer, openResources, outputOf, SshServer } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { cborArray, frame } from './support/raw-frames.js'

type Module = typeof import('./fixtures/remote.js')

const module = new URL('./fixtures/remote.js', import.meta.url)
const command = [process.execPath]

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

for (const async of [false, true]) {
  describe(`a connection to a remote process, with async: ${async}`, () => {
    const events: unknown[] = []
    const open = (options: RpcOptions = {}, process = ForkProcess.remote({ command, stderr: 'ignore' })) =>
      connect<Module>(process, module, { async, ...options })
    let remote: Remote<Module>
    before(() => {
      remote = open({ onEvent: (...values) => events.push(...values) })
    })
    after(() => rpcOf(remote).close())

    it('calls functions of the module, with values of every kind', async () => {
      assert.equal(await remote.add(1, 2), 3)
      const values = [
        new Map([['a', new Date(5)]]),
        new Set([1n]),
        /x/g,
        Buffer.from('b'),
        undefined,
        -0,
        [{ c: null }],
      ]
      assert.deepEqual(await remote.echo(...values), values)
      assert.equal(await remote.later(), 'later')
    })

    it('sends large buffers in both directions', async () => {
      const large = Buffer.alloc(10_000_000, 'anyfork')
      const [back, name] = await remote.echo(large, 'name')
      assert.ok(large.equals(back as Buffer))
      assert.equal(name, 'name')
    })

    it('sends streams in both directions', async () => {
      assert.deepEqual(
        await collect(remote.count(1000)),
        Array.from({ length: 1000 }, (_, i) => i),
      )
      const pieces = (async function* () {
        for (let i = 0; i < 100; i++) yield Buffer.alloc(100_000)
      })()
      assert.equal(await remote.sum(pieces), 10_000_000)
    })

    it('ends a stream on the other side that is no longer read', async () => {
      for await (const i of remote.count(Infinity)) if (i === 10) break
      assert.equal(await remote.add(1, 1), 2)
    })

    it('reports events in order, from code that imports a package which is not installed there', async () => {
      events.length = 0
      assert.deepEqual(await remote.report('first', 2, [3]), [true, true])
      assert.deepEqual(events, ['first', 2, [3]])
    })

    it('rejects with the error that a function throws', async () => {
      await assert.rejects(remote.fail(), (error: RangeError & { code: string }) => {
        assert.ok(error instanceof RangeError)
        assert.deepEqual([error.message, error.code, (error.cause as Error).message], ['too much', 'E_MUCH', 'inner'])
        return true
      })
      const missing = remote as unknown as Record<string, () => Promise<void>>
      await assert.rejects(missing['missing']!(), { code: 'ERR_EXPORT_NOT_FOUND' })
    })

    it(async ? 'runs many calls at a time' : 'runs one call at a time, in order', async () => {
      const before = (await remote.begunCalls()) as number[]
      const others = await Promise.all([1, 2, 3].map(id => remote.overlap(id)))
      assert.deepEqual(others, async ? [0, 1, 2] : [0, 0, 0])
      assert.deepEqual(await remote.begunCalls(), [...before, 1, 2, 3])
    })

    it('drops a call that is cancelled before it begins', async () => {
      const controller = new AbortController()
      const first = remote.overlap(10)
      const cancelled = remote.overlap.with({ signal: controller.signal })(11)
      controller.abort()
      await assert.rejects(cancelled, { name: 'AbortError' })
      await first
      assert.ok(!((await remote.begunCalls()) as number[]).includes(11))
    })

    it('rejects descriptors in both directions with ERR_REMOTE, and goes on', async () => {
      const before = openResources()
      const error = { code: 'ERR_REMOTE', message: 'descriptors cannot be sent: the process is remote' }
      await assert.rejects(remote.echo(fd(0)), error)
      await assert.rejects(remote.echo(1, { nested: [fd(0)] }), error)
      await assert.rejects(remote.passDescriptor() as Promise<unknown>, error)
      await assertNothingLeft(before)
      assert.equal(await remote.add(2, 2), 4)
    })

    for (const serialiser of ['json', 'octets', 'v8'] as const) {
      it(`uses the serialiser ${serialiser}`, async () => {
        const other = open({ serialiser })
        const value = serialiser === 'octets' ? Buffer.from('bytes') : ['a', { b: 1 }]
        assert.deepEqual(await other.same(value), value)
        await rpcOf(other).close()
      })
    }

    it('calls init with the arguments of the process, and done at the end', async () => {
      const process = ForkProcess.remote({ command, stderr: 'pipe' }).sendArg('hello', { n: 1 })
      const other = open({ init: 'init', done: 'finish' }, process)
      assert.deepEqual(await other.greetingsOfInit(), ['hello', { n: 1 }])
      void rpcOf(other).close()
      assert.equal(await text(process.stderr!), 'done\n')
      assert.deepEqual(await rpcOf(other).ended, { code: 0, signal: null })
    })

    it('rejects pending calls when the process exits, is killed, or throws an uncaught error', async () => {
      const ends: [name: 'exit' | 'die' | 'uncaught', status: object, cause: string | undefined][] = [
        ['exit', { exitCode: 9, signal: null }, undefined],
        ['die', { exitCode: null, signal: 'SIGKILL' }, undefined],
        ['uncaught', { exitCode: 1, signal: null }, 'too much'],
      ]
      for (const [name, status, cause] of ends) {
        const other = open()
        const end = name === 'exit' ? other.exit(9) : other[name]()
        // The uncaught error comes after the result of its own call.
        const pending = name === 'uncaught' ? end.then(() => other.untilAborted()) : end
        await assert.rejects(pending as Promise<unknown>, (error: Error) => {
          assert.deepEqual(
            { ...error, cause: (error.cause as Error | undefined)?.message },
            { name: 'ForkError', code: 'ERR_PROCESS_EXITED', ...status, cause },
          )
          return true
        })
        assert.equal(rpcOf(other).isAlive, false)
        await rpcOf(other).ended
      }
    })
  })
}

describe('calls of remote processes', () => {
  it('abort a running call of an async process', async () => {
    const controller = new AbortController()
    const events: unknown[] = []
    const onEvent = (value: unknown): void => {
      events.push(value)
      if (value === 'waiting') controller.abort()
      else closed = rpcOf(remote).close()
    }
    let closed: Promise<void> | undefined
    const remote = connect<Module>(ForkProcess.remote({ command }), module, { async: true, onEvent })
    const call = remote.untilAborted.with({ signal: controller.signal })()
    await assert.rejects(call, { name: 'AbortError' })
    await rpcOf(remote).ended
    await closed
    assert.deepEqual(events, ['waiting', 'aborted'])
  })

  it('kill the process of a call that is aborted with killOnAbort', async () => {
    const remote = connect<Module>(ForkProcess.remote({ command }), module, { onEvent: () => {} })
    await rpcOf(remote).ready()
    const call = remote.untilAborted.with({ timeout: 200, killOnAbort: true })()
    await assert.rejects(call, { code: 'ERR_CALL_TIMEOUT' })
    assert.deepEqual(await rpcOf(remote).ended, { code: null, signal: 'SIGKILL' })
  })

  it('reach global functions that eval() has defined, which can import what was sent', async () => {
    const process = preload(ForkProcess.remote({ command })).eval(async () => {
      const { event } = await import('@anyfork/fork-rpc/child')
      Object.assign(globalThis, { shout: (text: string) => (event('heard'), text.toUpperCase()) })
    })
    const events: unknown[] = []
    const shout = run(process, 'shout', { onEvent: value => events.push(value) })
    assert.equal(await shout('a'), 'A')
    assert.deepEqual(events, ['heard'])
    await shout.close()
  })

  it('work in each fork of a remote process', async () => {
    const template = ForkProcess.remote({ command }).require(module)
    const calls = [1, 2].map(async n => {
      const remote = connect<Module>(template.fork(), module)
      const sum = await remote.add(n, n)
      await rpcOf(remote).close()
      return sum
    })
    assert.deepEqual(await Promise.all(calls), [2, 4])
    await template.close()
  })

  it('work in a process that was started before this package was loaded, and in its forks', async () => {
    const stdout = await outputOf(`
      import { ForkProcess } from '@anyfork/fork'
      const remotes = ['connect', 'run', 'preload'].map(() => ForkProcess.remote({ command: [process.execPath] }))
      const { connect, preload, rpcOf, run } = await import('@anyfork/fork-rpc')
      const call = async process => {
        const path = connect(process, 'node:path')
        console.log(await path.basename('/a/connect'))
        await rpcOf(path).close()
      }
      await call(remotes[0])
      const basename = run(remotes[1].fork(), 'node:path', 'basename')
      console.log(await basename('/a/run'))
      await Promise.all([basename.close(), remotes[1].close()])
      await call(preload(remotes[2]).fork())
      await remotes[2].close()`)
    assert.equal(stdout, 'connect\nrun\nconnect\n')
  })

  it('let the event loop of an async process go on while its caller reads nothing', async () => {
    const settings = {
      module: module.href,
      name: 'piece',
      serialiser: 'cbor',
      maxMessageBytes: 2 ** 28,
      hasSharedPage: false,
      spin: 0,
    }
    const process = ForkProcess.remote({ command, stderr: 'pipe' }).sendArg(settings)
    const socket = await process.run('anyfork:serve', 'serve')
    const calls = Array.from({ length: 50 }, (_, i) => frame(1, { id: i + 1, payload: cborArray() }))
    sendMessage(socket, Buffer.concat(calls), []) // the connection takes about 40 results
    assert.deepEqual(await once(createInterface(process.stderr!), 'line'), ['goes on'])
    socket.close()
    await process.exited
  })

  it('work over ssh', async function () {
    if (!hasSshServer()) {
      console.log('      openssh-server is not installed')
      return this.skip()
    }
    const server = new SshServer()
    try {
      await server.start()
      const remote = connect<Module>(ForkProcess.remote({ command: server.command(process.execPath) }), module)
      assert.equal(await remote.add(1, 2), 3)
      assert.equal((await collect(remote.count(1000))).length, 1000)
      await rpcOf(remote).close()
      assert.deepEqual(await rpcOf(remote).ended, { code: 0, signal: null })
    } finally {
      await server.stop()
    }
  })

  it('reject with the error of the command if Node does not start', async () => {
    const process = ForkProcess.remote({ command: ['sh', '-c', 'exit 255; :'] })
    const remote = connect<Module>(process, module, { onEvent: () => {} })
    await assert.rejects(remote.add(1, 2), { code: 'ERR_PROCESS_EXITED', exitCode: 255 })
    await rpcOf(remote).ended
  })

  it('need nothing but what is sent: the code requires only modules of Node, and those that the process was given', () => {
    const code = readFileSync(new URL('../remote/serve.cjs', import.meta.url), 'utf8')
    const required = [...code.matchAll(/\brequire\(['"](.*?)['"]\)/g)].map(([, name]) => name!)
    assert.deepEqual(required.filter(name => !name.startsWith('node:')).sort(), [
      '@anyfork/fdpass',
      '@anyfork/fdpass/internal',
      '@anyfork/fork/internal/child',
      '@anyfork/fork/internal/clone',
      '@anyfork/fork/internal/error-codec',
    ])
  })
})
