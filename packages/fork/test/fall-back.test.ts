import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, realpathSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { pipe } from '@anyfork/fdpass'
import { ForkProcess } from '@anyfork/fork'
import { assertNothingLeft, childrenOf, isSoak, openResources, until } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { answer } from './support/answer.js'
import { areAllThreadsCopied } from './support/mode.js'

const threadModule = new URL('./fixtures/thread-module.js', import.meta.url)
const hooks = new URL('./fixtures/hooks.js', import.meta.url)
const worker = new URL('./fixtures/worker.js', import.meta.url)
const startWorker = "new (process.getBuiltinModule('node:worker_threads').Worker)('', { eval: true })"
const inheritable = new URL('./fixtures/inheritable.js', import.meta.url)
const openInodes = new URL('./fixtures/open-inodes.js', import.meta.url)
const loader = new URL('./fixtures/registering-loader.js', import.meta.url)

interface Answer {
  args: unknown[]
  seen: unknown
  pid: number
}

type Warning = Error & { code?: string; detail?: string }

/** Collects the warnings of this program about fresh interpreters until the returned function is called. */
function collectWarnings(): () => Warning[] {
  const warnings: Warning[] = []
  const listener = (warning: Warning): void => void (warning.code === 'ANYFORK_FALLBACK' && warnings.push(warning))
  process.on('warning', listener)
  return () => {
    process.off('warning', listener)
    return warnings
  }
}

async function kill(...processes: ForkProcess[]): Promise<void> {
  for (const one of processes) one.kill('SIGKILL')
  await Promise.all(processes.map(one => one.exited))
}

