import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { getPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, openResources, outputOf } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { answer } from './support/answer.js'
import { needAllThreads } from './support/mode.js'
import { jobsOfForks } from './support/thread-jobs.js'

const jobs = new URL('./fixtures/thread-jobs.js', import.meta.url)
const live = new URL('./fixtures/live-thread.js', import.meta.url)
const counter = new URL('./fixtures/generation-counter.js', import.meta.url)
const table = new URL('./fixtures/fill-table.js', import.meta.url)
const worker = new URL('./fixtures/worker.js', import.meta.url)

const names = [...jobsOfForks, 'worker threads']
const ends = ['natural', 'exit'] as const
const isRoot = process.getuid?.() === 0

describe('forks with all threads', () => {
  before(needAllThreads)
  before(async () => {
    await ForkProcess.exec().close() // Node and this package keep descriptors that the first process needs
  })

  describe('of one template', () => {
    let template: ForkProcess

    before(async () => {
      template = ForkProcess.exec({ threads: 'all', mode: 'fork' }).require(jobs)
      await template.ready()
    })
    after(async () => {
      await template.close()
      assert.deepEqual(await template.exited, { code: 0, signal: null })
    })

    for (const name of names) {
      for (const end of ends) {
        it(`a fork uses ${name} and ends ${end === 'exit' ? 'by process.exit()' : 'by itself'}`, async () => {
          const child = template.fork()
          assert.deepEqual(await answer(await child.sendArg([name], end).run(jobs, 'work')), [name])
          assert.deepEqual(await child.exited, { code: 0, signal: null })
          assert.equal(child.mode, 'fork')
        })
      }
    }

    it('check() reports that forks have all threads, and that none is in the way', async () => {
      const { canFork, copiedThreads, findings, threads } = await template.check()
      assert.deepEqual([canFork, copiedThreads], [true, 'all'])
      assert.deepEqual(findings, [])
      assert.ok(threads.length > 1 && threads.every(({ isForeign }) => !isForeign))
    })
  })

  it('check() warns of a pipe to another process, but not of one that each fork has of its own', async () => {
    const template = ForkProcess.exec({ threads: 'all', mode: 'fork' }).eval(async () => {
      const { pipe } = await import('@anyfork/fdpass')
      const [toItself, toAnother] = [pipe(), pipe()]
      toAnother[0].close()
      Object.assign(globalThis, { kept: [toItself, toAnother] })
    })
    const { descriptors, findings } = await template.check()
    const pipes = descriptors.filter(({ kind, origin }) => kind === 'pipe' && origin === 'opened')
    assert.equal(pipes.length, 3)
    assert.deepEqual(
      findings
        .filter(({ topic, severity }) => topic === 'descriptor' && severity === 'warns')
        .map(({ subject }) => subject),
      [String(Math.max(...pipes.map(({ fd }) => fd)))],
    )
    await template.close()
  })

  it('a worker thread of the template lives on in each fork with its state, and in the template', async () => {
    const before = openResources()
    const template = ForkProcess.exec({ threads: 'all', mode: 'fork' }).require(live).warm(live, 'askOnce')
    const children = [1, 2, 3, 4].map(() => template.fork())
    for (const [i, child] of children.entries()) {
      const answered = await answer(await child.sendArg(i).run(live, 'answer'))
      assert.deepEqual(answered, { double: 2 * i, asked: 2, code: 1 })
      assert.deepEqual(await child.exited, { code: 0, signal: null })
    }
    assert.deepEqual(await answer(await template.sendArg(7).run(live, 'answer')), { double: 14, asked: 2, code: 1 })
    assert.deepEqual(await template.exited, { code: 0, signal: null })
    await assertNothingLeft(before)
  })

  it('the template keeps its timers and its worker threads busy while it forks', async () => {
    const template = ForkProcess.exec({ threads: 'all', mode: 'fork' }).eval(async () => {
      const { Worker } = await import('node:worker_threads')
      const counts = { ticks: 0, messages: 0 }
      Object.assign(globalThis, { counts })
      setInterval(() => counts.ticks++, 1).unref()
      const thread = new Worker("setInterval(() => require('node:worker_threads').parentPort.postMessage(1), 1)", {
        eval: true,
      })
      thread.on('message', () => counts.messages++)
      await new Promise(resolve => thread.once('message', resolve))
      thread.unref()
    })
    for (let i = 0; i < 20; i++) {
      const child = template.fork()
      await child.ready()
      child.kill('SIGKILL')
      await child.exited
    }
    template.eval(async () => {
      const { counts } = globalThis as unknown as { counts: { ticks: number; messages: number } }
      const { ticks, messages } = counts
      while (counts.ticks === ticks || counts.messages === messages) await new Promise(setImmediate)
    })
    await template.ready()
    template.kill('SIGKILL')
    await template.exited
  })

  it('refork() copies a running process with all threads, 4 generations deep', async () => {
    const template = ForkProcess.exec({ threads: 'all', mode: 'fork' }).require(counter)
    let process = template
    const line: ForkProcess[] = []
    for (let generation = 0; generation < 4; generation++) {
      process = generation ? process.refork() : process.fork()
      line.push(process)
      const socket = (await process.run(counter, 'serve')).toSocket()
      const greeting = await new Promise<{ generation: number; pid: number }>(resolve =>
        socket.once('data', data => resolve(JSON.parse(String(data)))),
      )
      assert.deepEqual([greeting.generation, greeting.pid], [generation + 1, process.pid])
      process.exited.then(() => socket.destroy())
    }
    const last = process.refork()
    assert.equal((await answer<{ pid: number }>(await last.run(worker, 'identity'))).pid, last.pid)
    for (const one of [...line, template]) one.kill('SIGKILL')
    await Promise.all([...line, template].map(({ exited }) => exited))
  })

  it('a restriction of a fork applies to all its threads', async () => {
    const template = ForkProcess.exec({ threads: 'all', mode: 'fork' })
    const child = template.fork().restrict({ noNewPrivileges: true, nice: 7 })
    await child.ready()
    const threads = readdirSync(`/proc/${child.pid}/task`)
    assert.ok(threads.length > 5)
    for (const id of threads) {
      assert.match(readFileSync(`/proc/${child.pid}/task/${id}/status`, 'utf8'), /^NoNewPrivs:\t1$/m)
      assert.equal(getPriority(Number(id)), 7)
    }
    await child.close()
    await template.close()
  })

  it('ANYFORK_THREADS chooses which threads forks have, unless the option does; an invalid value throws a TypeError', async () => {
    const before = process.env['ANYFORK_THREADS']
    try {
      process.env['ANYFORK_THREADS'] = 'all'
      const processes = [ForkProcess.exec(), ForkProcess.exec({ threads: 'one' }), ForkProcess.exec({ mode: 'exec' })]
      const reports = await Promise.all(processes.map(one => one.check()))
      assert.deepEqual(
        reports.map(({ copiedThreads }) => copiedThreads),
        ['all', 'one', 'one'],
      )
      await Promise.all(processes.map(one => one.close()))
      process.env['ANYFORK_THREADS'] = 'some'
      assert.throws(() => ForkProcess.exec(), /^TypeError.*ANYFORK_THREADS must be/)
    } finally {
      if (before === undefined) delete process.env['ANYFORK_THREADS']
      else process.env['ANYFORK_THREADS'] = before
    }
  })

  it('a template with a loader copies all threads by default, and the thread of the loader works in forks', async () => {
    const loader = new URL('./fixtures/registering-loader.js', import.meta.url)
    for (const execArgv of [
      ['--import', loader.href],
      [`--import=${loader.href}`, '--no-warnings'],
    ]) {
      const template = ForkProcess.exec({ mode: 'fork', execArgv })
      const child = template.fork()
      // The first import of each URL asks the thread of the loader.
      child.eval(
        'globalThis.tell = async socket => socket.toSocket().end(JSON.stringify(await import("data:text/javascript,export default 1")))',
      )
      assert.deepEqual(await answer(await child.run('tell')), { default: 1 })
      assert.equal((await template.check()).copiedThreads, 'all')
      await template.close()
    }
    const others = [
      { execArgv: ['--import', loader.href], threads: 'one' as const },
      { execArgv: ['--require', '/dev/null'] },
    ]
    for (const options of others) {
      const template = ForkProcess.exec(options)
      assert.equal((await template.check()).copiedThreads, 'one')
      await template.close()
    }
  })

  it('a fork has random values of its own', async () => {
    const template = ForkProcess.exec({ threads: 'all', mode: 'fork' })
    const values = await Promise.all(
      [1, 2, 3].map(async () => {
        const child = template.fork().eval(() => {
          Object.assign(globalThis, {
            values: async (socket: { toSocket(): { end(text: string): void } }) => {
              const { randomUUID, randomBytes } = await import('node:crypto')
              socket.toSocket().end(JSON.stringify([Math.random(), randomUUID(), randomBytes(8).toString('hex')]))
            },
          })
        })
        return answer<unknown[]>(await child.run('values'))
      }),
    )
    assert.equal(new Set(values.flat()).size, 9)
    await template.close()
  })

  it('a fork is refused while a thread runs, and the error names the thread; mode auto starts an interpreter', async () => {
    const start = async (): Promise<void> => {
      const { Worker } = await import('node:worker_threads')
      const thread = new Worker('for (;;) {}', { eval: true })
      await new Promise(resolve => thread.once('online', resolve))
      thread.unref()
    }
    const refusing = ForkProcess.exec({ threads: 'all', mode: 'fork' }).eval(start)
    await assert.rejects(refusing.fork().ready(), {
      code: 'ERR_CANNOT_COPY',
      message: /the thread .+ \(\d+\) is running$/,
    })
    const { canFork, findings } = await refusing.check()
    assert.equal(canFork, false)
    assert.match(findings[0]!.text, /the thread .+ \(\d+\) is running$/)
    const template = ForkProcess.exec({ threads: 'all', mode: 'auto' }).eval(start)
    const child = template.fork()
    await child.ready()
    assert.equal(child.mode, 'exec')
    for (const process of [refusing, child, template]) process.kill('SIGKILL')
    await Promise.all([refusing.exited, child.exited, template.exited])
  })

  it('a fork is refused while a thread waits in a system call that has effects on others, which the error names', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const path = join(folder, 'fifo')
    execFileSync('mkfifo', [path])
    const template = ForkProcess.exec({ threads: 'all', mode: 'fork' })
    template.eval(
      `import('node:worker_threads').then(({ Worker }) => new Worker(
        "require('node:fs').openSync(require('node:worker_threads').workerData)", { eval: true, workerData: ${JSON.stringify(path)} }).unref())`,
    )
    await assert.rejects(template.fork().ready(), { code: 'ERR_CANNOT_COPY', message: /is in openat \(\d+\)/ })
    writeFileSync(path, '') // it goes on
    const child = template.fork()
    await child.ready()
    await child.close()
    await template.close()
    rmSync(folder, { recursive: true })
  })

  it('a fork is refused while files are watched', async () => {
    const template = ForkProcess.exec({ threads: 'all', mode: 'fork' }).eval(() => {
      const fs = process.getBuiltinModule('node:fs')
      Object.assign(globalThis, { watcher: fs.watch('/') })
    })
    await assert.rejects(template.fork().ready(), { code: 'ERR_CANNOT_COPY', message: /descriptor \d+ watches files/ })
    const child = template.eval('watcher.close()').fork()
    await child.ready()
    await child.close()
    await template.close()
  })

  it('a fork without a free descriptor is rejected with EMFILE, and the template goes on', async () => {
    const template = ForkProcess.exec({ threads: 'all', mode: 'fork' }).require(table)
    await template.ready()
    const crowded = template.eval('fillTable(1)').fork()
    await assert.rejects(crowded.ready(), { code: 'EMFILE' })
    const child = template.eval('freeTable()').fork()
    await child.ready()
    await child.close()
    await template.close()
  })

  it('a fork that cannot have its threads is rejected with EAGAIN, and the template goes on', async function () {
    if (!isRoot) return this.skip() // only root can become a user without other processes
    const program = new URL('./fixtures/thread-limit.js', import.meta.url)
    const id = 20_000 + (process.pid % 40_000) // another run of this test may be in progress
    assert.equal(await outputOf(program, [], { uid: id, gid: id }), 'done\n')
  })
})
