import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buffer, text } from 'node:stream/consumers'
import { watch } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import {
  assertNothingLeft,
  hasSshServer,
  isRunning,
  openResources,
  outputOf,
  runProgram,
  SshServer,
  until,
  untilGone,
} from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import type { surroundings } from './fixtures/remote.js'
import { controlFrame } from './support/control-frames.js'
import { needAllThreads } from './support/mode.js'

const node = process.execPath
const module = new URL('./fixtures/remote.js', import.meta.url)
const plain = { command: [node] }

const firstLine = async (socket: Socket): Promise<string> =>
  ((await once(createInterface(socket), 'line')) as [string])[0]

describe('ForkProcess.remote()', () => {
  const server = new SshServer()
  let hasServer = false
  let folder: string
  before(async () => {
    hasServer = hasSshServer()
    if (hasServer) await server.start()
    else console.log('      openssh-server is not installed: the tests with ssh are skipped')
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'anyfork-')))
    writeFileSync(join(folder, 'pipes'), '#!/bin/sh\ncat | "$@" | cat\n')
    chmodSync(join(folder, 'pipes'), 0o755)
  })
  after(async () => {
    await server.stop()
    rmSync(folder, { recursive: true })
  })

  /** How Node is started, or why that is not possible here. */
  const ways: Record<string, () => string[] | string> = {
    'a program': () => [node],
    'a program with flags': () => [node, '--no-warnings', '--max-old-space-size=64'],
    'sh -c': () => ['sh', '-c', `echo a shell greets; exec ${node}`],
    'a shell in a shell': () => ['sh', '-c', `sh -c '${node} '"$*"`, 'sh'],
    pipes: () => [join(folder, 'pipes'), node],
    unshare: () =>
      spawnSync('unshare', ['--user', '--map-root-user', '--pid', '--fork', 'true']).status === 0
        ? ['unshare', '--user', '--map-root-user', '--pid', '--fork', '--kill-child', node]
        : 'user namespaces are not permitted here',
    ssh: () => (hasServer ? server.command(node) : 'openssh-server is not installed'),
  }

  for (const [name, commandOf] of Object.entries(ways)) {
    it(`carries out orders, runs a function, and exchanges bytes with it, started by ${name}`, async function () {
      const command = commandOf()
      if (typeof command === 'string') {
        console.log(`      ${command}`)
        return this.skip()
      }
      const before = openResources()
      const remote = ForkProcess.remote({ command, stderr: 'ignore' })
        .require(module)
        .eval((value: unknown) => void Object.assign(globalThis, { value }), new Map([['key', 1n]]))
        .eval("if (globalThis.value.get('key') !== 1n) throw new Error('no map')")
        .sendArg('one', { two: 2 })
      assert.deepEqual([typeof remote.pid, remote.mode, remote.isAlive], ['number', 'exec', true])
      assert.equal(await remote.call(module, 'load', 2), 2)
      const socket = (await remote.run(module, 'echo')).toSocket()
      const bytes = Buffer.alloc(5_000_000, 'anyfork')
      socket.end(bytes)
      assert.equal(await text(socket), `["one",{"two":2}]\n${bytes.toString()}`)
      const { code, signal } = await remote.exited
      assert.deepEqual([code, signal], [name === 'pipes' ? 0 : 3, null]) // a pipeline exits like its last command
      assert.equal(remote.isAlive, false)
      await assertNothingLeft(before)
    })
  }

  it('keeps what code prints out of the connection, and writes it to standard error of the command', async () => {
    for (const command of [[node], [join(folder, 'pipes'), node]]) {
      const remote = ForkProcess.remote({ command, stderr: 'pipe' })
      const socket = await remote.run(module, 'printEverywhere')
      assert.deepEqual(
        await Promise.all([text(socket.toSocket()), text(remote.stderr!)]),
        ['answer', 'console\nstdout\nnumber\ninherited\n'],
        command[0],
      )
    }
  })

  it('gives processes that would inherit the connection an empty input', async () => {
    for (const command of [[node], [join(folder, 'pipes'), node]]) {
      const remote = ForkProcess.remote({ command })
      assert.deepEqual(
        await remote.call(module, 'inputsOfChildren'),
        {
          spawn: '',
          'spawn 0': '',
          'spawn process.stdin': '',
          fork: '',
          spawnSync: '',
          execFileSync: '',
          execSync: 'given',
        },
        command[0],
      )
      assert.equal(await remote.call(module, 'load', 1), 1)
      await remote.close()
    }
  })

  it('shows code the surroundings of a program without arguments, which configure() changes', async () => {
    const remote = ForkProcess.remote({ ...plain, cwd: folder, env: { ANYFORK_TEST: 'first' } })
    const see = (of: ForkProcess): Promise<ReturnType<typeof surroundings>> => of.call(module, 'surroundings')
    const all = { arguments: [], flags: [], globals: [], loaded: 0 }
    assert.deepEqual(await see(remote), { ...all, cwd: folder, variable: 'first' })
    remote.configure({ cwd: '/', argv: ['script', '-a'], env: { ANYFORK_TEST: 'second' } })
    assert.deepEqual(await see(remote), { ...all, cwd: '/', variable: 'second', arguments: ['script', '-a'] })
    await remote.close()
  })

  it('looks up names of packages on the other side, from its working folder', async () => {
    const installed = join(folder, 'node_modules', 'only-there')
    spawnSync('mkdir', ['-p', installed])
    writeFileSync(join(installed, 'index.js'), "exports.where = () => 'there'")
    const remote = ForkProcess.remote({ ...plain, cwd: folder })
    assert.equal(await remote.call('only-there', 'where'), 'there')
    await assert.rejects(remote.call('not-anywhere', 'where'), { code: 'ERR_MODULE_NOT_FOUND' })
    await remote.close()
  })

  it('needs nothing but Node on the other side: the program that is sent requires only its modules', () => {
    const program = readFileSync(new URL('../remote/program.cjs', import.meta.url), 'utf8')
    const required = [...program.matchAll(/\brequire\(['"](.*?)['"]\)/g)].map(([, name]) => name!)
    assert.ok(required.length > 3)
    assert.deepEqual(
      required.filter(name => !name.startsWith('node:')),
      [],
    )
  })

  it('lets code start threads and processes with the flags of the interpreter', async () => {
    const remote = ForkProcess.remote(plain).eval(async () => {
      const { Worker } = await import('node:worker_threads')
      const { fork } = await import('node:child_process')
      const { default: events } = await import('node:events')
      const [message] = await events.once(
        new Worker('require("worker_threads").parentPort.postMessage(1)', { eval: true }),
        'message',
      )
      const [code] = await events.once(fork('-e', ['process.exit(7)'], { execArgv: process.execArgv }), 'exit')
      if (message !== 1 || code !== 7) throw new Error(`${message} ${code}`)
    })
    await remote.ready()
    await remote.close()
  })

  describe('an order that fails', () => {
    it('rejects ready() and run() with its error', async () => {
      const remote = ForkProcess.remote(plain).eval('null.x')
      await assert.rejects(remote.ready(), { code: 'ERR_EVAL_FAILED' })
      await assert.rejects(remote.run('f'), { code: 'ERR_EVAL_FAILED' })
      assert.deepEqual(await remote.exited, { code: 1, signal: null })
      const missing = ForkProcess.remote(plain).run(module, 'missing')
      await assert.rejects(missing, { code: 'ERR_EXPORT_NOT_FOUND' })
    })

    it('leaves the process as it is if it is a call', async () => {
      const remote = ForkProcess.remote(plain)
      await assert.rejects(remote.call(module, 'fail'), (error: Error) => {
        assert.deepEqual(
          [(error as NodeJS.ErrnoException).code, (error.cause as Error).name],
          ['ERR_CALL_FAILED', 'RangeError'],
        )
        return true
      })
      assert.equal(await remote.call(module, 'load', 0), 0)
      await remote.close()
    })
  })

  describe('a command that starts no Node', () => {
    const failures: Record<string, [command: string[], error: object]> = {
      'does not exist': [['/no/such/program', 'node'], { code: 'ENOENT' }],
      'exits at once': [
        ['sh', '-c', 'exit 4; :'],
        {
          code: 'ERR_PROCESS_EXITED',
          exitCode: 4,
          message: 'the command of a remote process exited with code 4: Node did not start on the other side',
        },
      ],
      'is killed': [['sh', '-c', 'kill -9 $$; :'], { code: 'ERR_PROCESS_EXITED', signal: 'SIGKILL' }],
      'prints for ever': [['sh', '-c', 'exec cat /dev/zero; :'], { code: 'ERR_PROTOCOL' }],
    }
    for (const [what, [command, error]] of Object.entries(failures)) {
      it(`rejects ready() and run() if it ${what}`, async () => {
        const before = openResources()
        const remote = ForkProcess.remote({ command, stderr: 'ignore' }).eval('1')
        await Promise.all([assert.rejects(remote.ready(), error), assert.rejects(remote.run('f'), error)])
        await remote.exited
        await assertNothingLeft(before)
      })
    }

    it('is killed if it takes too long, and gets no input before Node has started', async () => {
      const before = openResources()
      const received = join(folder, 'received')
      const remote = ForkProcess.remote({ command: ['sh', '-c', `cat > ${received}; :`], startTimeout: 300 })
      await assert.rejects(remote.ready(), { code: 'ERR_START_TIMEOUT' })
      assert.deepEqual(await remote.exited, { code: null, signal: 'SIGKILL' })
      await until(() => existsSync(received))
      assert.equal(readFileSync(received, 'utf8'), '')
      await assertNothingLeft(before)
    })
  })

  it('prints nothing if its owner has ended before it greets', async () => {
    const errors = join(folder, 'errors')
    // What reads the output has ended before Node starts: writing to it fails.
    const untilUnread = `trap '' PIPE; while printf x 2>/dev/null; do :; done`
    const command = ['sh', '-c', `start() { (${untilUnread}; exec "$@" 2>${errors}) | true; }; start ${node}`]
    const remote = ForkProcess.remote({ command })
    await assert.rejects(remote.ready(), { code: 'ERR_PROCESS_EXITED' })
    assert.equal(readFileSync(errors, 'utf8'), '')
  })

  describe('what is only possible on the same machine', () => {
    const refused: Record<string, (remote: ForkProcess) => unknown> = {
      'sendFd()': remote => remote.sendFd(0),
      'restrict()': remote => remote.restrict({ nice: 1 }),
      'outlive()': remote => remote.outlive(),
      'refork()': remote => remote.refork(),
      'configure({ stdio })': remote => remote.configure({ stdio: ['ignore'] }),
      'fork({ stdio })': remote => remote.fork({ stdio: ['ignore'] }),
      'toFd()': remote => remote.toFd(),
      'memory()': remote => remote.memory(),
      'check()': remote => remote.check(),
      'inspect()': remote => remote.inspect(),
    }
    it(`is refused with ERR_REMOTE, and changes nothing: ${Object.keys(refused).join(', ')}`, async () => {
      const remote = ForkProcess.remote(plain)
      for (const [name, refuse] of Object.entries(refused))
        await assert.rejects(async () => refuse(remote), { name: 'ForkError', code: 'ERR_REMOTE' }, name)
      await assert.rejects(async () => remote.sendFd(0), {
        message: 'descriptors cannot be sent: the process is remote',
      })
      assert.equal(await remote.call(module, 'load', 1), 1)
      await remote.close()
    })
  })

  it('adds its words to the text after -c of a shell, and else to the words of the command', async () => {
    const expected: [name: string, words: string[], added: 'text' | 'words'][] = [
      ['sh', ['-c', 'node'], 'text'],
      ['bash', ['-lc', 'node'], 'text'],
      ['su', ['user', '-c', 'node'], 'text'],
      ['env', ['sh', '-ec', 'node'], 'text'],
      ['sh', ['-c', 'exec "$@"', 'sh', 'node'], 'words'],
      ['unshare', ['-c', 'node'], 'words'],
      ['ssh', ['-C', 'host', 'node'], 'words'],
    ]
    for (const [name, words, added] of expected) {
      const program = join(folder, name)
      writeFileSync(program, `#!/bin/sh\nfor word in "$@"; do echo "$word" >&2; done\n`)
      chmodSync(program, 0o755)
      const remote = ForkProcess.remote({ command: [program, ...words], stderr: 'pipe' })
      const [last, ...others] = (await text(remote.stderr!)).trim().split('\n').reverse()
      if (added === 'text') assert.match(last!, /^node --import data:text\/javascript,[\w.%-]+ -e 0$/)
      else {
        const rest = others.reverse()
        assert.deepEqual([last, rest.pop(), rest.splice(-2, 1)], ['0', '-e', ['--import']])
        assert.match(rest.pop()!, /^data:text\/javascript,[\w.%-]+$/)
        assert.deepEqual(rest, words)
      }
      await remote.exited
    }
  })

  it('ends a process whose ForkProcess object is collected', async () => {
    const stdout = await outputOf(
      `
      import { ForkProcess } from '@anyfork/fork'
      const exists = pid => { try { process.kill(pid, 0); return true } catch { return false } }
      async function forget() {
        const remote = ForkProcess.remote({ command: [process.execPath] }).eval('setInterval(() => {}, 1000)')
        await remote.ready()
        return remote.pid
      }
      const pid = await forget()
      while (exists(pid)) {
        gc()
        await new Promise(done => setTimeout(done, 5))
      }
      console.log('gone')`,
      [],
      { nodeFlags: ['--expose-gc'] },
    )
    assert.equal(stdout, 'gone\n')
  })

  it('belongs to the program that has started it, and not to a fork of that', async function () {
    needAllThreads.call(this)
    const stdout = await outputOf(`
      import { forkTemplate } from '@anyfork/fork/template'
      import { text } from 'node:stream/consumers'
      import { ForkProcess } from '@anyfork/fork'
      const remote = ForkProcess.remote({ command: [process.execPath] })
      await remote.ready()
      globalThis.tryToUse = async socket => {
        const { code } = await remote.call('node:path', 'basename', '/a').catch(error => error)
        socket.toSocket().end(code + ' ' + JSON.stringify(await remote.exited))
      }
      const template = await forkTemplate({ threads: 'all' })
      const socket = await template.fork().run('tryToUse')
      console.log(await text(socket.toSocket()))
      console.log(await remote.call('node:path', 'basename', '/a'))
      await remote.close()
      await template.close()`)
    assert.equal(stdout, 'ERR_NOT_OWNED {"code":null,"signal":null}\na\n')
  })

  it('throws a TypeError for invalid options', () => {
    const invalid: [options: object, message: RegExp][] = [
      [{}, /option command of remote\(\) must be an array of the program/],
      [{ command: 'ssh host node' }, /option command of remote\(\) must be an array/],
      [{ command: [] }, /option command/],
      [{ command: ['a\0'] }, /option command/],
      [{ command: ['node'], stderr: 'overlapped' }, /option stderr of remote\(\) must be 'inherit'/],
      [{ command: ['node'], stderr: {} }, /expected a file descriptor/],
      [{ command: ['node'], startTimeout: 0 }, /option startTimeout/],
      [{ command: ['node'], execPath: 'node' }, /remote\(\) has no option execPath/],
    ]
    for (const [options, message] of invalid)
      assert.throws(() => ForkProcess.remote(options as never), { name: 'TypeError', message })
    assert.throws(() => ForkProcess.remote({ command: ['node'], cwd: '/no/such/folder' }), { code: 'ENOENT' })
  })

  describe('fork()', () => {
    it('opens another connection, and repeats the orders so far', async () => {
      const template = ForkProcess.remote({ command: [node], stderr: 'pipe' })
        .require(module)
        .eval("console.log('evaluated')")
        .sendArg('template')
      await template.call(module, 'load', 5)
      await assert.rejects(template.call(module, 'fail')) // is not repeated
      const fork = template.fork({ env: { ANYFORK_TEST: 'of the fork' } }).sendArg('fork')
      assert.notEqual(fork.pid, template.pid)
      assert.deepEqual(template.lastFork, {
        mode: 'exec',
        obstacle: 'the process is remote: its forks are further connections',
      })
      const inner = fork.fork()
      const { loaded, variable } = await inner.call<Record<string, unknown>>(module, 'surroundings')
      assert.deepEqual([loaded, variable], [5, 'of the fork'])
      const socket = (await inner.run(module, 'echo')).toSocket().end()
      assert.equal(await text(socket), '["template","fork"]\n')
      assert.equal(await text(inner.stderr!), 'evaluated\n')
      await Promise.all([fork.close(), template.close()])
      assert.equal(await text(template.stderr!), 'evaluated\n')
    })

    it('repeats a call that is pending, and goes on if it fails; later forks do not repeat it', async () => {
      const template = ForkProcess.remote({ ...plain, stderr: 'ignore' })
      const failing = template.call(module, 'loadAndFail', 5)
      const fork = template.fork()
      await assert.rejects(failing, { code: 'ERR_CALL_FAILED' })
      assert.equal(await fork.call(module, 'load', 1), 6)
      const later = [fork.fork(), template.fork()]
      assert.deepEqual(await Promise.all(later.map(one => one.call(module, 'load', 1))), [2, 1])
      await Promise.all([template, fork, ...later].map(one => one.close()))
    })

    it('connects again after the connection of the process has ended', async () => {
      const template = ForkProcess.remote(plain).eval('globalThis.kept = () => 6')
      await template.ready()
      template.kill('SIGKILL')
      await template.exited
      const socket = await template.fork().eval('globalThis.f = socket => socket.end(String(kept()))').run('f')
      assert.equal(await text(socket.toSocket()), '6')
    })

    it('returns a connection that keepSpares() has opened', async () => {
      const template = ForkProcess.remote(plain).keepSpares(1).eval('globalThis.f = socket => socket.end("spare")')
      await until(() => template.spareCount === 1)
      assert.equal(await text((await template.fork().run('f')).toSocket()), 'spare')
      await template.close()
    })
  })

  describe('the end', () => {
    it('of a process that runs nothing comes with close()', async () => {
      const remote = ForkProcess.remote(plain)
      await remote.close()
      assert.deepEqual(await remote.exited, { code: 0, signal: null })
    })

    it('of the connection ends the process, also while a function blocks it, and settles everything', async () => {
      const before = openResources()
      for (const name of ['stay', 'block']) {
        // The shell is killed, and its child stays: nothing ends that but the end of the connection.
        const remote = ForkProcess.remote({ command: ['sh', '-c', `: ; ${node}`], stderr: 'ignore' })
        const socket = (await remote.run(module, name)).toSocket()
        const pid = Number(await firstLine(socket))
        const ended = once(socket.resume(), 'close')
        assert.notEqual(pid, remote.pid, 'the shell is in between')
        assert.equal(remote.kill('SIGKILL'), true)
        assert.deepEqual(await remote.exited, { code: null, signal: 'SIGKILL' })
        await ended
        await untilGone(pid)
        assert.equal(remote.kill(), false)
      }
      await assertNothingLeft(before)
    })

    it('of ssh, by SIGKILL, ends the process on the other side', async function () {
      if (!hasServer) return this.skip()
      const remote = ForkProcess.remote({ command: server.command(node) })
      const socket = (await remote.run(module, 'block')).toSocket()
      const pid = Number(await firstLine(socket))
      remote.kill('SIGKILL')
      assert.deepEqual(await remote.exited, { code: null, signal: 'SIGKILL' })
      socket.destroy()
      await untilGone(pid)
    })

    it('of the process, by SIGKILL, rejects what is awaited', async () => {
      for (const command of [[node], ...(hasServer ? [server.command(node)] : [])]) {
        const remote = ForkProcess.remote({ command, stderr: 'ignore' })
        await remote.ready()
        remote.eval("process.kill(process.pid, 'SIGKILL')")
        await assert.rejects(remote.ready(), { code: 'ERR_PROCESS_EXITED' })
        const { code, signal } = await remote.exited
        assert.ok(signal === 'SIGKILL' || code === 255, `${code} ${signal}`) // ssh exits with 255
      }
    })

    it('of this program, by SIGKILL, ends command and process', async () => {
      const owner = spawn(node, ['--input-type=module', '-e', ownerOf(module)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
      const pids = JSON.parse(line) as number[]
      assert.equal(pids.filter(isRunning).length, 4)
      owner.kill('SIGKILL')
      await untilGone(...pids)
    })

    it('of this program comes although a remote process runs or waits', async () => {
      const program = `
        import { ForkProcess } from '@anyfork/fork'
        const [running, waiting] = [0, 1].map(() => ForkProcess.remote({ command: [process.execPath] }))
        await waiting.ready()
        const socket = await running.run(${JSON.stringify(module.href)}, 'stay')
        console.log('end')`
      assert.deepEqual(await runProgram(program), { code: 0, signal: null, stdout: 'end\n', stderr: '' })
    })

    it('does not come when the owner closes the socket of the function, which may go on', async () => {
      const remote = ForkProcess.remote({ ...plain, stderr: 'pipe' })
      ;(await remote.run(module, 'goOn')).close()
      assert.equal(await text(remote.stderr!), 'gone on\n')
      assert.deepEqual(await remote.exited, { code: 0, signal: null })
    })

    it('comes when the owner closes the socket of a function that only reads, with unread bytes in it', async () => {
      const remote = ForkProcess.remote(plain)
      const socket = await remote.run(module, 'greetAndWait')
      await new Promise<void>(resolve => {
        const watching = watch(socket, { readable: true }, () => {
          watching.close()
          resolve()
        })
      })
      socket.close()
      assert.deepEqual(await remote.exited, { code: 0, signal: null })
    })

    it('comes with the exit code of an uncaught error, whose stack goes to standard error', async () => {
      const remote = ForkProcess.remote({ ...plain, stderr: 'pipe' })
      ;(await remote.run(module, 'fail')).close()
      assert.match(await text(remote.stderr!), /RangeError: too much/)
      assert.deepEqual(await remote.exited, { code: 1, signal: null })
    })
  })

  describe('a hostile process', () => {
    /** Starts a process whose function writes to the connection. */
    async function attack(bytes: Buffer) {
      const remote = ForkProcess.remote(plain).eval(async (hostile: Uint8Array) => {
        const { writeSync } = await import('node:fs')
        Object.assign(globalThis, {
          attack: () => {
            for (let at = 0; at < hostile.length; ) {
              try {
                at += writeSync(0, hostile, at)
              } catch {} // EAGAIN
            }
            setInterval(() => {}, 1000)
          },
        })
      }, new Uint8Array(bytes))
      return { exited: remote.exited, socket: await remote.run('attack') }
    }

    const frames: Record<string, Buffer> = {
      'bytes that are no frame': Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'a report that only local processes send': controlFrame(68, Buffer.alloc(7)),
      'a frame that declares descriptors': controlFrame(64, undefined, { descriptors: 1 }),
      'more bytes of the socket than it may': Buffer.concat(
        Array.from({ length: 33 }, () => controlFrame(96, Buffer.alloc(65536))),
      ),
      'more small pieces than it may': Buffer.concat(
        Array.from({ length: 20_000 }, () => controlFrame(96, Buffer.alloc(1))),
      ),
      'a piece without bytes': controlFrame(96),
      'too much in one frame': controlFrame(96, undefined, { length: 65537 }),
      'that it has taken what it was not sent': controlFrame(98, Buffer.from([1, 0, 0, 0])),
      'an answer that is too large': controlFrame(64, undefined, { length: 2 ** 26 + 1 }),
    }
    for (const [what, bytes] of Object.entries(frames)) {
      it(`is killed when it sends ${what}`, async () => {
        const { exited, socket } = await attack(bytes)
        assert.deepEqual(await exited, { code: null, signal: 'SIGKILL' })
        socket.close()
      })
    }

    it('cannot make its owner do anything twice at the end of a socket', async () => {
      const warnings: unknown[] = []
      const onWarning = (warning: unknown): void => void warnings.push(warning)
      process.on('warning', onWarning)
      try {
        const frames = [
          ...Array.from({ length: 16 }, () => controlFrame(96, Buffer.alloc(65536))), // the socket does not take all of them
          ...Array.from({ length: 20 }, () => [controlFrame(97), controlFrame(99)]).flat(),
          Buffer.from('no frame: the process is killed'),
        ]
        const { exited, socket } = await attack(Buffer.concat(frames))
        assert.deepEqual(await exited, { code: null, signal: 'SIGKILL' })
        socket.close()
        assert.deepEqual(warnings, []) // such as one of too many listeners
      } finally {
        process.removeListener('warning', onWarning)
      }
    })

    it('is killed when it sends bytes of a socket before a function runs', async () => {
      const remote = ForkProcess.remote(plain).eval(
        async bytes => {
          const { writeSync } = await import('node:fs')
          writeSync(0, bytes)
          await new Promise(() => {})
        },
        new Uint8Array(controlFrame(97)),
      )
      await assert.rejects(remote.ready(), { code: 'ERR_PROTOCOL', message: /bytes of the socket of no function/ })
    })
  })

  it('lets a function wait while the owner does not read, and loses nothing', async () => {
    const remote = ForkProcess.remote({ ...plain, stderr: 'pipe' })
    const socket = await remote.run(module, 'flood')
    assert.deepEqual(await once(createInterface(remote.stderr!), 'line'), ['waits'])
    assert.equal((await buffer(socket.toSocket())).length, 20_000_000)
  })

  it('settles all promises, and kills the command, if only the connection ends', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    try {
      const lingers = join(folder, 'lingers')
      writeFileSync(lingers, '"$@"\nexec sleep 1000 < /dev/null > /dev/null\n')
      const remote = ForkProcess.remote({ command: ['sh', lingers, process.execPath], startTimeout: Infinity })
      await remote.ready()
      const { pid, exited } = remote
      await assert.rejects(remote.eval(() => process.exit(3)).ready(), { code: 'ERR_PROCESS_EXITED' })
      assert.deepEqual(await exited, { code: null, signal: 'SIGKILL' })
      await until(() => !isRunning(pid!))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('is not alive once its connection has ended, and opens nothing for a function then', async () => {
    const before = openResources()
    const lingers = join(folder, 'lingers')
    writeFileSync(lingers, '"$@"\nexec sleep 1000 < /dev/null > /dev/null\n')
    const remote = ForkProcess.remote({ command: ['sh', lingers, node] })
    await remote.ready()
    const { pid, exited } = remote
    remote.eval(() => process.exit(3))
    await until(() => !remote.isAlive)
    assert.ok(isRunning(pid!))
    await assert.rejects(remote.run(module, 'echo'), { code: 'ERR_PROCESS_EXITED' })
    await exited
    await assertNothingLeft(before)
  })

  describe('a command that its owner may not kill', () => {
    before(function () {
      if (process.getuid?.() !== 0) this.skip() // only root can change its user
    })

    /** Returns the source of a program that tries to end a remote process after it has changed its user. */
    const killerOf = (command: string[]): string => `
      import { ForkProcess } from '@anyfork/fork'
      const remote = ForkProcess.remote({ command: ${JSON.stringify(command)}, stderr: 'ignore' })
      const socket = await remote.run(${JSON.stringify(module.href)}, 'stay')
      process.setuid(65534)
      try {
        remote.kill()
      } catch (error) {
        console.log(error.code, remote.pid)
      }
      console.log(remote.kill('SIGKILL'), JSON.stringify(await remote.exited))
      socket.close()`

    it('ends with its connection on SIGKILL', async () => {
      assert.match(await outputOf(killerOf([node])), /^EPERM \d+\ntrue {"code":0,"signal":null}\n$/)
    })

    it('is left alone if it does not end with its connection', async () => {
      const lingers = join(folder, 'lingers')
      writeFileSync(lingers, '"$@"\nexec sleep 1000 < /dev/null > /dev/null\n')
      const output = await outputOf(killerOf(['sh', lingers, node]))
      const [, pid] = /^EPERM (\d+)\ntrue {"code":null,"signal":null}\n$/.exec(output) ?? assert.fail(output)
      process.kill(Number(pid), 'SIGKILL')
      await untilGone(Number(pid))
    })
  })

  it('lets the owner wait while a function does not read, and loses nothing', async () => {
    const remote = ForkProcess.remote(plain)
    const socket = (await remote.run(module, 'countLater')).toSocket()
    while (socket.write(Buffer.alloc(1_000_000)));
    socket.end('begin')
    assert.ok(Number(await text(socket)) >= 1_000_000)
  })
})

/** Returns the source of a program that owns remote processes, and prints all pids. */
function ownerOf(module: URL): string {
  return `
    import { once } from 'node:events'
    import { createInterface } from 'node:readline'
    import { ForkProcess } from '@anyfork/fork'
    const pids = []
    for (const name of ['stay', 'block']) {
      const remote = ForkProcess.remote({ command: ['sh', '-c', ': ; ' + process.execPath], stderr: 'ignore' })
      const socket = (await remote.run(${JSON.stringify(module.href)}, name)).toSocket()
      pids.push(remote.pid, Number((await once(createInterface(socket), 'line'))[0]))
    }
    console.log(JSON.stringify(pids))
    setInterval(() => {}, 1000)`
}
