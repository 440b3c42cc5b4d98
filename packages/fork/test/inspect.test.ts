import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { ForkProcess, type InspectOptions } from '@anyfork/fork'
import { runProgram } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { WebSocket } from 'ws'
import { areAllThreadsCopied } from './support/mode.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)

/** Evaluates an expression in a process through its inspector. */
async function evaluate(url: string, expression: string): Promise<unknown> {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression, returnByValue: true } }))
  const [message] = (await once(socket, 'message')) as [Buffer]
  socket.close()
  await once(socket, 'close')
  return (JSON.parse(String(message)) as { result: { result: { value: unknown } } }).result.result.value
}

describe('inspect', () => {
  let template: ForkProcess

  before(async () => {
    template = ForkProcess.exec({ stdio: ['inherit', 'inherit', 'ignore'] }).require(worker)
    await template.ready()
  })
  after(() => template.close())

  it('a debugger attaches to a forked process before its function runs', async () => {
    const child = template.fork().eval('globalThis.kept = 6')
    const url = await child.inspect()
    assert.match(url, /^ws:\/\/127\.0\.0\.1:\d+\/[-\w]+$/)
    assert.equal(await evaluate(url, 'kept * 7'), 42)
    await child.close()
    assert.deepEqual(await child.exited, { code: 0, signal: null })
  })

  it('debuggers attach to several processes while their functions run, and detach', async () => {
    const children = [template.fork(), template.fork()]
    const sockets = await Promise.all(children.map(child => child.run(worker, 'hold')))
    const urls = await Promise.all(children.map(child => child.inspect()))
    assert.notEqual(urls[0], urls[1])
    assert.deepEqual(
      await Promise.all(urls.map(url => evaluate(url, 'process.pid'))),
      children.map(child => child.pid),
    )
    assert.equal(await children[0]!.inspect(), urls[0])
    for (const socket of sockets) socket.close()
    for (const child of children) assert.deepEqual(await child.exited, { code: 0, signal: null })
  })

  it('a debugger stops a forked process at a breakpoint and resumes it', async () => {
    const child = template.fork()
    const socket = new WebSocket(await child.inspect())
    await once(socket, 'open')
    const paused = new Promise<string>(resolve => {
      socket.on('message', data => {
        const message = JSON.parse(String(data)) as {
          method?: string
          params: { callFrames: { functionName: string }[] }
        }
        if (message.method === 'Debugger.paused') resolve(message.params.callFrames[0]!.functionName)
      })
    })
    socket.send(JSON.stringify({ id: 1, method: 'Debugger.enable' }))
    child.eval('globalThis.stops = function stops(socket) { debugger; socket.toSocket().resume().write("resumed") }')
    await child.ready()
    const running = child.run('stops')
    assert.equal(await paused, 'stops')
    socket.send(JSON.stringify({ id: 2, method: 'Debugger.resume' }))
    const stream = (await running).toSocket()
    assert.equal(String(await once(stream, 'data')), 'resumed')
    // Node may crash if a debugger disconnects while the process ends, so the process stays until it has.
    socket.close()
    await once(socket, 'close')
    stream.end()
    assert.deepEqual(await child.exited, { code: 0, signal: null })
  })

  it('an inspected template rejects forks until its inspector is closed', async () => {
    const own = ForkProcess.exec({ mode: 'fork', stdio: ['inherit', 'inherit', 'ignore'] })
    assert.equal(await evaluate(await own.inspect(), '2 + 3'), 5)
    await assert.rejects(own.fork().ready(), { code: areAllThreadsCopied ? 'ERR_CANNOT_COPY' : 'ERR_FOREIGN_THREADS' })
    own.eval(async () => (await import('node:inspector')).close())
    const child = own.fork()
    await child.ready()
    await child.close()
    await own.close()
  })

  it('inspect() listens at the given host and port; it rejects with EADDRINUSE or EADDRNOTAVAIL, and the process survives', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const child = template.fork()
    await assert.rejects(child.inspect({ port }), { code: 'EADDRINUSE' })
    await assert.rejects(child.inspect({ host: '192.0.2.1' }), { code: 'EADDRNOTAVAIL' })
    server.close()
    await once(server, 'close')
    assert.equal(new URL(await child.inspect({ port, host: '127.0.0.1' })).port, String(port))
    await child.close()
  })

  it('inspect() rejects with TypeError for invalid options, and with ERR_PROCESS_EXITED after the process has exited', async () => {
    const child = template.fork()
    await assert.rejects(child.inspect({ port: 65536 }), TypeError)
    await assert.rejects(child.inspect({ host: '' }), TypeError)
    await assert.rejects(child.inspect({ prot: 9229 } as InspectOptions), {
      name: 'TypeError',
      message: 'inspect() has no option prot: it takes host, port',
    })
    await assert.rejects(child.inspect(9229 as InspectOptions), {
      name: 'TypeError',
      message: /must be an object, not 9229/,
    })
    child.kill('SIGKILL')
    await child.exited
    await assert.rejects(child.inspect(), { code: 'ERR_PROCESS_EXITED' })
  })
})

