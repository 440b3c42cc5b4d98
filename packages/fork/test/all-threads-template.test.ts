import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { forkingFlags } from '@anyfork/fork/template'
import { outputOf, runCommand, runProgram, untilGone } from '@anyfork/test-support'
import { before, describe, it } from 'mocha'
import { needAllThreads } from './support/mode.js'
import { commonObstacles, type Obstacle } from './support/obstacles.js'

const isRoot = process.getuid?.() === 0

/** Starts a worker thread, which answers with the double of a number and with how often it was asked. */
const startThread = `
  import { text } from 'node:stream/consumers'
  import { Worker } from 'node:worker_threads'
  import { forkTemplate } from '@anyfork/fork/template'
  const thread = new Worker(
    "import('node:worker_threads').then(({ parentPort }) => { let asked = 0; parentPort.on('message', number => parentPort.postMessage([2 * number, ++asked])) })",
    { eval: true })
  const ask = number => new Promise(resolve => thread.once('message', resolve).postMessage(number))
  await ask(0)
  thread.unref()`

/** Obstacles to a copy with all threads. */
const obstacles: readonly Obstacle[] = [
  ...commonObstacles,
  {
    what: 'a file watcher',
    begin: "const watcher = (await import('node:fs')).watch('/')",
    end: 'watcher.close()',
    topic: 'handle',
    subject: /FSEvent/,
  },
  {
    what: 'an unreferenced file watcher',
    begin: "const watcher = (await import('node:fs')).watch('/').unref()",
    end: 'watcher.close()',
    topic: 'thread',
    subject: /watches files/,
  },
  {
    what: 'an open inspector',
    begin: "const inspector = await import('node:inspector'); inspector.open(0, '127.0.0.1')",
    end: 'inspector.close(); await new Promise(done => setTimeout(done, 50))',
    topic: 'handle',
    subject: /inspector/,
  },
  {
    what: 'a worker thread that runs',
    begin:
      "const busy = new Worker('for (;;) {}', { eval: true }); await new Promise(done => busy.once('online', done))",
    end: 'await busy.terminate()',
    topic: 'thread',
    subject: /the thread .+ \(\d+\) is running$/,
  },
]

