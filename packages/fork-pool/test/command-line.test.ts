import assert from 'node:assert/strict'
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { until } from './support/pools.js'

const program = fileURLToPath(new URL('../../bin/fork-pool.js', import.meta.url))
const worker = fileURLToPath(new URL('./fixtures/worker.js', import.meta.url))

interface Outcome {
  code: number
  stdout: string
  stderr: string
}

async function forkPool(args: string[], stdin: string | Buffer = '', cwd = process.cwd()): Promise<Outcome> {
  const child = spawn(process.execPath, [program, ...args], { cwd })
  const outcome = outcomeOf(child)
  child.stdin.end(stdin)
  return outcome
}

async function outcomeOf(child: ChildProcessWithoutNullStreams): Promise<Outcome> {
  const [[code], stdout, stderr] = await Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  return { code: code as number, stdout, stderr }
}

describe('fork-pool', () => {
  const started: ChildProcess[] = []
  afterEach(() => started.splice(0).forEach(child => child.kill('SIGKILL')))
  /** Starts it, with its standard input open. */
  const start = (...args: string[]): ChildProcessWithoutNullStreams => {
    const child = spawn(process.execPath, [program, ...args])
    started.push(child)
    return child
  }

  it('calls the default export for each argument and prints JSON in their order', async () => {
    assert.deepEqual(await forkPool([worker, 'a', 'b', 'c']), { code: 0, stdout: '"A"\n"B"\n"C"\n', stderr: '' })
  })

  it('takes a relative path, a file URL, and names an export after #', async () => {
    assert.equal((await forkPool(['worker.js#failOnB', 'x'], '', dirname(worker))).stdout, '"x"\n')
    assert.equal((await forkPool([`file://${worker}#failOnB`, 'x'])).stdout, '"x"\n')
  })

  it('takes a built-in module by its name', async () => {
    assert.equal((await forkPool(['node:path#basename', '/a/b'])).stdout, '"b"\n')
  })

  it('reads the lines of standard input without arguments', async () => {
    const lines = Array.from({ length: 500 }, (_, i) => `line ${i}`)
    const { code, stdout } = await forkPool([worker, '--workers', '3'], lines.join('\n'))
    assert.equal(code, 0)
    assert.deepEqual(
      stdout.trim().split('\n'),
      lines.map(line => JSON.stringify(line.toUpperCase())),
    )
  })

  it('prints a result as soon as those before it are printed, while more inputs may come', async () => {
    const child = start(worker, '-w', '2')
    for (const line of ['a', 'b', 'c']) {
      child.stdin.write(`${line}\n`)
      assert.equal(String(await once(child.stdout, 'data')), `"${line.toUpperCase()}"\n`)
    }
    child.stdin.end()
    assert.deepEqual(await outcomeOf(child), { code: 0, stdout: '', stderr: '' })
  })

  it('keeps no input that was done', async () => {
    const input = 'x'.repeat(500_000) + '\0'
    const child = spawn(process.execPath, [program, 'node:path#isAbsolute', '--null', '-w', '1'], {
      env: { ...process.env, NODE_OPTIONS: '--max-old-space-size=64' },
    })
    started.push(child)
    Readable.from(new Array(200).fill(input)).pipe(child.stdin.on('error', () => {})) // the outcome tells
    const { code, stdout } = await outcomeOf(child)
    assert.deepEqual({ code, results: stdout.match(/false/g)?.length }, { code: 0, results: 200 })
  })

  it('prints each value that a function yields', async () => {
    assert.deepEqual(await forkPool([`${worker}#countTo`, '-w', '1', '3', '0', '2']), {
      code: 0,
      stdout: '1\n2\n3\n1\n2\n',
      stderr: '',
    })
  })

  it('makes a call that fails while it yields again, and prints its values once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const [log, file] = [join(folder, 'log'), join(folder, 'file')]
    const input = JSON.stringify([file, 3])
    const attempts = (retries: string): Promise<Outcome> =>
      forkPool([`${worker}#yieldAt`, '--ndjson', '--joblog', log, '-r', retries, input])
    assert.deepEqual(await attempts('1'), { code: 1, stdout: '', stderr: `fork-pool: ${input}: not yet\n` })
    assert.deepEqual(await attempts('0'), { code: 0, stdout: '"begun"\n"done"\n', stderr: '' })
    assert.deepEqual(
      readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map(line => line.split('\t')[5]),
      ['Receive', '14'],
    )
    rmSync(folder, { recursive: true })
  })

  it('reports a failing input by name, goes on, and ends with the number of failures', async () => {
    assert.deepEqual(await forkPool([`${worker}#failOnB`, 'a', 'b', 'c']), {
      code: 1,
      stdout: '"a"\n"c"\n',
      stderr: 'fork-pool: b: b is not wanted\n',
    })
  })

  it('reports an input whose worker died, and goes on', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#exitOrEcho`, 'a', 'exit', 'c'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '"a"\n"c"\n' })
    assert.match(stderr, /^fork-pool: exit: .*exited with code 3\n$/)
  })

  it('says what is wrong with the module, once, and ends with 255', async () => {
    const { code, stdout, stderr } = await forkPool(['./no-such.js', 'a'])
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '' })
    assert.match(stderr, /^fork-pool: cannot find module .*no-such\.js/)
  })

  it('says that there is no such function, once, whatever is still to come, and ends with 255', async () => {
    const inputs = Array.from({ length: 1000 }, (_, i) => `${i}\n`).join('')
    const { code, stdout, stderr } = await forkPool([`${worker}#noSuch`], inputs)
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '' })
    assert.match(stderr, /^fork-pool: noSuch is not exported by \S*worker\.js\n$/)
  })

  it('prints results alone: what functions write to standard output goes to standard error', async () => {
    assert.deepEqual(await forkPool(['node:console#log', 'a', 'b', '--workers', '1']), {
      code: 0,
      stdout: 'null\nnull\n',
      stderr: 'a\nb\n',
    })
  })

  it('refuses a number of workers that is none', async () => {
    const { code, stderr } = await forkPool([worker, '--workers', 'many'])
    assert.equal(code, 255)
    assert.match(stderr, /--workers.*positive integer/s)
  })

  it('tells how it is used', async () => {
    const { code, stdout } = await forkPool(['--help'])
    assert.equal(code, 0)
    assert.ok(
      stdout.split('\n').every(line => line.length <= 80) && stdout.split('\n').length <= 36,
      'fits on a screen',
    )
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    assert.equal((await forkPool(['--version'])).stdout, `${version}\n`)
    for (const part of [
      'fork-pool [options] <module[#export]> [inputs...]',
      '--workers <n>',
      '--joblog <file>',
      'Exit status',
    ])
      assert.ok(stdout.includes(part), part)
  })

  it('stops quietly when nobody reads its results any more', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}`).join('\n')
    const child = spawn(process.execPath, [program, worker], { stdio: ['pipe', 'pipe', 'pipe'] })
    const closed = Promise.all([once(child, 'exit'), text(child.stderr)])
    child.stdin.on('error', () => {}).end(lines)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    assert.deepEqual(await closed, [[255, null], ''])
  })

  it('takes inputs that end with NUL, and JSON', async () => {
    const odd = ['two\nlines', 'ünïcode', '']
    assert.equal(
      (await forkPool([`${worker}#echo`, '-0'], odd.map(text => `${text}\0`).join(''))).stdout,
      odd.map(text => `${JSON.stringify(text)}\n`).join(''),
    )
    assert.equal(
      (await forkPool([`${worker}#echo`, '--ndjson'], '{"a":[1,null]}\n7\n"x"\n')).stdout,
      '{"a":[1,null]}\n7\n"x"\n',
    )
    assert.equal((await forkPool([`${worker}#echo`, '--ndjson', '[1]', 'true'])).stdout, '[1]\ntrue\n')
  })

  it('takes lines as they are: a carriage return alone, or a separator of Unicode, ends none; blank ones are no JSON', async () => {
    assert.equal((await forkPool([`${worker}#echo`], 'a\rb\u2028c\r\nd\n\n ')).stdout, '"a\\rb\u2028c"\n"d"\n" "\n')
    assert.equal((await forkPool([`${worker}#echo`, '--ndjson'], '1\n  \n"x\u2029y"\r\n\n')).stdout, '1\n"x\u2029y"\n')
  })

  it('takes one input of 40 MB, however it comes, in no time', async () => {
    const { code, stdout } = await forkPool([`${worker}#lengthOf`, '-0'], Buffer.alloc(40e6, 'x'))
    assert.deepEqual({ code, stdout }, { code: 0, stdout: '40000000\n' })
  }).timeout(10_000)

  it('refuses an input that is not UTF-8, which no text could stand for, and ends with 255', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#echo`, '-0'], Buffer.from([0x61, 0, 0xff, 0xfe, 0]))
    assert.deepEqual(
      { code, stdout, stderr },
      { code: 255, stdout: '"a"\n', stderr: 'fork-pool: input 2 of standard input is not UTF-8\n' },
    )
  })

  it('says that standard input cannot be read, and ends with 255', async () => {
    for (const format of [[], ['--null']]) {
      const folder = openSync(tmpdir(), 'r')
      const child = spawn(process.execPath, [program, worker, ...format], { stdio: [folder, 'pipe', 'pipe'] })
      closeSync(folder)
      const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr!)])
      assert.equal(code, 255)
      assert.match(stderr, /^fork-pool: EISDIR: .*\n$/)
    }
  })

  it('says that its results cannot be written, and ends with 255, the calls under way and its wait for inputs, too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const log = join(folder, 'log')
    const full = openSync('/dev/full', 'w')
    for (const rest of [[], ['a', 'loop']]) {
      const child = spawn(process.execPath, [program, `${worker}#doAs`, '-w', '2', '--joblog', log, ...rest], {
        stdio: ['pipe', full, 'pipe'],
      })
      started.push(child)
      child.stdin!.write('a\n')
      const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr!)])
      assert.deepEqual({ code, stderr }, { code: 255, stderr: 'fork-pool: ENOSPC: no space left on device, write\n' })
      assert.equal(readFileSync(log, 'utf8').trim().split('\n').length, 1)
    }
    closeSync(full)
    rmSync(folder, { recursive: true })
  })

  it('finishes what came before a line that is no JSON, and ends with 255', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#echo`, '--ndjson'], '1\n2\n{\n4\n')
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '1\n2\n' })
    assert.match(stderr, /^fork-pool: input 3 is no JSON/)
  })

  it('prints results as they come with --unordered, else in the order of the inputs', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const inputs = (name: string): string[] =>
      ['waits', 'writes'].map(what => JSON.stringify([join(folder, name), what]))
    assert.equal(
      (await forkPool([`${worker}#inTurn`, '-u', '-w', '2', '--ndjson', ...inputs('a')])).stdout,
      '"writes"\n"waits"\n',
    )
    assert.equal(
      (await forkPool([`${worker}#inTurn`, '--ordered', '-w', '2', '--ndjson', ...inputs('b')])).stdout,
      '"waits"\n"writes"\n',
    )
    rmSync(folder, { recursive: true })
  })

  it('ends a call after --timeout, and goes on', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#doAs`, '-t', '0.2', '-w', '1', 'a', 'loop', 'b'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '"a"\n"b"\n' })
    assert.match(stderr, /^fork-pool: loop: the call has been running for 200 ms\n$/)
  })

  it('ends a stream that takes longer than --timeout, too', async () => {
    const { code, stdout, stderr } = await forkPool([
      `${worker}#countAs`,
      '-t',
      '0.3',
      '-w',
      '1',
      'end',
      'wait',
      'leave',
    ])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '1\n2\n1\n2\n' })
    assert.match(stderr, /^fork-pool: wait: the call has been yielding for 300 ms\n$/)
  })

  it('stops making a call again at SIGINT', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const file = join(folder, 'file')
    const child = start(`${worker}#succeedAt`, '--ndjson', '-r', '1000000000', JSON.stringify([file, 1e9]))
    await until(() => existsSync(file))
    child.kill('SIGINT')
    const { code, stderr } = await outcomeOf(child)
    assert.equal(code, 130)
    assert.match(stderr, /not yet\n$/)
    rmSync(folder, { recursive: true })
  })

  it('names what was not done, and writes its report, where SIGINT comes while the module is loaded', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const [module, report, begun] = [join(folder, 'never.mjs'), join(folder, 'report'), join(folder, 'begun')] as const
    writeFileSync(
      module,
      `(await import('node:fs')).writeFileSync(${JSON.stringify(begun)}, ''); await new Promise(resolve => setTimeout(resolve, 1e8)); export default () => 1`,
    )
    const child = start(module, '--json', report, 'a', 'b')
    await until(() => existsSync(begun))
    child.kill('SIGINT')
    const { code, stderr } = await outcomeOf(child)
    assert.deepEqual({ code, stderr }, { code: 130, stderr: 'fork-pool: not done: a\nfork-pool: not done: b\n' })
    const { inputs, notDone, done } = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>
    assert.deepEqual({ inputs, notDone, done }, { inputs: 2, notDone: 2, done: 0 })
    rmSync(folder, { recursive: true })
  })

  it('does no work where the report cannot be written', async () => {
    const { code, stdout, stderr } = await forkPool([worker, '--json', '/no/such/folder/report', 'a'])
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '' })
    assert.match(stderr, /^fork-pool: ENOENT.*report'\n$/)
  })

  it('takes a file with # in its name, the function of CommonJS that was an ES module, and a package beside a folder of its name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    writeFileSync(join(folder, 'a#b.mjs'), 'export default text => text + 1')
    writeFileSync(
      join(folder, 'compiled.cjs'),
      'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = text => text + 2',
    )
    mkdirSync(join(folder, 'path'))
    assert.equal((await forkPool(['./a#b.mjs', 'x'], '', folder)).stdout, '"x1"\n')
    assert.equal((await forkPool(['./compiled.cjs', 'x'], '', folder)).stdout, '"x2"\n')
    assert.equal((await forkPool(['path#basename', '/a/x'], '', folder)).stdout, '"x"\n')
    const long = `data:text/javascript,${'/**/'.repeat(1500)}export default text => text + 3`
    assert.equal((await forkPool([long, 'x'], '', folder)).stdout, '"x3"\n')
    rmSync(folder, { recursive: true })
  })

  it('writes counts that add up with --json', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const report = join(folder, 'report')
    const counts = (): unknown => {
      const { inputs, done, failed, skipped, notDone, retried } = JSON.parse(readFileSync(report, 'utf8')) as Record<
        string,
        number
      >
      return { inputs, done, failed, skipped, notDone, retried }
    }
    await forkPool([`${worker}#failOnB`, '--halt', '-w', '1', '--json', report, 'a', 'c', 'b', 'd', 'e', 'f'])
    assert.deepEqual(counts(), { inputs: 6, done: 2, failed: 1, skipped: 0, notDone: 3, retried: 0 })
    await forkPool([`${worker}#exitOrEcho`, '-r', '2', '-w', '1', '--json', report, 'exit', 'a'])
    assert.deepEqual(counts(), { inputs: 2, done: 1, failed: 1, skipped: 0, notDone: 0, retried: 2 })
    rmSync(folder, { recursive: true })
  })

  it('makes calls that failed again, as often as --retries says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const inputs = ['a', 'b'].map(name => JSON.stringify([join(folder, name), 3]))
    for (const [retries, code] of [
      ['2', 0],
      ['1', 2],
    ] as const) {
      rmSync(folder, { recursive: true })
      mkdirSync(folder)
      assert.equal((await forkPool([`${worker}#succeedAt`, '--ndjson', '-r', retries, ...inputs])).code, code)
    }
    rmSync(folder, { recursive: true })
  })

  it('gives each call a process of its own with --isolate', async () => {
    const { stdout } = await forkPool([`${worker}#counted`, '--isolate', '1', '2', '3', '4', '5'])
    assert.equal(stdout, '1\n'.repeat(5))
  })

  it('loads more with --preload', async () => {
    const { stdout } = await forkPool([
      `${worker}#globalNamed`,
      '--preload',
      'data:text/javascript,globalThis.one = 1',
      '-p',
      'data:text/javascript,globalThis.two = 2',
      'one',
      'two',
    ])
    assert.equal(stdout, '1\n2\n')
  })

  it('ends with 101 after more than 100 failures', async () => {
    assert.equal((await forkPool([`${worker}#failOnB`, ...new Array(120).fill('b')])).code, 101)
    assert.equal((await forkPool([`${worker}#failOnB`, ...new Array(7).fill('b')])).code, 7)
  })

  it('begins nothing after a failure with --halt, and says what was not done', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#failOnB`, '--halt', '-w', '1', 'a', 'b', 'c', 'd'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '"a"\n' })
    assert.equal(stderr, 'fork-pool: b: b is not wanted\nfork-pool: not done: c\nfork-pool: not done: d\n')
  })

  it('ends after a failure with --halt while more inputs may come', async () => {
    const child = start(`${worker}#failOnB`, '--halt')
    child.stdin.write('a\nb\n')
    assert.deepEqual(await outcomeOf(child), {
      code: 1,
      stdout: '"a"\n',
      stderr: 'fork-pool: b: b is not wanted\nfork-pool: not done: all inputs after number 2\n',
    })
  })

  it('refuses options that exclude each other', async () => {
    for (const both of [
      ['--halt', '--keep-going'],
      ['--ordered', '--unordered'],
      ['--null', '--ndjson'],
    ])
      assert.equal((await forkPool([worker, ...both, 'a'])).code, 255)
    assert.equal((await forkPool([worker, '--resume', 'a'])).code, 255)
  })

  it('says what was done with --summary', async () => {
    const { stderr } = await forkPool([`${worker}#failOnB`, '--summary', 'a', 'b'])
    assert.match(stderr, /\nfork-pool: 1 done, 1 failed in \d+\.\d s\n$/)
  })

  it('shows the workers with --watch', async () => {
    const { stdout, stderr } = await forkPool([`${worker}#sleepAndSay`, '--watch', '-w', '2', '500', '501'])
    assert.equal(stdout, '500\n501\n')
    for (const part of [/template/, /busy/, /│ 500 /, /MB/, /2\/2 done, 0 failed/]) assert.match(stderr, part)
  })

  describe('--joblog', () => {
    let folder: string
    let log: string
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
      log = join(folder, 'log')
    })
    afterEach(() => rmSync(folder, { recursive: true }))
    const rows = (): string[][] =>
      readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map(line => line.split('\t'))

    it('logs a failure as one, also where the worker ended with status 0', async () => {
      assert.equal((await forkPool([`${worker}#exit`, '--ndjson', '--joblog', log, '0', '3'])).code, 2)
      assert.deepEqual(
        rows()
          .slice(1)
          .map(([number, , , , , , exit, signal]) => [number, exit, signal]),
        [
          ['1', '1', '0'],
          ['2', '3', '0'],
        ],
      )
      assert.equal(
        (await forkPool([`${worker}#exit`, '--ndjson', '--joblog', log, '--resume-failed', '0', '3'])).code,
        2,
      )
    })

    it('that is none is refused by --resume, and left as it is', async () => {
      const head = ['Seq', 'Host', 'Starttime', 'JobRuntime', 'Send', 'Receive', 'Exitval', 'Signal', 'Command'].join(
        '\t',
      )
      for (const [content, message] of [
        ['precious data', /log is no joblog/],
        ['precious\ndata\n', /log is no joblog/],
        [`${head}\n1\t:\t0\t0\t0\t0\t0\t0\techo a\n`, /log, line 2: echo a is no input/],
      ] as const) {
        writeFileSync(log, content)
        const { code, stderr } = await forkPool([worker, '--joblog', log, '--resume', 'a'])
        assert.equal(code, 255)
        assert.match(stderr, message)
        assert.equal(readFileSync(log, 'utf8'), content)
      }
    })

    it('logs each call as GNU parallel does', async () => {
      await forkPool([`${worker}#doAs`, '-w', '1', '-t', '0.3', '--joblog', log, 'a', 'throw', 'exit', 'kill', 'loop'])
      const [head, ...lines] = rows()
      assert.deepEqual(head, [
        'Seq',
        'Host',
        'Starttime',
        'JobRuntime',
        'Send',
        'Receive',
        'Exitval',
        'Signal',
        'Command',
      ])
      assert.deepEqual(
        lines.map(([number, , , , sent, , exit, signal, command]) => [number, sent, exit, signal, command]),
        [
          ['1', '1', '0', '0', '"a"'],
          ['2', '5', '1', '0', '"throw"'],
          ['3', '4', '3', '0', '"exit"'],
          ['4', '4', '0', '9', '"kill"'],
          ['5', '4', '-1', '0', '"loop"'],
        ],
      )
    })

    it('--resume leaves out what was done; --resume-failed does again what has failed', async () => {
      const run = (...args: string[]): Promise<Outcome> => forkPool([`${worker}#failOnB`, '--joblog', log, ...args])
      await run('a', 'b')
      assert.deepEqual(await run('--resume', 'a', 'b', 'c'), { code: 0, stdout: '"c"\n', stderr: '' })
      assert.deepEqual(await run('--resume-failed', 'a', 'b', 'c', 'd'), {
        code: 1,
        stdout: '"d"\n',
        stderr: 'fork-pool: b: b is not wanted\n',
      })
      assert.deepEqual(
        rows()
          .slice(1)
          .map(row => row[0])
          .sort(),
        ['1', '2', '2', '3', '4'],
      )
      await run('x')
      assert.equal(rows().length, 2)
    })

    it('--resume refuses a log of other inputs', async () => {
      await forkPool([worker, '--joblog', log, 'a'])
      const { code, stderr } = await forkPool([worker, '--joblog', log, '--resume', 'z'])
      assert.equal(code, 255)
      assert.match(stderr, /is of other inputs/)
    })

    it('that cannot be opened or written to is told of, and ends with 255', async () => {
      assert.deepEqual(await forkPool([worker, '--joblog', join(folder, 'none/log'), 'a']), {
        code: 255,
        stdout: '',
        stderr: `fork-pool: ENOENT: no such file or directory, open '${join(folder, 'none/log')}'\n`,
      })
      assert.deepEqual(await forkPool([worker, '--joblog', '/dev/full', 'a', 'b']), {
        code: 255,
        stdout: '"A"\n"B"\n',
        stderr: 'fork-pool: ENOSPC: no space left on device, write\n',
      })
    })

    it('with a last line that was not written to its end can be resumed again and again', async () => {
      const run = (...inputs: string[]): Promise<Outcome> => forkPool([worker, '--joblog', log, '--resume', ...inputs])
      await run('a', 'ü')
      truncateSync(log, readFileSync(log).indexOf('ü') + 1)
      assert.deepEqual(await run('a', 'ü'), { code: 0, stdout: '"Ü"\n', stderr: '' })
      assert.deepEqual(await run('a', 'ü', 'c'), { code: 0, stdout: '"C"\n', stderr: '' })
      assert.deepEqual(
        rows()
          .slice(1)
          .map(row => row[0]),
        ['1', '2', '3'],
      )
    })

    it('that is empty, or has only a part of its head, is begun anew by --resume', async () => {
      for (const content of ['', 'Seq\tHo']) {
        writeFileSync(log, content)
        for (const stdout of ['"A"\n', ''])
          assert.deepEqual(await forkPool([worker, '--joblog', log, '--resume', 'a']), { code: 0, stdout, stderr: '' })
        assert.deepEqual(
          rows().map(row => row[0]),
          ['Seq', '1'],
        )
      }
    })

    it('has only what was printed: a run that was killed, resumed, prints the rest', async () => {
      const names = ['a', 'b', 'c', 'd', 'e'].map(name => join(folder, name))
      const inputs = names.map((name, i) => JSON.stringify([name, i ? 'writes' : 'waits']))
      const args = [`${worker}#inTurn`, '--ndjson', '-w', '2', '--joblog', log]
      const child = start(...args, ...inputs)
      const outcome = outcomeOf(child)
      await until(() => existsSync(names.at(-1)!)) // all before it but the first have ended
      child.kill('SIGTERM')
      assert.equal((await outcome).stdout, '')
      writeFileSync(names[0]!, '')
      assert.deepEqual(await forkPool([...args, '--resume', ...inputs]), {
        code: 0,
        stdout: '"waits"\n' + '"writes"\n'.repeat(4),
        stderr: '',
      })
      assert.deepEqual(
        rows()
          .slice(1)
          .map(row => row[0]),
        ['1', '2', '3', '4', '5'],
      )
    })

    it('does not have a call that the second SIGINT has ended, which is named as not done', async () => {
      for (const [name, input] of [
        ['doAs', '"loop"'],
        ['countThenSpin', '1000000'],
      ] as const) {
        const child = spawn(
          process.execPath,
          [program, `${worker}#${name}`, '--ndjson', '--joblog', log, '--retries', '1', '--summary', input],
          { detached: true },
        )
        started.push(child)
        const outcome = outcomeOf(child)
        await until(() => isBusy(child.pid!))
        await interruptTwice(child.pid!)
        const { code, stdout, stderr } = await outcome
        assert.deepEqual({ code, stdout }, { code: 130, stdout: '' })
        assert.match(
          stderr,
          new RegExp(`^fork-pool: not done: ${input}\nfork-pool: 0 done, 0 failed, 1 not done in .* s\n$`),
        )
        assert.equal(rows().length, 1)
      }
    })

    it('an interrupted run, resumed, does all inputs once', async () => {
      const inputs = Array.from({ length: 20 }, (_, i) => `${50 + i}`)
      const child = spawn(process.execPath, [program, `${worker}#sleepAndSay`, '-w', '2', '--joblog', log, ...inputs], {
        detached: true,
      })
      const outcome = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
      while (!existsSync(log) || rows().length < 4) await new Promise(resolve => setTimeout(resolve, 5))
      process.kill(-child.pid!, 'SIGINT') // as a terminal does: to the workers, too
      const [[code], stdout, stderr] = await outcome
      const first = stdout.trim().split('\n')
      const notDone = [...stderr.matchAll(/^fork-pool: not done: (\d+)$/gm)].map(match => match[1])
      assert.equal(code, 130)
      assert.ok(first.length >= 3 && notDone.length > 0)
      assert.deepEqual([...first, ...notDone], inputs)
      const resumed = await forkPool([`${worker}#sleepAndSay`, '--joblog', log, '--resume', ...inputs])
      assert.deepEqual({ code: resumed.code, lines: resumed.stdout.trim().split('\n') }, { code: 0, lines: notDone })
    })
  })

  it('does or names every input at SIGINT, also when results wait for an earlier one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const names = Array.from({ length: 60 }, (_, i) => join(folder, `${i}`))
    const inputs = [...names.map((name, i) => JSON.stringify([name, i ? 'writes' : 'waits'])), '{']
    const child = start(`${worker}#inTurn`, '--ndjson', '-w', '2', '--json', join(folder, 'report'), ...inputs)
    const outcome = outcomeOf(child)
    await until(() => existsSync(names[31]!)) // and no more are begun until the first has ended
    child.kill('SIGINT')
    writeFileSync(names[0]!, '')
    const { code, stdout, stderr } = await outcome
    const done = stdout.trim().split('\n').length
    const report = JSON.parse(readFileSync(join(folder, 'report'), 'utf8'))
    rmSync(folder, { recursive: true })
    assert.equal(code, 130)
    assert.equal(
      stderr,
      inputs
        .slice(done)
        .map(input => `fork-pool: not done: ${input}\n`)
        .join(''),
    )
    assert.deepEqual([report.done, report.notDone], [done, inputs.length - done])
  })

  it('ends at the second SIGINT, workers included', async () => {
    const child = spawn(process.execPath, [program, `${worker}#doAs`, '-w', '1', 'loop', 'a'], { detached: true })
    const closed = once(child, 'close')
    let stderr = ''
    child.stderr.on('data', piece => (stderr += piece))
    while (!isBusy(child.pid!)) await new Promise(resolve => setTimeout(resolve, 5))
    for (let tries = 0; !stderr && tries < 100; tries++) {
      child.kill('SIGINT') // two that come at once are one
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    const [code] = await closed
    assert.equal(code, 130)
    assert.equal(stderr, 'fork-pool: not done: loop\nfork-pool: not done: a\n')
  })

  it('writes a report of its workers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const file = join(folder, 'report.json')
    await forkPool([worker, '--workers', '1', '--json', file, 'a', 'b'])
    const report = JSON.parse(readFileSync(file, 'utf8'))
    rmSync(folder, { recursive: true })
    assert.equal(report.inputs, 2)
    assert.equal(report.failed, 0)
    assert.equal(report.workers.length, 1)
    assert.equal(report.workers[0].calls, 2)
    assert.ok(report.workers[0].pssBytes > report.workers[0].ussBytes)
  })
})

/** Whether a process below has used processor time: it is in its endless loop. */
function isBusy(leader: number): boolean {
  return readdirSync('/proc').some(name => {
    if (!/^\d+$/.test(name)) return false
    try {
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
      return (
        fields[2] === `${leader}` &&
        Number(name) !== leader &&
        readFileSync(`/proc/${name}/comm`, 'utf8').startsWith('anyfork serve') &&
        Number(fields[11]) > 10
      )
    } catch {
      return false
    }
  })
}

/** The second comes when the first has been delivered: while one is pending, another is none. */
async function interruptTwice(pid: number): Promise<void> {
  process.kill(pid, 'SIGINT')
  await until(
    () => (BigInt(`0x${/^ShdPnd:\s*(\w+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]}`) & 2n) === 0n,
  )
  process.kill(pid, 'SIGINT')
}