describe('a program that is being inspected', () => {
  const program = `
    import { ForkProcess } from '@anyfork/fork'
    const child = ForkProcess.create().eval(() => { globalThis.reply = socket => socket.toSocket().end(JSON.stringify([process.execArgv, process.env.NODE_OPTIONS ?? null])) })
    let text = ''
    for await (const piece of (await child.run('reply')).toSocket()) text += piece
    console.log(text)
    process.exit()`

  const flags: [flag: string, variable: boolean][] = [
    ['--inspect=127.0.0.1:0', false],
    ['--inspect=127.0.0.1:0', true],
  ]
  for (const [flag, variable] of flags) {
    it(`the template of a program with ${flag} in ${variable ? 'NODE_OPTIONS' : 'its arguments'} is not inspected`, async () => {
      const { stdout, stderr } = await runProgram(program, [], {
        nodeFlags: variable ? [] : [flag],
        env: variable ? { NODE_OPTIONS: `--no-warnings ${flag} --title="a \\"b\\""` } : {},
      })
      const [execArgv, options] = JSON.parse(stdout) as [string[], string | null]
      assert.equal(
        execArgv.some(arg => arg.startsWith('--inspect')),
        false,
      )
      assert.equal(options, variable ? '--no-warnings "--title=a \\"b\\""' : null)
      assert.equal(stderr.match(/Debugger listening/g)?.length, 1)
    })
  }

  const waiting = ['--inspect-brk=127.0.0.1:0', '--inspect-wait=127.0.0.1:0'].filter(flag =>
    process.allowedNodeEnvironmentFlags.has(flag.split('=')[0]!),
  )
  for (const flag of waiting) {
    for (const variable of [false, true]) {
      it(`the template of a program with ${flag} in ${variable ? 'NODE_OPTIONS' : 'its arguments'} does not wait for a debugger`, async () => {
        const env = { ...process.env, ...(variable ? { NODE_OPTIONS: flag } : {}) }
        const parent = spawn(process.execPath, [...(variable ? [] : [flag]), '--input-type=module', '-e', program], {
          env,
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        let stderr = ''
        const url = await new Promise<string>(resolve => {
          parent.stderr.on('data', data => {
            stderr += String(data)
            const [, found] = /(ws:\S+)/.exec(stderr) ?? []
            if (found) resolve(found)
          })
        })
        const socket = new WebSocket(url)
        await once(socket, 'open')
        socket.on('message', data => {
          if ((JSON.parse(String(data)) as { method?: string }).method === 'Debugger.paused')
            socket.send(JSON.stringify({ id: 9, method: 'Debugger.resume' }))
        })
        socket.send(JSON.stringify({ id: 1, method: 'Debugger.enable' }))
        // Node 26 may miss a message that arrives before the wait has begun.
        const letGo = setInterval(
          () => socket.send(JSON.stringify({ id: 2, method: 'Runtime.runIfWaitingForDebugger' })),
          20,
        )
        socket.once('close', () => clearInterval(letGo))
        let stdout = ''
        parent.stdout.on('data', data => {
          stdout += String(data)
          if (stdout.includes('\n')) socket.terminate() // Node waits for it at the end
        })
        const ending = (await once(parent, 'exit')) as [number | null, string | null]
        assert.deepEqual(ending, [0, null], stderr)
        assert.match(stdout, /^\[\[.*\n$/)
        assert.equal(stderr.match(/Debugger listening/g)?.length, 1)
      })
    }
  }
})
