import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { pipe } from '@anyfork/fdpass'
import { type ExecOptions, ForkProcess } from '@anyfork/fork'
import { forkingFlags } from '@anyfork/fork/template'
import { outputOf } from '@anyfork/test-support'
import { after, before, describe, it } from 'mocha'
import { answer } from './support/answer.js'

const worker = new URL('./fixtures/worker.js', import.meta.url)
type Surroundings = {
  argv0: string
  execPath: string
  execArgv: string[]
  cwd: string
  color: string | null
  title: string
}

/** Reads the surroundings of a process started with these options, and of one forked from it in each mode. */
async function surroundings(options: ExecOptions): Promise<Surroundings[]> {
  const templates = (['fork', 'exec'] as const).map(mode => ForkProcess.exec({ ...options, mode }))
  const processes = [...templates.map(template => template.fork()), templates[0]!]
  const seen = await Promise.all(
    processes.map(async process => answer<Surroundings>(await process.run(worker, 'surroundings'))),
  )
  await templates[1]!.close()
  await Promise.all(processes.map(process => process.exited))
  return seen
}

/** Returns the command line of a process, as ps(1) shows it. */
function commandLine(pid: number | undefined): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0.*$/s, '')
}

describe('options of ForkProcess.exec()', () => {
  let folder: string
  let seen: Surroundings[]
  before(async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'anyfork-exec-')))
    const node = join(folder, 'node')
    symlinkSync(process.execPath, node)
    const options = { argv0: 'miller', env: { COLOR: 'red' }, cwd: pathToFileURL(folder) }
    seen = await surroundings({ ...options, execPath: node, execArgv: ['--no-warnings'] })
  })
  after(() => rmSync(folder, { recursive: true }))

  it('argv0 sets process.argv0 of the interpreter and its forks', () => {
    for (const { argv0 } of seen) assert.equal(argv0, 'miller')
  })

  for (const mode of ['fork', 'exec'] as const) {
    it(`title sets what ps shows for the interpreter and its forks (mode ${mode})`, async () => {
      const template = ForkProcess.exec({ title: 'mill', mode })
      const [forked, running] = [template.fork(), template.fork()]
      await forked.ready()
      const socket = await running.run(worker, 'hold')
      assert.deepEqual(
        [template, forked, running].map(one => commandLine(one.pid)),
        ['mill template', 'mill template', 'mill hold'],
      )
      socket.close()
      await Promise.all([forked.close(), template.close()])
    })
  }

  it('execPath and execArgv choose the interpreter and its flags', () => {
    for (const { execArgv } of seen) assert.ok(execArgv.includes('--no-warnings'))
  })

  it('env and cwd, a path or a URL, set the environment and the working directory', async () => {
    for (const one of seen) assert.deepEqual([one.cwd, one.color], [folder, 'red'])
    const own = ForkProcess.exec({ cwd: folder })
    assert.equal((await answer<Surroundings>(await own.run(worker, 'surroundings'))).cwd, folder)
    await own.exited
  })

  for (const mode of ['fork', 'exec'] as const) {
    it(`stdio takes descriptors, which the caller keeps, and ignore (mode ${mode})`, async () => {
      const file = join(folder, 'output')
      const output = openSync(file, 'w')
      const [readEnd, writeEnd] = pipe()
      const template = ForkProcess.exec({ stdio: ['ignore', output, writeEnd], mode })
      writeEnd.close()
      const child = template.fork()
      const socket = await child.run(worker, 'print')
      socket.close()
      assert.deepEqual(await child.exited, { code: 0, signal: null })
      await template.close()
      closeSync(output)
      assert.equal(readFileSync(file, 'utf8'), 'to output\n')
      let text = ''
      for await (const piece of readEnd.toSocket()) text += String(piece)
      assert.equal(text, 'to error\n')
    })
  }

  it('exec() and templateOptions throw TypeError for invalid options', () => {
    const misuses: object[] = [
      { execPath: 7 },
      { argv0: '' },
      { title: 'a\0b' },
      { execArgv: '--flag' },
      { execArgv: [1] },
      { env: 'A=B' },
      { cwd: 7 },
      { stdio: 'pipe' },
      { stdio: ['tea'] },
      { mode: 'spoon' },
      { threads: 'some' },
      { exccPath: '/bin/node' },
    ]
    for (const misuse of misuses) assert.throws(() => ForkProcess.exec(misuse as ExecOptions), TypeError)
    assert.throws(() => (ForkProcess.templateOptions = { title: '' }), TypeError)
  })
})