describe('falling back to fresh interpreters', () => {
  let template: ForkProcess // a template without orders, which the tests share unless they give orders to their own

  before(function () {
    if (areAllThreadsCopied) this.skip() // forks can have worker threads
    template = ForkProcess.exec({ mode: 'auto' })
  })
  after(() => areAllThreadsCopied || template.close())

  it('a forked process in mode auto whose module starts a thread becomes a fresh interpreter with the same pid, arguments, and orders', async () => {
    await ForkProcess.exec({ mode: 'auto' }).close() // opens what this program keeps open
    const before = openResources()
    const [readEnd, writeEnd] = pipe()
    const template = ForkProcess.exec({ mode: 'auto' })
      .sendArg('inherited')
      .eval(() => Object.assign(globalThis, { seen: 1 }))
    const child = template.fork().sendFd(readEnd)
    readEnd.close()
    writeEnd.close()
    await child.ready()
    const { pid } = child
    assert.equal(child.mode, 'fork')
    child.eval('seen++').require(threadModule).eval('seen++').sendArg('later')
    await child.ready()
    assert.equal(child.mode, 'exec')
    const { args, seen, pid: answering } = await answer<Answer>(await child.run(threadModule, 'report'))
    assert.deepEqual({ args, seen }, { args: ['inherited', 'Descriptor', 'later'], seen: 3 })
    assert.deepEqual([answering, child.pid], [pid, pid])
    child.kill('SIGKILL')
    assert.deepEqual(await child.exited, { code: null, signal: 'SIGKILL' })
    await template.close()
    await assertNothingLeft(before)
  })

  it('ForkProcess.create() falls back as ForkProcess.exec() does', async () => {
    const options = ForkProcess.templateOptions
    ForkProcess.templateOptions = { mode: 'auto' }
    const modes: unknown[] = []
    for (const process of [ForkProcess.exec({ mode: 'auto' }), ForkProcess.create()]) {
      const child = process.require(threadModule).fork().sendArg('x')
      const { args } = await answer<Answer>(await child.run(threadModule, 'report'))
      modes.push(args, child.mode)
      await kill(child, process)
    }
    assert.deepEqual(modes, [['x'], 'exec', ['x'], 'exec'])
    ForkProcess.templateOptions = options
  })

  it('run() of a module that starts a thread makes a forked process a fresh interpreter', async () => {
    const child = template.fork().sendArg('once')
    assert.deepEqual((await answer<Answer>(await child.run(threadModule, 'report'))).args, ['once'])
    assert.equal(child.mode, 'exec')
    await kill(child)
  })

  it('orders that arrive while a thread is started are carried out once and in order, even in parts', async () => {
    const child = template.fork().eval('seen = ""')
    child.eval("seen += 'a'; new (process.getBuiltinModule('node:worker_threads').Worker)('', { eval: true })")
    for (const text of ['b', 'c']) child.eval('(text, _) => { seen += text }', text, 'x'.repeat(3 << 20))
    child.sendArg('y'.repeat(3 << 20)).eval("seen += 'd'")
    const { args, seen } = await answer<{ args: string[]; seen: string }>(await child.run(threadModule, 'report'))
    assert.deepEqual([args[0]!.length, seen], [3 << 20, 'abcd'])
    await kill(child)
  })

  it('a hook of afterFork runs once in the fresh interpreter, after the orders to the template and before its own', async () => {
    const template = ForkProcess.exec({ mode: 'auto' }).require(hooks)
    const child = template.fork().require(threadModule)
    assert.deepEqual(await answer(await child.run(hooks, 'readLog')), ['after 1', 'after 2'])
    await kill(child)
    await template.close()
  })

  it('a fresh interpreter starts in the first working folder and repeats later changes of it', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'anyfork-')))
    const template = ForkProcess.exec({ mode: 'auto' }).eval('seen = [process.cwd()]')
    const child = template.fork().restrict({ cwd: folder }).eval('seen.push(process.cwd())')
    const { seen } = await answer<Answer>(await child.run(threadModule, 'report'))
    assert.deepEqual(seen, [process.cwd(), folder])
    await kill(child)
    await template.close()
    rmSync(folder, { recursive: true })
  })

  it('a process that became a fresh interpreter still reports how its earlier forks end', async () => {
    const parent = template.fork()
    const [first, second] = [parent.fork(), parent.fork()]
    await Promise.all([first.ready(), second.ready()])
    await parent.require(threadModule).ready()
    assert.equal(first.mode, 'fork')
    first.kill('SIGKILL')
    assert.deepEqual(await first.exited, { code: null, signal: 'SIGKILL' })
    await assert.rejects(second.eval('process.exit(7)').ready(), { code: 'ERR_PROCESS_EXITED', exitCode: 7 })
    assert.deepEqual(childrenOf(parent.pid!), [])
    await kill(parent)
  })

  it('a process that became a fresh interpreter ends with its owner and by close()', async () => {
    const child = template
      .fork()
      .eval("new (process.getBuiltinModule('node:worker_threads').Worker)('', { eval: true })")
    await child.ready()
    assert.equal(child.mode, 'exec')
    await child.close()
    assert.deepEqual(await child.exited, { code: 0, signal: null })
  })

  it('a process that became a fresh interpreter while close() waits for its forks ends after them', async () => {
    const parent = template
      .fork()
      .eval(`globalThis.later = () => setTimeout(() => ${startWorker}, 100)`)
      .eval('later()')
    const child = parent.fork()
    await child.ready()
    const closed = parent.close()
    await until(() => parent.mode === 'exec')
    await child.close()
    await closed
    assert.deepEqual(await parent.exited, { code: 0, signal: null })
  })

  it('a process that becomes a fresh interpreter finishes what it replays to another one', async () => {
    const parent = template
      .fork()
      .eval((_: string) => {}, 'x'.repeat(8 << 20))
      .eval("process.getBuiltinModule('node:inspector').open(0)") // its forks are fresh interpreters
    const child = parent.fork()
    parent.eval(startWorker)
    await Promise.all([parent.ready(), child.ready()])
    assert.deepEqual([parent.mode, child.mode], ['exec', 'exec'])
    await kill(child, parent)
  })

  it('a process that became a fresh interpreter has no descriptors of its former program', async () => {
    const child = template.fork().require(inheritable).eval(startWorker)
    const inodes = Object.values(await answer<Record<number, number>>(await child.run(openInodes, 'openInodes')))
    assert.equal(child.mode, 'exec')
    assert.ok(!inodes.includes(statSync('/dev/full').ino))
    await child.close()
  })

  it('a forked process does not become a fresh interpreter while its function runs, or if its orders cannot be repeated', async () => {
    const code = `try { new (process.getBuiltinModule('node:worker_threads').Worker)('', { eval: true }) } catch (error) { seen = error.code + ' ' + error.cause?.code }`
    const running = template
      .fork()
      .eval(`globalThis.work = socket => { ${code}; socket.toSocket().end(JSON.stringify(seen)) }`)
    assert.equal(await answer(await running.run('work')), 'ERR_WORKER_UNSUPPORTED undefined')
    assert.equal(running.mode, 'fork')
    const full = template.fork()
    for (let i = 0; i < 20; i++) full.eval((_: string) => {}, 'x'.repeat(1 << 20))
    full.eval(`${code}; globalThis.answer = socket => socket.toSocket().end(JSON.stringify(seen))`)
    assert.equal(await answer(await full.run('answer')), 'ERR_WORKER_UNSUPPORTED ERR_CANNOT_REPLAY')
    assert.equal(full.mode, 'fork')
  })

  it('a warning names the code that starts the thread, once for each code', async () => {
    const stop = collectWarnings()
    const module = new URL(`${threadModule.href}?once`)
    for (let i = 0; i < 2; i++) {
      const template = ForkProcess.exec({ mode: 'auto' }).require(module)
      const children = [template.fork(), template.fork().fork()]
      await Promise.all(children.map(child => child.ready()))
      await kill(template, ...children)
    }
    const warnings = stop()
    assert.equal(warnings.length, 1)
    const [{ message, detail, name }] = warnings as [Warning]
    assert.equal(name, 'AnyforkWarning')
    assert.ok(message.includes(`a worker thread, started at ${module.href}:3`), message)
    assert.match(detail!, /mode: 'exec'/)
  })

  it('a warning names the place from which a package was called that starts a thread', async () => {
    const code = `const { Worker } = require('node:worker_threads'); exports.start = () => new Worker('', { eval: true })`
    const child = template.fork().eval(
      (code: string, folder: string) => {
        const { compileFunction } = process.getBuiltinModule('node:vm')
        const library: { start?: () => void } = {}
        const filename = `${folder}/node_modules/library/index.js`
        compileFunction(code, ['exports', 'require'], { filename })(
          library,
          process.getBuiltinModule('node:module').createRequire(filename),
        )
        compileFunction('library.start()', ['library'], { filename: `${folder}/app.js` })(library)
      },
      code,
      '/folder',
    )
    const warned = once(process, 'warning') as Promise<[Warning]>
    await child.ready()
    const [{ message }] = await warned
    assert.match(message, /started at \/folder\/node_modules\/library\/index\.js:1, called at \/folder\/app\.js:1$/)
    await child.close()
  })

  it('a warning names the loader that starts a thread', async () => {
    const stop = collectWarnings()
    const path = fileURLToPath(loader)
    const asUrl = `data:text/javascript,import ${encodeURIComponent(JSON.stringify(loader.href))}`
    const loaders = [[`--import=${path}`], ['--import', asUrl]]
    for (const flags of isSoak ? [...loaders, ['--import', path]] : loaders) {
      const template = ForkProcess.exec({ mode: 'auto', threads: 'one', execArgv: ['--no-deprecation', ...flags] })
      const child = template.fork().sendArg(1)
      assert.deepEqual(await answer(await child.run(worker, 'describeArguments')), [1])
      assert.equal(child.mode, 'exec')
      await template.close()
    }
    const messages = stop().map(({ message }) => message)
    assert.equal(messages.length, 2)
    assert.ok(messages[0]!.endsWith(`a thread of the loader --import ${path}`), messages[0])
    assert.ok(messages[1]!.endsWith('a thread of the loader --import data:…'), messages[1])
  })

  it('a warning names the code that registers hooks of modules in a thread', async () => {
    const template = ForkProcess.exec({ mode: 'auto', execArgv: ['--no-deprecation'] })
    const child = template.fork().require(new URL(`${loader.href}?later`))
    const warned = once(process, 'warning') as Promise<[Warning]>
    const grandchild = child.fork()
    await grandchild.ready()
    const [{ message }] = await warned
    assert.ok(message.endsWith(`the thread of module.register(), started at ${loader.href}?later:3`), message)
    assert.deepEqual([child.mode, grandchild.mode], ['fork', 'exec'])
    await kill(grandchild, child)
    await template.close()
  })

  it('mode exec does not warn', async () => {
    const stop = collectWarnings()
    const template = ForkProcess.exec({ mode: 'exec' }).require(new URL(`${threadModule.href}?exec`))
    const child = template.fork()
    await child.ready()
    assert.equal(child.mode, 'exec')
    await kill(template, child)
    assert.deepEqual(stop(), [])
  })
})