describe("forkTemplate({ threads: 'all' })", () => {
  before(needAllThreads)

  it('copies a program without flags; its worker thread answers in the program, in copies, and in forks of copies', async () => {
    const { stdout, stderr, code } = await runProgram(`${startThread}
      globalThis.answer = async socket => {
        const answered = await ask(process.pid)
        socket.toSocket().end(JSON.stringify([process.pid, ...answered]))
      }
      const template = await forkTemplate({ threads: 'all' })
      const fork = template.fork()
      const second = await forkTemplate({ threads: 'all' })
      for (const one of [fork.fork(), fork, template, second]) {
        const [pid, double, asked] = JSON.parse(await text((await one.run('answer')).toSocket()))
        console.log(pid === one.pid, double === 2 * pid, asked, one.mode, JSON.stringify(await one.exited))
      }
      console.log(JSON.stringify(await ask(1)))`)
    const answered = 'true true 2 fork {"code":0,"signal":null}'
    assert.deepEqual([stdout.trim().split('\n'), stderr, code], [[...Array<string>(4).fill(answered), '[2,2]'], '', 0])
  })

  for (const how of ['a copy', 'a fork of a copy'])
    it(`${how} forks itself, ten generations deep; the worker thread of the first one answers in each`, async () => {
      const stdout = await outputOf(`${startThread}
        globalThis.live = async (socket, generation) => {
          socket?.close()
          console.log(generation, ...await ask(generation))
          if (generation === 10) return
          const template = await forkTemplate({ threads: 'all' })
          const next = ${how === 'a copy' ? 'template' : 'template.fork()'}
          ;(await next.sendArg(generation + 1).run('live')).close()
          console.log(generation, ...Object.values(await next.exited))
          await template.close()
        }
        await live(undefined, 0)`)
      const generations = Array.from({ length: 11 }, (_, i) => i)
      assert.deepEqual(stdout.trim().split('\n'), [
        ...generations.map(i => `${i} ${2 * i} ${i + 2}`),
        ...generations.slice(0, 10).map(i => `${9 - i} 0 null`),
      ])
    })

  it('a copy ends as Node does: by itself, by process.exit(), and by an uncaught error', async () => {
    const { stdout, stderr } = await runProgram(`
      import { forkTemplate } from '@anyfork/fork/template'
      globalThis.finish = async (socket, how) => {
        socket.close()
        process.on('exit', code => console.log('exit', code))
        process.once('beforeExit', () => void Promise.resolve().then(() => setTimeout(() => console.log('last timer'), 1)))
        if (how === 'exit') process.exit(7)
        if (how === 'throw') throw new RangeError('thrown')
        if (how === 'code') process.exitCode = 5
        console.log((await WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))).constructor.name)
      }
      const template = await forkTemplate({ threads: 'all' })
      for (const how of ['itself', 'code', 'exit', 'throw']) {
        const child = template.fork().sendArg(how)
        await child.run('finish')
        console.log(how, (await child.exited).code)
      }
      await template.close()`)
    assert.deepEqual(stdout.trim().split('\n'), [
      ...['Module', 'last timer', 'exit 0', 'itself 0'],
      ...['Module', 'last timer', 'exit 5', 'code 5'],
      ...['exit 7', 'exit 7'],
      ...['exit 1', 'throw 1'],
    ])
    assert.match(stderr, /RangeError: thrown/)
    assert.doesNotMatch(stderr, /top-level await/)
  })

  it('a copy and its forks can have worker threads of their own', async () => {
    const { stdout } = await runCommand(process.execPath, [
      '-e',
      `const { forkTemplate } = require('@anyfork/fork/template')
       const { Worker } = require('node:worker_threads')
       globalThis.start = async socket => {
         socket.close()
         const thread = new Worker('require("node:worker_threads").parentPort.postMessage("from a thread")', { eval: true })
         thread.on('message', console.log)
       }
       forkTemplate({ threads: 'all' }).then(async template => {
         const child = template.fork()
         for (const one of [child, template]) {
           await one.run('start')
           console.log((await one.exited).code)
         }
       })`,
    ])
    assert.equal(stdout, 'from a thread\n0\nfrom a thread\n0\n')
  })

  it('hooks of modules, which have a thread, load modules in a copy', async () => {
    const hooks = `export const load = (url, context, next) => url === 'hooked:x'
      ? { format: 'module', source: 'export default "hooked"', shortCircuit: true } : next(url, context)
      export const resolve = (name, context, next) => name === 'hooked:x' ? { url: name, shortCircuit: true } : next(name, context)`
    const stdout = await outputOf(`
      import { register } from 'node:module'
      import { forkTemplate } from '@anyfork/fork/template'
      register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)})
      globalThis.load = async socket => {
        socket.close()
        console.log((await import('hooked:x')).default)
        process.exit()
      }
      const template = await forkTemplate({ threads: 'all' })
      await template.run('load')
      await template.exited
      console.log((await import('hooked:x')).default)
      process.exit()`)
    assert.equal(stdout, 'hooked\nhooked\n')
  })

  it('ANYFORK_THREADS=all chooses it; a copy then forks itself with all threads as well', async () => {
    const stdout = await outputOf(
      `import { forkTemplate } from '@anyfork/fork/template'
       const template = await forkTemplate()
       const { canFork, copiedThreads } = await template.check()
       console.log(template.mode, canFork, copiedThreads)
       await template.close()`,
      [],
      { env: { ANYFORK_THREADS: 'all' } },
    )
    assert.equal(stdout, 'fork true all\n')
  })

  it('rejects with a TypeError for an option that does not exist or is invalid, and for an invalid ANYFORK_THREADS', async () => {
    const stdout = await outputOf(`
      import { forkTemplate } from '@anyfork/fork/template'
      const attempt = options => forkTemplate(options).catch(error => console.log(error.name, error.message))
      await attempt({ threads: 'some' })
      await attempt({ thread: 'all' })
      await attempt('all')
      process.env.ANYFORK_THREADS = 'some'
      await attempt()`)
    const lines = stdout.trim().split('\n')
    assert.match(lines[0]!, /^TypeError .*threads of forkTemplate\(\) must be 'one' or 'all'/)
    assert.match(lines[1]!, /^TypeError .*thread/)
    assert.match(lines[2]!, /^TypeError /)
    assert.match(lines[3]!, /^TypeError .*ANYFORK_THREADS must be/)
    assert.equal(lines.length, 4)
  })

  describe('in a program with an obstacle', () => {
    for (const { what, begin, end, topic, subject } of obstacles)
      it(`rejects with ERR_NOT_FORKABLE and a finding for ${what}; the program continues, and is forked without it`, async () => {
        const stdout = await outputOf(`${startThread}
          ${begin}
          const { code, findings } = await forkTemplate({ threads: 'all' }).catch(error => error)
          ${end}
          const { mode } = await forkTemplate({ threads: 'all' })
          console.log(JSON.stringify([code, findings?.map(({ topic, subject, text }) => [topic, subject + ': ' + text]), mode, await ask(1)]))
          process.exit()`)
        const [code, findings, mode, answer] = JSON.parse(stdout) as [string, [string, string][], string, number[]]
        assert.deepEqual([code, mode, answer], ['ERR_NOT_FORKABLE', 'fork', [2, 2]])
        assert.ok(
          findings.some(found => found[0] === topic && subject.test(found[1])),
          JSON.stringify(findings),
        )
      })
  })

  it('a copy ends with a killed program', async () => {
    const program = `${startThread}
      globalThis.spin = () => { for (;;); }
      const template = await forkTemplate({ threads: 'all' })
      const child = template.fork()
      await child.run('spin')
      console.log(JSON.stringify([template.pid, child.pid]))
      setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
    owner.kill('SIGKILL')
    await untilGone(...(JSON.parse(line) as number[]))
  })

  it('a program without room for the descriptors of a copy rejects with EMFILE, and is forked once there is room', async () => {
    const stdout = await outputOf(
      `import { forkTemplate } from '@anyfork/fork/template'
       import { until } from '@anyfork/test-support'
       import { closeSync, openSync, readdirSync } from 'node:fs'
       await forkTemplate({ threads: 'all' }).then(template => template.close())
       const count = () => readdirSync('/proc/self/fd').length
       const open = count()
       const fillers = []
       const attempt = async free => {
         try { for (;;) fillers.push(openSync('/dev/null')) } catch {}
         for (let i = 0; i < free; i++) closeSync(fillers.pop())
         await forkTemplate({ threads: 'all' }).then(template => template.close(), error => console.log(free, error.code))
       }
       for (const free of [1, 2, 3]) await attempt(free)
       for (const fd of fillers) closeSync(fd)
       await forkTemplate({ threads: 'all' }).then(template => template.close())
       await until(() => count() === open)
       console.log('nothing left')`,
      [],
      { openFiles: 80 },
    )
    assert.match(stdout, /^1 EMFILE\n2 EMFILE\n(3 EMFILE\n)?nothing left\n$/)
  })

  it('a copy that cannot have its threads rejects with EAGAIN, and the program goes on', async function () {
    if (!isRoot) return this.skip() // only root can become a user without other processes
    const program = new URL('./fixtures/template-thread-limit.js', import.meta.url)
    const id = 20_000 + (process.pid % 40_000) // another run of this test may be in progress
    assert.equal(await outputOf(program, [], { uid: id, gid: id }), 'EAGAIN pthread_create {"code":1,"signal":null}\n')
  })

  it("where the C library lacks what copies need, forkTemplate() behaves as with 'one', and a finding says why", async function () {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    try {
      const [source, library] = [join(folder, 'other.c'), join(folder, 'other.so')]
      writeFileSync(source, 'const unsigned _thread_db_pthread_tid[3] = {0};\n')
      if (spawnSync('cc', ['-shared', '-fPIC', '-o', library, source]).status !== 0) return this.skip() // no compiler
      const program = `
        import { forkTemplate } from '@anyfork/fork/template'
        const attempt = () => forkTemplate({ threads: 'all' }).catch(({ findings }) => { console.log(findings[0].subject, findings[0].text); process.exit() })
        const template = await attempt()
        const { canFork, copiedThreads, findings } = await template.check()
        console.log(canFork, copiedThreads, findings.find(({ subject }) => subject === 'threads').text)
        process.exit()`
      const preloaded = [process.env['LD_PRELOAD'], library].filter(Boolean).join(':')
      const env = { LD_PRELOAD: preloaded }
      const why = 'the C library does not say where it keeps the id of a thread'
      assert.equal(
        await outputOf(program, [], { env }),
        `flags V8 waits for threads that a copy would not have; it cannot have all threads, because ${why}\n`,
      )
      assert.equal(
        await outputOf(program, [], { env, nodeFlags: forkingFlags }),
        `true one forks have one thread, although all were asked for: ${why}\n`,
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