describe('the default template', () => {
  after(() => (ForkProcess.templateOptions = {}))

  it('the default template starts with templateOptions, also after it was killed', async () => {
    const before = ForkProcess.create()
    await before.ready()
    const former = ForkProcess.startTemplate()
    ForkProcess.templateOptions = { title: 'other' }
    const first = ForkProcess.startTemplate()
    assert.notEqual(first, former)
    await first.ready()
    assert.equal(commandLine(first.pid), 'other template')
    first.kill('SIGKILL')
    await first.exited
    const again = ForkProcess.create()
    await again.ready()
    assert.equal(commandLine(again.pid), 'other template')
    await Promise.all([again.close(), before.close(), former.exited])
    ForkProcess.templateOptions = { execPath: '/no/such/node' }
    await assert.rejects(ForkProcess.create().ready(), (error: NodeJS.ErrnoException) => error.code === 'ENOENT')
    ForkProcess.templateOptions = {}
  })

  it('onTemplate() prepares the present default template and all later ones', async () => {
    const present = ForkProcess.startTemplate()
    const prepared: ForkProcess[] = []
    ForkProcess.onTemplate(template => void prepared.push(template.eval('globalThis.prepared = 5')))
    assert.equal(prepared.length, 1)
    assert.equal(prepared[0], present)
    present.kill('SIGKILL')
    await present.exited
    const child = ForkProcess.create().eval(() =>
      Object.assign(globalThis, {
        reply: (socket: { toSocket(): { end(text: string): void } }) =>
          socket.toSocket().end(String((globalThis as unknown as { prepared: number }).prepared)),
      }),
    )
    assert.equal(await answer(await child.run('reply')), 5)
    assert.equal(prepared.length, 2)
    assert.equal(prepared[1], ForkProcess.startTemplate())
    await child.exited
    assert.throws(() => ForkProcess.onTemplate(undefined as never), TypeError)
  })

  it('a default template whose onTemplate() listener throws is closed, and the next one is prepared completely', async () => {
    let isBad = false
    const prepare = (template: ForkProcess): void => {
      if (isBad) throw new Error('not prepared')
      template.eval('globalThis.isWhole = true')
    }
    const isWhole = 'if (!globalThis.isWhole) throw new Error("half-prepared")'
    const present = ForkProcess.startTemplate()
    isBad = true
    assert.throws(() => ForkProcess.onTemplate(prepare), { message: 'not prepared' })
    assert.throws(() => ForkProcess.create(), { message: 'not prepared' })
    assert.deepEqual(await present.exited, { code: 0, signal: null })
    isBad = false
    const child = ForkProcess.create().eval(isWhole)
    await child.ready()
    await child.close()
  })

  it('create() forks processes that share what the default template has loaded; a closed default template is replaced', async () => {
    ForkProcess.templateOptions = {}
    ForkProcess.startTemplate().eval('globalThis.shared = 7')
    const child = ForkProcess.create().eval(() =>
      Object.assign(globalThis, {
        reply: (socket: { toSocket(): { end(text: string): void } }) =>
          socket.toSocket().end(String((globalThis as unknown as { shared: number }).shared)),
      }),
    )
    assert.equal(await answer(await child.run('reply')), 7)
    await child.exited
    const used = ForkProcess.startTemplate()
    await used.close()
    const other = ForkProcess.create()
    await other.ready()
    assert.notEqual(ForkProcess.startTemplate(), used)
    await other.close()
  })
})

describe('the interpreter flags of a template', () => {
  let folder: string
  /** The flags that a template gets without being given any. */
  let added = new Set<string>(forkingFlags)
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-flags-'))
    const [plain] = await inherited([])
    added = new Set([...forkingFlags, ...plain])
  })
  after(() => rmSync(folder, { recursive: true }))

  const program = `
    import { ForkProcess } from '@anyfork/fork'
    const child = ForkProcess.exec().eval(() => { globalThis.reply = socket => socket.toSocket().end(JSON.stringify([process.execArgv, process.env.NODE_OPTIONS ?? null])) })
    let text = ''
    for await (const piece of (await child.run('reply')).toSocket()) text += piece
    await child.exited
    console.log(text)`

  /** Returns which flags of the program a template inherits, and its NODE_OPTIONS. */
  async function inherited(
    flags: readonly string[],
    options?: string,
  ): Promise<[execArgv: string[], options: string | null]> {
    const env = options === undefined ? {} : { NODE_OPTIONS: options }
    const [execArgv, kept] = JSON.parse(await outputOf(program, [], { nodeFlags: flags, env })) as [
      string[],
      string | null,
    ]
    return [execArgv.filter(flag => !added.has(flag)), kept]
  }

  it('a template does not inherit --cpu-prof, --heap-prof, --test-reporter, and their arguments, and keeps the other flags with theirs', async () => {
    const [execArgv] = await inherited([
      '--conditions',
      'kept',
      ...['--cpu-prof', '--cpu-prof-dir', folder, '--cpu-prof-name', 'cpu', '--cpu-prof-interval', '1000'],
      ...['-C', 'between'],
      ...['--heap-prof', '--heap-prof-dir', folder, '--heap-prof-name', 'heap', '--heap-prof-interval', '1000'],
      '--no-warnings',
      ...['--test-reporter', 'spec', '--test-reporter-destination', 'stdout', '--test-name-pattern', 'one'],
      ...['-C', 'too'],
    ])
    assert.deepEqual(execArgv, ['--conditions', 'kept', '-C', 'between', '--no-warnings', '-C', 'too'])
  })

  it('a template does not inherit --test_reporter (with an underscore) and its argument', async () => {
    const [execArgv] = await inherited(['--conditions', 'kept', '--test_reporter', 'spec', '-C', 'too'])
    assert.deepEqual(execArgv, ['--conditions', 'kept', '-C', 'too'])
  })

  it('a template does not inherit --test-reporter and its argument from NODE_OPTIONS', async () => {
    assert.deepEqual(await inherited([], '--conditions kept --test-reporter spec -C too'), [
      [],
      '--conditions kept -C too',
    ])
  })
})

describe('@anyfork/fork/early', () => {
  it('starts the default template when it is imported', async () => {
    const program = (early: boolean): string => `
      ${early ? "import '@anyfork/fork/early'" : ''}
      import '@anyfork/fork'
      import { readFileSync } from 'node:fs'
      console.log(readFileSync('/proc/thread-self/children', 'utf8') !== '')`
    for (const early of [true, false]) assert.equal(await outputOf(program(early)), `${early}\n`)
  })
})
