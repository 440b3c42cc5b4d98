import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { forkingFlags } from '@anyfork/fork/template'
import { isRunning, outputOf, runCommand, runProgram, untilGone } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { commonObstacles, type Obstacle } from './support/obstacles.js'

const module = ['--input-type=module', '-e']

/** Returns what a program prints that was started with the flags that forking needs, or with others. */
const output = (
  program: string,
  nodeFlags: readonly string[] = forkingFlags,
  env: NodeJS.ProcessEnv = {},
): Promise<string> => outputOf(program, [], { nodeFlags, env })

const startWorker =
  "const { Worker } = await import('node:worker_threads'); const worker = new Worker('setInterval(() => {}, 1000)', { eval: true }); await new Promise(done => worker.once('online', done))"
/** Prints the number of threads for which forkTemplate() rejects, or 'none'. */
const printThreads = `
  await import('@anyfork/fork/template').then(({ forkTemplate }) => forkTemplate()).then(
    () => console.log('none'),
    ({ findings }) => console.log(findings.find(({ topic }) => topic === 'thread')?.subject)
  )`

const prelude = `
  globalThis.reply = (socket, value) => socket.toSocket().end(JSON.stringify(value ?? null))
  globalThis.read = async socket => { let text = ''; for await (const piece of socket.toSocket()) text += piece; return JSON.parse(text) }`

/** Obstacles to a fork of the running program. */
const obstacles: readonly Obstacle[] = [
  ...commonObstacles,
  { what: 'a worker thread', begin: startWorker, end: 'await worker.terminate()', topic: 'thread', subject: /[1-9]/ },
]

/** Ways to start a program without the thread of Node that listens for SIGUSR1. */
const withoutListener: [how: string, flags: string[], env: NodeJS.ProcessEnv][] = [
  ['a flag', ['--disable-sigusr1'], {}],
  ['a flag spelled otherwise', ['--disable_sigusr1'], {}],
  ['NODE_OPTIONS', [], { NODE_OPTIONS: '--no-warnings --disable-sigusr1' }],
]

