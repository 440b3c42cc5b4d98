import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type CheckReport, type Finding, ForkProcess } from '@anyfork/fork'
import { type Outcome, runCommand, runProgram } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { areAllThreadsCopied } from './support/mode.js'

const suspicious = new URL('./fixtures/suspicious.js', import.meta.url)
const worker = new URL('./fixtures/worker.js', import.meta.url)

/** The program that runs the tests may leave descriptors open. */

const startThread = async (): Promise<void> => {
  const { Worker } = await import('node:worker_threads')
  await new Promise(resolve => new Worker('setInterval(() => {}, 1000)', { eval: true }).once('online', resolve))
}

describe('check', () => {
  let template: ForkProcess
  let report: CheckReport

  before(async () => {
    template = ForkProcess.exec({ mode: 'fork', stdio: ['ignore', 'ignore', 'inherit'] }).require(suspicious)
    report = await template.check()
  })
  after(async () => {
    template.kill('SIGKILL')
    await template.exited
  })

  const found = (topic: Finding['topic']): [string, string, string][] =>
    report.findings.filter(one => one.topic === topic).map(({ severity, subject, text }) => [severity, subject, text])

  it('a report of many descriptors with long names arrives, and the process goes on', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const busy = ForkProcess.exec({ mode: 'fork' }).eval(
      async (folder, count) => {
        const { mkdirSync, openSync, writeFileSync } = await import('node:fs')
        const long = `${folder}${`/${'d'.repeat(240)}`.repeat(15)}`
        mkdirSync(long, { recursive: true })
        writeFileSync(`${long}/file`, '')
        for (let i = 0; i < count; i++) openSync(`${long}/file`, 'r')
      },
      folder,
      2500,
    )
    try {
      const { descriptors } = await busy.check() // more than 16 MiB
      assert.ok(descriptors.length > 2500)
      await busy.ready()
    } finally {
      await busy.close()
      rmSync(folder, { recursive: true })
    }
  })

  it('check() finds nothing in a bare template, nor in a process forked from it', async () => {
    const bare = ForkProcess.exec({ mode: 'fork' }).require(worker)
    const forked = bare.fork()
    for (const one of [bare, forked, forked.fork()]) {
      const { canFork, findings, descriptors } = await one.check()
      assert.deepEqual(findings, [])
      assert.equal(canFork, true)
      assert.deepEqual(
        descriptors.filter(({ origin }) => origin === 'opened'),
        [],
      )
      assert.ok(descriptors.filter(({ origin }) => origin === 'standard').length <= 3)
    }
    bare.kill('SIGKILL')
    await bare.exited
  })

  it('check() reports a foreign thread as blocking, and a fork rejects with ERR_FOREIGN_THREADS', async function () {
    if (areAllThreadsCopied) return this.skip() // such a thread is copied
    const threaded = ForkProcess.exec({ mode: 'fork' }).eval(startThread)
    const { canFork, findings, threads } = await threaded.check()
    assert.equal(canFork, false)
    assert.deepEqual([findings[0]!.severity, findings[0]!.topic], ['blocks', 'thread'])
    assert.ok(threads.some(({ isForeign }) => isForeign) && threads.some(({ isForeign }) => !isForeign))
    await assert.rejects(threaded.fork().ready(), { code: 'ERR_FOREIGN_THREADS' })
    await threaded.close()
  })

  it('check() reports a pending request as blocking', async () => {
    const waiting = ForkProcess.exec({ mode: 'fork' }).eval(async () => {
      const { open } = await import('node:fs')
      const { execFileSync } = await import('node:child_process')
      const path = `/tmp/anyfork-fifo-${process.pid}`
      execFileSync('mkfifo', [path])
      const now = performance.now.bind(performance)
      performance.now = () => 50 * now() // a fast clock, so that the template soon stops waiting for the request
      open(path, 'r', () => {}) // waits until a writer opens it
    })
    const { canFork, findings } = await waiting.check()
    rmSync(`/tmp/anyfork-fifo-${waiting.pid}`)
    assert.equal(canFork, false)
    assert.deepEqual([findings[0]!.severity, findings[0]!.topic], ['blocks', 'request'])
    waiting.kill('SIGKILL')
    await waiting.exited
  })

  it('check() warns of a process that code has started, also an unreferenced one, but not of forks', async () => {
    const serving = ForkProcess.exec({ mode: 'fork' }).eval(async () => {
      const { spawn } = await import('node:child_process')
      const service = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] })
      service.unref()
      for (const stream of [service.stdin, service.stdout]) (stream as unknown as { unref(): void }).unref()
    })
    const child = serving.fork()
    await child.ready()
    const { canFork, findings } = await serving.check()
    assert.equal(canFork, true)
    const processes = findings.filter(({ topic }) => topic === 'process')
    assert.deepEqual(
      processes.map(({ severity, subject }) => [severity, subject]),
      [['warns', 'cat']],
    )
    assert.match(processes[0]!.text, /^process \d+, which code has started/)
    assert.match(processes[0]!.advice, /beforeFork/)
    assert.deepEqual(
      (await child.check()).findings.filter(({ topic }) => topic === 'process'),
      [],
    )
    await child.close()
    serving.kill('SIGKILL')
    await serving.exited
  })

  it('check() describes the open descriptors', () => {
    const listening = report.descriptors.find(({ state, kind }) => kind === 'socket' && state === 'listening')!
    const connected = report.descriptors.filter(({ state, origin }) => state === 'connected' && origin === 'opened')
    assert.match(listening.local!, /^127\.0\.0\.1:\d+$/)
    assert.equal(connected.length, 2)
    assert.ok(connected.some(({ remote }) => remote === listening.local))
    const file = join(tmpdir(), `anyfork-suspicious-${template.pid}`)
    const opened = report.descriptors.find(({ name }) => name === `${file} (deleted)`)!
    assert.deepEqual([opened.kind, opened.isWritable, opened.origin], ['file', true, 'opened'])
    const severities = found('descriptor').map(([severity]) => severity)
    assert.deepEqual(severities, ['warns', 'warns', 'warns', 'notes'])
  })

  it('check() reports active handles, listeners, and unwritten output', () => {
    assert.equal(report.canFork, true)
    assert.equal(report.resources['Timeout'], 1)
    assert.deepEqual(
      found('handle').map(([severity, subject]) => [severity, subject]),
      [['warns', 'Timeout']],
    )
    assert.deepEqual(
      found('listener')
        .map(([, subject]) => subject)
        .sort(),
      ['SIGTERM', 'exit'],
    )
    assert.deepEqual(
      found('output').map(([severity, subject, text]) => [severity, subject, text.slice(0, 7)]),
      [['warns', 'stdout', '6 bytes']],
    )
  })

  it('check() warns of descriptors inherited from a script that starts the interpreter', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const execPath = join(folder, 'node')
    writeFileSync(execPath, `#!/bin/bash\nexec 50</etc/passwd\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 })
    const own = ForkProcess.exec({ mode: 'fork', execPath })
    try {
      const { findings, descriptors } = await own.check()
      assert.equal(descriptors.find(({ fd }) => fd === 50)?.origin, 'inherited')
      const passwd = findings.find(({ subject }) => subject === '50')!
      assert.equal(passwd.severity, 'warns')
      assert.match(passwd.text, /\/etc\/passwd.* was inherited/)
    } finally {
      await own.close()
      rmSync(folder, { recursive: true })
    }
  })

  it('check() reports that a process of mode exec cannot be forked', async () => {
    const fresh = ForkProcess.exec({ mode: 'exec' })
    const { canFork, findings } = await fresh.check()
    assert.equal(canFork, false)
    assert.deepEqual(
      findings.map(({ severity, topic }) => [severity, topic]),
      [['blocks', 'platform']],
    )
    await fresh.close()
  })

  it('check() rejects with TypeError after close()', async () => {
    const one = ForkProcess.create()
    await one.close()
    await assert.rejects(one.check(), TypeError)
  })
})

describe('anyfork-fork doctor', () => {
  const program = new URL('../../bin/anyfork-fork.js', import.meta.url)
  const run = (...args: string[]): Promise<Outcome> => runProgram(program, args)

  it('doctor prints a table, tries a fork, and exits with 0 if nothing blocks', async () => {
    const { code, stdout } = await run('doctor', fileURLToPath(suspicious))
    assert.match(stdout, /warns.*descriptor/)
    assert.match(stdout, /A test fork succeeded/)
    assert.equal(code, 0)
  })

  it('doctor names the blocking thread and exits with 1', async function () {
    if (areAllThreadsCopied) return this.skip() // such a thread is copied
    const { code, stdout } = await run('doctor', fileURLToPath(new URL('./fixtures/starts-thread.js', import.meta.url)))
    assert.match(stdout, /blocks.*thread/)
    assert.match(stdout, /A test fork failed: .*threads? that a fork would not copy/)
    assert.equal(code, 1)
  })

  it("doctor names the loader whose thread blocks forks, and says what happens in mode 'auto'", async function () {
    if (areAllThreadsCopied) return this.skip() // such a thread is copied
    const loader = fileURLToPath(new URL('./fixtures/registering-loader.js', import.meta.url))
    const { code, stdout } = await runCommand(
      process.execPath,
      ['--import', loader, fileURLToPath(program), 'doctor', 'node:zlib'],
      { env: { ANYFORK_THREADS: 'one' } },
    )
    const words = stdout.replace(/[^\x20-\x7e]+/g, ' ').replace(/ +/g, ' ')
    assert.match(words, /thread loader/)
    assert.match(words, /--import/)
    assert.match(words, /In mode 'auto', the default, processes are fresh interpreters instead/)
    assert.equal(code, 1)
  })

  it('doctor counts one finding in the singular', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const module = join(folder, 'module.mjs')
    writeFileSync(module, "process.on('SIGUSR2', () => {})")
    // The program that runs the tests may leave descriptors open, which would be findings as well.
    const command = 'for fd in /proc/$$/fd/*; do n=${fd##*/}; [ "$n" -le 2 ] || eval "exec $n<&-"; done; exec "$0" "$@"'
    const doctor = [process.execPath, fileURLToPath(program), 'doctor', module]
    const { stdout } = await runCommand('bash', ['-c', command, ...doctor])
    rmSync(folder, { recursive: true })
    assert.match(stdout, /module\.mjs: 1 finding\n/)
  })

  it('doctor --json prints the report of check(), the modules, and the outcome of the fork', async () => {
    const { code, stdout } = await run('doctor', '--json', 'node:zlib', 'mocha')
    const { modules, fork, ...rest } = JSON.parse(stdout) as CheckReport & {
      modules: string[]
      fork: { milliseconds: number }
    }
    const { canFork, findings } = rest
    const template = ForkProcess.exec({ mode: 'fork' })
    assert.deepEqual(Object.keys(rest), Object.keys(await template.check()))
    await template.close()
    assert.deepEqual(modules, ['node:zlib', 'mocha'])
    assert.ok(findings.every(({ severity }) => severity !== 'blocks'))
    assert.equal(canFork, true)
    assert.equal(typeof fork.milliseconds, 'number')
    assert.equal(code, 0)
  })

  it('doctor looks up a package from the working directory, or from its own folder if only that has it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const place = join(folder, 'node_modules/commander')
    mkdirSync(place, { recursive: true })
    writeFileSync(join(place, 'index.js'), 'setInterval(() => {}, 1e6)') // the real one leaves nothing behind
    for (const [cwd, hasTimer] of [
      [folder, true],
      ['/', false],
    ] as const) {
      const { stdout } = await runProgram(program, ['doctor', 'commander'], { cwd })
      const findings = stdout.match(/^│ . \w/gm)?.length ?? 0 // the program that runs the tests may leave descriptors open
      const counted = findings === 1 ? '1 finding' : findings ? `${findings} findings` : 'nothing found'
      assert.equal(stdout.split('\n', 1)[0], `commander: ${counted}`)
      assert.equal(stdout.includes('Timeout'), hasTimer)
    }
    rmSync(folder, { recursive: true })
  })

  it('doctor names a module that cannot be loaded and exits with 1', async () => {
    const { code, stdout, stderr } = await run('doctor', 'no-such-package')
    assert.equal(stdout, '')
    assert.match(stderr, /no-such-package/)
    assert.equal(code, 1)
  })
})