describe('forkTemplate', () => {
  it('forkTemplate() copies the program with its loaded modules and state; the copies do not continue its code', async () => {
    const stdout = await output(`
      import { forkTemplate } from '@anyfork/fork/template'
      ${prelude}
      globalThis.computed = 42
      const inModule = { kept: 7 }
      globalThis.answer = socket => reply(socket, [process.pid, computed, inModule.kept])
      process.on('exit', code => console.log('exit', code))
      process.on('SIGTERM', () => console.log('SIGTERM'))
      void (async () => { await new Promise(() => {}); console.log('never') })()
      void new Promise(setImmediate).then(() => console.log('once'))
      const template = await forkTemplate()
      console.log('continues')
      const parent = template.fork()
      const children = [template.fork(), template.fork(), parent.fork()]
      await children[2].ready()
      const answers = await Promise.all(children.slice(0, 2).map(async child => read(await child.run('answer'))))
      console.log(answers.every(([pid, computed, kept], i) => pid === children[i].pid && computed === 42 && kept === 7))
      console.log(template.mode, children.map(({ mode }) => mode).join())
      children[2].kill('SIGTERM')
      console.log(JSON.stringify(await Promise.all(children.map(({ exited }) => exited))))
      await parent.close()
      await template.close()
      console.log(JSON.stringify(await template.exited))`)
    const ok = '{"code":0,"signal":null}'
    assert.deepEqual(stdout.trim().split('\n'), [
      'once',
      'continues',
      'true',
      'fork fork,fork,fork',
      `[${ok},${ok},{"code":null,"signal":"SIGTERM"}]`,
      ok,
      'exit 0',
    ])
  })

  it('forkTemplate() waits for a thread that runs, and is about to end', async () => {
    const worker = "'const end = Date.now() + 300; while (Date.now() < end);'"
    const stdout = await output(
      `const { Worker } = await import('node:worker_threads')
      await new Promise(done => new Worker(${worker}, { eval: true }).once('online', done))
      ${printThreads}
      process.exit()`,
    )
    assert.equal(stdout, 'none\n')
  })

  it('forkTemplate() works in CommonJS', async () => {
    const program = `
      const { forkTemplate } = require('@anyfork/fork/template')
      globalThis.leave = () => process.exit(9)
      forkTemplate().then(async template => {
        const child = template.fork()
        await child.run('leave')
        console.log((await child.exited).code)
        await template.close()
      })`
    const { stdout } = await runCommand(process.execPath, [...forkingFlags, '-e', program])
    assert.equal(stdout, '9\n')
  })

  it('each copy of the program has its own pid and random values', async () => {
    const stdout = await output(`
      import { randomUUID } from 'node:crypto'
      import { forkTemplate } from '@anyfork/fork/template'
      ${prelude}
      const values = () => [process.pid, Math.random(), randomUUID()]
      values()
      globalThis.answer = socket => reply(socket, values())
      const template = await forkTemplate()
      const answers = await Promise.all([template.fork(), template.fork()].map(async child => read(await child.run('answer'))))
      console.log(new Set([...answers, values()].flat()).size)
      await template.close()`)
    assert.equal(stdout, '9\n')
  })

  it('copies do not inherit descriptors that the program opens later', async () => {
    const stdout = await output(`
      import { createServer } from 'node:http'
      import { forkTemplate } from '@anyfork/fork/template'
      const template = await forkTemplate()
      const server = createServer().listen(0, '127.0.0.1')
      await new Promise(done => server.once('listening', done))
      const { canFork, descriptors } = await template.fork().check()
      console.log(canFork, descriptors.filter(({ origin }) => origin === 'opened').length)
      process.exit()`)
    assert.equal(stdout, 'true 0\n')
  })

  it('forkTemplate() rejects with ERR_NOT_FORKABLE without the interpreter flags, and names them', async () => {
    const program =
      "import { forkTemplate } from '@anyfork/fork/template'; await forkTemplate().catch(({ code, message }) => console.log(code, message))"
    for (const flags of [[], ['--single-threaded'], ['--v8-pool-size=1']]) {
      assert.match(await output(program, flags), /^ERR_NOT_FORKABLE .*node --single-threaded --v8-pool-size=1/s)
    }
  })

  it('forkTemplate() rejects in a program that is being debugged, and in a worker thread', async () => {
    const program =
      "import { forkTemplate } from '@anyfork/fork/template'; await forkTemplate().catch(({ findings }) => console.log(findings[0].topic, findings[0].subject)); process.exit()"
    assert.match(await output(program, [...forkingFlags, '--inspect=127.0.0.1:0']), /^thread \d\n$/)
    const inThread = `
      import { Worker } from 'node:worker_threads'
      new Worker("import('@anyfork/fork/template').then(({ forkTemplate }) => forkTemplate()).catch(({ findings }) => console.log(findings[0].subject))", { eval: true })`
    assert.equal(await output(inThread), 'worker thread\n')
  })

  describe('in a program with an obstacle', () => {
    let outcomes: [code: string, findings: [topic: string, subject: string][], later: string][]
    before(async () => {
      const attempts = obstacles.map(
        ({ begin, end }) => `{
          ${begin}
          const { code, findings } = await forkTemplate().catch(error => error)
          ${end}
          const later = await forkTemplate()
          outcomes.push([code, findings?.map(({ topic, subject }) => [topic, subject]), later.mode])
          await later.close()
        }`,
      )
      const stdout = await output(`
        import { forkTemplate } from '@anyfork/fork/template'
        const outcomes = []
        ${attempts.join('\n')}
        console.log(JSON.stringify(outcomes))`)
      outcomes = JSON.parse(stdout)
    })

    for (const [i, { what, topic, subject }] of obstacles.entries())
      it(`forkTemplate() rejects with ERR_NOT_FORKABLE and a finding for ${what}; the program continues, and is forked without it`, () => {
        const [code, findings, later] = outcomes[i]!
        assert.deepEqual([code, later], ['ERR_NOT_FORKABLE', 'fork'])
        assert.ok(
          findings.some(found => found[0] === topic && subject.test(found[1])),
          JSON.stringify(findings),
        )
      })
  })

  it('forkTemplate() detects a foreign thread whatever UV_THREADPOOL_SIZE is', async () => {
    const pool = "await (await import('node:fs/promises')).stat('/')"
    const set = "process.env.UV_THREADPOOL_SIZE = '16'"
    for (const size of [undefined, '2', '16']) {
      const program = `${pool}; ${set}; ${printThreads}; ${startWorker}; ${printThreads}; process.exit()`
      const env = size === undefined ? {} : { UV_THREADPOOL_SIZE: size }
      assert.equal(await output(program, undefined, env), 'none\n1\n')
    }
  })

  for (const [how, flags, env] of withoutListener) {
    it(`forkTemplate() detects a foreign thread in a program without a SIGUSR1 listener (${how})`, async function () {
      if (!process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')) this.skip()
      const args = [...forkingFlags, ...flags]
      const program = `delete process.env.NODE_OPTIONS; ${printThreads}; ${startWorker}; ${printThreads}; process.exit()`
      assert.equal(await output(program, args, env), 'none\n1\n')
    })
  }

  it('forkTemplate() works although the program has handed over a process', async () => {
    const stdout = await output(`
      import { ForkProcess } from '@anyfork/fork'
      import { forkTemplate } from '@anyfork/fork/template'
      const first = ForkProcess.exec()
      const second = ForkProcess.fromFd(await first.toFd())
      await second.ready()
      const template = await forkTemplate()
      console.log(template.mode)
      process.exit()`)
    assert.equal(stdout, 'fork\n')
  })

  it('the mode of a copy is still fork after it was handed over', async () => {
    const stdout = await output(`
      import { ForkProcess } from '@anyfork/fork'
      import { forkTemplate } from '@anyfork/fork/template'
      const template = ForkProcess.fromFd(await (await forkTemplate()).toFd())
      await template.ready()
      console.log(template.mode)
      await template.close()`)
    assert.equal(stdout, 'fork\n')
  })

  it('forkTemplate() works while other copies are being made or their ends are awaited', async () => {
    const program = `
      import { forkTemplate } from '@anyfork/fork/template'
      const copies = await Promise.all([forkTemplate(), forkTemplate()])
      const ends = copies.map(({ exited }) => exited)
      for (let i = 0; i < 10; i++) copies.push(await forkTemplate())
      const child = copies.at(-1).fork()
      await child.ready()
      await child.close()
      await Promise.all(copies.map(copy => copy.close()))
      console.log(JSON.stringify(await Promise.all(ends)), new Set(copies.map(({ pid }) => pid)).size)`
    const { stdout, stderr } = await runProgram(program, [], { nodeFlags: forkingFlags })
    assert.deepEqual([stdout, stderr], ['[{"code":0,"signal":null},{"code":0,"signal":null}] 12\n', ''])
  })

  it('forkTemplate() rejects while standard input is being read', async () => {
    const program = `
      import { forkTemplate } from '@anyfork/fork/template'
      process.stdin.on('data', () => {})
      try { await forkTemplate() } catch ({ findings }) { console.log(findings.some(({ subject }) => subject === 'stdin')) }
      process.exit()`
    const child = spawn(process.execPath, [...forkingFlags, ...module, program], { stdio: ['pipe', 'pipe', 'inherit'] })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    assert.equal(line, 'true')
    child.stdin.end()
  })

  it('forkTemplate() waits for pending requests, and works after a rejection', async () => {
    const stdout = await output(`
      import { readFile } from 'node:fs'
      import { createServer } from 'node:net'
      import { forkTemplate } from '@anyfork/fork/template'
      const server = createServer().listen(0)
      await forkTemplate().catch(() => console.log('refused'))
      server.close()
      readFile('/etc/passwd', () => console.log('read'))
      const template = await forkTemplate()
      const child = template.fork()
      await child.ready()
      console.log(child.mode)
      await child.close()
      await template.close()`)
    assert.equal(stdout, 'refused\nread\nfork\n')
  })

  it('copies end with a killed program; exited reports how a killed copy ended', async () => {
    const program = `
      import { forkTemplate } from '@anyfork/fork/template'
      const first = await forkTemplate()
      first.kill('SIGKILL')
      const { signal } = await first.exited
      const template = await forkTemplate()
      const child = template.fork().eval(() => { globalThis.spin = () => { for (;;); } })
      await child.run('spin')
      console.log(JSON.stringify([signal, template.pid, child.pid]))
      setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, [...forkingFlags, ...module, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    const [signal, ...pids] = JSON.parse(line) as [string, ...number[]]
    assert.equal(signal, 'SIGKILL')
    owner.kill('SIGKILL')
    await untilGone(...pids)
  })

  it('forkTemplate() leaks no socket when it rejects with EMFILE, and works once slots are free', async () => {
    const program = `
      import { forkTemplate } from '@anyfork/fork/template'
      import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
      const sockets = () => readdirSync('/proc/self/fd').filter(fd => { try { return readlinkSync('/proc/self/fd/' + fd).startsWith('socket:') } catch {} }).length
      const before = sockets()
      const fillers = []
      const attempt = async free => {
        try { for (;;) fillers.push(openSync('/dev/null')) } catch {}
        for (let i = 0; i < free; i++) closeSync(fillers.pop())
        try {
          const template = await forkTemplate()
          template.kill('SIGKILL')
          await template.exited
        } catch (error) {
          if (error.code !== 'EMFILE') console.log(free, error.code, error.message)
        }
      }
      await forkTemplate().then(template => { template.kill('SIGKILL'); return template.exited })
      for (const free of [1, 2, 3, 2, 1]) await attempt(free)
      for (const fd of fillers) closeSync(fd)
      const template = await forkTemplate()
      await template.ready()
      await template.close()
      console.log(sockets() - before)`
    assert.equal(await outputOf(program, [], { nodeFlags: forkingFlags, openFiles: 80 }), '0\n')
  })

  it('forkTemplate() works after its first call has rejected with EMFILE', async () => {
    const program = `
      import { forkTemplate } from '@anyfork/fork/template'
      import { closeSync, openSync } from 'node:fs'
      const timer = setTimeout(() => {}, 1e6)
      await forkTemplate().catch(() => {}) // loads all modules
      clearTimeout(timer)
      const fillers = []
      try { for (;;) fillers.push(openSync('/dev/null')) } catch {}
      for (let i = 0; i < 3; i++) closeSync(fillers.pop())
      console.log(await forkTemplate().then(() => 'forked', error => error.code))
      for (const fd of fillers) closeSync(fd)
      const template = await forkTemplate()
      await template.close()
      console.log('forked')`
    assert.equal(await outputOf(program, [], { nodeFlags: forkingFlags, openFiles: 80 }), 'EMFILE\nforked\n')
  })

  it('forkTemplate() rejects with the error of an undo function, and leaves no copy and no descriptor', async () => {
    const stdout = await output(`
      import { forkTemplate } from '@anyfork/fork/template'
      import { beforeFork } from '@anyfork/fork'
      import { until } from '@anyfork/test-support'
      import { readdirSync, readFileSync } from 'node:fs'
      const children = () => readFileSync('/proc/thread-self/children', 'utf8')
      const left = async () => {
        await until(() => !children())
        return [readdirSync('/proc/self/fd').length, children()].join()
      }
      const attempt = () => forkTemplate().catch(error => console.log(error.message))
      const dispose = beforeFork(() => () => { throw new Error('not undone') })
      await attempt() // opens the descriptors that all copies share
      const before = await left()
      await attempt()
      console.log(await left() === before, children().length)
      dispose()
      const template = await forkTemplate()
      await template.close()
      console.log(template.mode)
      process.exit()`)
    assert.deepEqual(stdout.trim().split('\n'), ['not undone', 'not undone', 'true 0', 'fork'])
  })

  it('forks of a copy reject with EMFILE if the number of its control socket is above its limit', async () => {
    const stdout = await output(`
      import { forkTemplate } from '@anyfork/fork/template'
      import { closeSync, openSync } from 'node:fs'
      const fds = Array.from({ length: 90 }, () => openSync('/dev/null'))
      const template = await forkTemplate()
      template.eval(fds => { for (const fd of fds) process.getBuiltinModule('fs').closeSync(fd) }, fds)
      template.restrict({ rlimits: { nofile: 64 } })
      await template.ready()
      await template.fork().ready().catch(error => console.log(error.code))
      await template.ready()
      template.kill('SIGKILL')
      await template.ready().catch(error => console.log(error.code))
      process.exit()`)
    assert.equal(stdout, 'EMFILE\nERR_PROCESS_EXITED\n')
  })

  it('a process that was forked forks itself', async () => {
    const stdout = await output(
      `
      import { ForkProcess } from '@anyfork/fork'
      const template = ForkProcess.exec({ mode: 'fork' }).eval(async () => {
        const { forkTemplate } = await import('@anyfork/fork/template')
        globalThis.copy = async socket => {
          socket.close()
          const template = await forkTemplate()
          const child = template.fork()
          await child.ready()
          console.log(template.mode, child.mode)
          await child.close()
          await template.close()
          process.exit()
        }
      })
      const process = template.fork()
      await process.run('copy')
      console.log((await process.exited).code)
      await template.close()`,
      [],
    )
    assert.equal(stdout, 'fork fork\n0\n')
  })

  it('a copy of a worker takes no orders to the worker', async () => {
    const stdout = await output(
      `
      import { ForkProcess } from '@anyfork/fork'
      import { until } from '@anyfork/test-support'
      import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
      import { setTimeout } from 'node:timers/promises'
      const folder = mkdtempSync('/tmp/anyfork-')
      const worker = ForkProcess.exec({ mode: 'fork' }).eval(async folder => {
        const { forkTemplate } = await import('@anyfork/fork/template')
        const { existsSync, writeFileSync } = process.getBuiltinModule('fs')
        globalThis.copy = async socket => {
          socket.close()
          const template = await forkTemplate()
          await template.ready()
          writeFileSync(folder + '/copied', '')
          while (!existsSync(folder + '/go')); // only the copy could answer the question
          template.kill('SIGKILL')
          await template.exited
          process.exit()
        }
      }, folder)
      await worker.run('copy')
      await until(() => existsSync(folder + '/copied'))
      const asked = worker.inspect().then(() => 'an answer', () => 'none')
      console.log(await Promise.race([asked, setTimeout(300, 'none so far')])) // time for a wrong answer
      writeFileSync(folder + '/go', '')
      await worker.exited
      rmSync(folder, { recursive: true })
      process.exit()`,
      [],
    )
    assert.equal(stdout, 'none so far\n')
  })

  it('forkTemplate() rejects with ERR_NOT_FORKABLE although an undo function throws', async () => {
    const stdout = await output(`
      import { forkTemplate } from '@anyfork/fork/template'
      import { beforeFork } from '@anyfork/fork'
      beforeFork(() => () => { throw new Error('not undone') })
      setTimeout(() => {}, 1e6)
      await forkTemplate().catch(error => console.log(error.code))
      process.exit()`)
    assert.equal(stdout, 'ERR_NOT_FORKABLE\n')
  })

  it('a copy that an afterFork hook delays ends with a killed program', async () => {
    const program = `
      import { forkTemplate } from '@anyfork/fork/template'
      import { afterFork } from '@anyfork/fork'
      afterFork(() => new Promise(() => setInterval(() => {}, 1000)))
      console.log((await forkTemplate()).pid)
      setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, [...forkingFlags, ...module, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [pid] = (await once(createInterface(owner.stdout), 'line')) as [string]
    owner.kill('SIGKILL')
    try {
      await untilGone(Number(pid))
    } finally {
      if (isRunning(Number(pid))) process.kill(Number(pid), 'SIGKILL')
    }
  })

  it('an afterFork hook that throws rejects the copy and its forks, and prints nothing', async () => {
    const program = `
      import { forkTemplate } from '@anyfork/fork/template'
      import { afterFork } from '@anyfork/fork'
      afterFork(async () => { throw new RangeError('no') })
      const template = await forkTemplate()
      const child = template.fork()
      for (const one of [template.ready(), child.ready()]) console.log(await one.catch(error => error.name + ' ' + error.message))
      console.log(JSON.stringify(await template.exited))`
    const { stdout, stderr } = await runProgram(program, [], { nodeFlags: forkingFlags })
    assert.deepEqual(
      [stdout.trim().split('\n'), stderr],
      [['RangeError no', 'RangeError no', '{"code":1,"signal":null}'], ''],
    )
  })
})
