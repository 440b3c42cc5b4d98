import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { isSoak, runCommand } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { forkPool, outcomeOf, program, useForkPool, worker } from './support/cli.js'
import { useFolder } from './support/folder.js'

describe('fork-pool', () => {
  const { start } = useForkPool()
  const pathOf = useFolder()

  it('the default export is called for each argument, and the results are printed as JSON in their order', async () => {
    assert.deepEqual(await forkPool([worker, 'a', 'b', 'c']), { code: 0, stdout: '"A"\n"B"\n"C"\n', stderr: '' })
  })

  it('the function is an export that # separates from a relative path or a file URL', async () => {
    assert.equal((await forkPool(['worker.js#failOnB', 'x'], '', dirname(worker))).stdout, '"x"\n')
    assert.equal((await forkPool([`file://${worker}#failOnB`, 'x'])).stdout, '"x"\n')
  })

  it('a built-in module is found by its name with node:', async () => {
    assert.equal((await forkPool(['node:path#basename', '/a/b'])).stdout, '"b"\n')
  })

  // Each start of the program takes two interpreters, and what finds modules changes rarely.
  const describeInSoak = isSoak ? describe : describe.skip
  describeInSoak('with unusual modules and names', () => {
    it('a file may have # in its name', async () => {
      writeFileSync(pathOf('a#b.mjs'), 'export default text => text + 1')
      assert.equal((await forkPool(['./a#b.mjs', 'x'], '', pathOf('.'))).stdout, '"x1"\n')
    })

    it('the default export of a CommonJS module that was compiled from ES is exports.default', async () => {
      writeFileSync(
        pathOf('compiled.cjs'),
        'Object.defineProperty(exports, "__esModule", { value: true }); exports.default = text => text + 2',
      )
      assert.equal((await forkPool(['./compiled.cjs', 'x'], '', pathOf('.'))).stdout, '"x2"\n')
    })

    it('a package is found even if the working directory has a folder of its name', async () => {
      mkdirSync(pathOf('path'))
      assert.equal((await forkPool(['path#basename', '/a/x'], '', pathOf('.'))).stdout, '"x"\n')
    })

    it('a module may be a data: URL that is longer than a path can be', async () => {
      const long = `data:text/javascript,${'/**/'.repeat(1500)}export default text => text + 3`
      assert.equal((await forkPool([long, 'x'])).stdout, '"x3"\n')
    })

    it('a property that the module inherits is not a function of it', async () => {
      for (const name of ['toString', '__proto__', 'bind']) {
        const { code, stderr } = await forkPool([`node:assert#${name}`, 'x'])
        assert.deepEqual({ code, stderr }, { code: 255, stderr: `fork-pool: ${name} is not exported by node:assert\n` })
      }
    })
  })

  it('a result is printed as soon as the results before it, while standard input stays open', async () => {
    const child = start(worker, '-w', '2')
    for (const line of ['a', 'b', 'c']) {
      child.stdin.write(`${line}\n`)
      assert.equal(String(await once(child.stdout, 'data')), `"${line.toUpperCase()}"\n`)
    }
    child.stdin.end()
    assert.deepEqual(await outcomeOf(child), { code: 0, stdout: '', stderr: '' })
  })

  it('results are printed in the order of the inputs, even if a later one is ready first', async () => {
    const inputs = [
      ['slow', 'waits'],
      ['other', 'writes'],
      ['slow', 'writes'], // begins when the second has ended, because the first has one of the two workers
    ].map(([name, what]) => JSON.stringify([pathOf(name!), what]))
    assert.equal(
      (await forkPool([`${worker}#inTurn`, '--ordered', '-w', '2', '--ndjson', ...inputs])).stdout,
      '"waits"\n"writes"\n"writes"\n',
    )
  })

  it('--unordered prints each result as soon as it is ready', async () => {
    const slow = pathOf('slow')
    const inputs = [
      [slow, 'waits'],
      [pathOf('quick'), 'writes'],
    ].map(input => JSON.stringify(input))
    const child = start(`${worker}#inTurn`, '-u', '-w', '2', '--ndjson', ...inputs)
    assert.equal(String(await once(child.stdout, 'data')), '"writes"\n')
    writeFileSync(slow, '')
    assert.deepEqual(await outcomeOf(child), { code: 0, stdout: '"waits"\n', stderr: '' })
  })

  it('each value that a function yields is printed on a line of its own', async () => {
    assert.deepEqual(await forkPool([`${worker}#countTo`, '-w', '1', '3', '0', '2']), {
      code: 0,
      stdout: '1\n2\n3\n1\n2\n',
      stderr: '',
    })
  })

  it('what a function writes to standard output appears on standard error', async () => {
    assert.deepEqual(await forkPool(['node:console#log', 'a', 'b', '--workers', '1']), {
      code: 0,
      stdout: 'null\nnull\n',
      stderr: 'a\nb\n',
    })
  })

  it('--raw prints strings and binaries as they are, and other values as JSON', async () => {
    const outcome = await forkPool([`${worker}#valueOfKind`, '--raw', 'text', 'bytes', 'object', 'nothing', 'stream'])
    assert.deepEqual(outcome, { code: 0, stdout: 'a\tb\n\0\n{"a":"b"}\nnull\na\tb\n7\n', stderr: '' })
  })

  it('--tag begins each line of a result with the input and a tab', async () => {
    const { stdout } = await forkPool([`${worker}#countTo`, '-w', '1', '--tag', '2', '1'])
    assert.equal(stdout, '2\t1\n2\t2\n1\t1\n')
    const raw = await forkPool([`${worker}#echo`, '--tag', '--raw', '--ndjson', '"a\\n$&"', '7'])
    assert.equal(raw.stdout, '"a\\n$&"\ta\n"a\\n$&"\t$&\n7\t7\n')
  })

  it('--dry-run prints what would be called, and neither loads the module nor writes a file', async () => {
    const [log, results] = [pathOf('log'), pathOf('results')]
    const files = ['--joblog', log, '--results', results, '--json', pathOf('report')]
    assert.deepEqual(await forkPool(['--dry-run', '/no/such.js', ...files, 'a', '"']), {
      code: 0,
      stdout: '/no/such.js#default("a")\n/no/such.js#default("\\"")\n',
      stderr: '',
    })
    assert.deepEqual(readdirSync(pathOf('.')), [])
    const ndjson = await forkPool(['--dry-run', 'some-package#name', '--ndjson', '--tag'], '{"a":1}\n')
    assert.equal(ndjson.stdout, '{"a":1}\tsome-package#name({"a":1})\n')
  })

  it('--dry-run with --resume skips the inputs that the joblog has, and leaves the joblog as it is', async () => {
    const log = pathOf('log')
    const head = 'Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand'
    const before = `${head}\n1\t:\t0\t0\t1\t3\t0\t0\t"a"\n2\t:`
    writeFileSync(log, before)
    const { stdout } = await forkPool([worker, '--dry-run', '--joblog', log, '--resume', 'a', 'b'])
    assert.equal(stdout, `${worker}#default("b")\n`)
    assert.equal(readFileSync(log, 'utf8'), before)
  })

  it('--nice sets the niceness of the workers', async () => {
    assert.equal((await forkPool([`${worker}#niceness`, '--nice', '7', 'a'])).stdout, '7\n')
  })

  it('--memory ends a call whose worker uses more memory, and the other inputs are done', async () => {
    const { code, stdout, stderr } = await forkPool([
      `${worker}#keepMost`,
      '--ndjson',
      '-w',
      '1',
      '--memory',
      '100M',
      '1',
      '200',
      '2',
    ])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '1\n2\n' })
    assert.match(stderr, /^fork-pool: 200: PoolError \[ERR_POOL_MEMORY\]: /)
  })

  it('a package is found from the working directory, or from the folder of the program if only that has it', async () => {
    const place = pathOf('node_modules/commander')
    mkdirSync(place, { recursive: true })
    writeFileSync(pathOf('node_modules/commander/index.js'), 'exports.Command = () => "mine"')
    assert.equal((await forkPool(['commander#Command', 'x'], '', pathOf('.'))).stdout, '"mine"\n')
    assert.match((await forkPool(['commander#createCommand', 'x'], '', '/')).stderr, /a function cannot be sent/)
  })

  it('the libraries that draw are loaded only for --watch and on a terminal', async () => {
    const [hooks, hooked] = [pathOf('hooks.mjs'), pathOf('hooked.mjs')]
    writeFileSync(
      hooks,
      `import { appendFileSync } from 'node:fs'
      export function resolve(name, context, next) {
        appendFileSync(${JSON.stringify(pathOf('resolved'))}, name + '\\n')
        return next(name, context)
      }`,
    )
    writeFileSync(
      hooked, // the program with hooks; its template has none, because they would run in a thread
      `import { register } from 'node:module'
      register(${JSON.stringify(`file://${hooks}`)})
      process.argv.splice(1, 1)
      await import(process.argv[1])`,
    )
    const libraries = async (...options: string[]): Promise<string[]> => {
      writeFileSync(pathOf('resolved'), '')
      await runCommand(process.execPath, [hooked, program, worker, '--workers', '1', 'a', ...options])
      const resolved = readFileSync(pathOf('resolved'), 'utf8').trim().split('\n')
      assert.ok(resolved.includes('commander'))
      return resolved.filter(name => ['cli-progress', 'cli-table3', 'log-update'].includes(name))
    }
    assert.deepEqual(await libraries('--summary'), [])
    assert.deepEqual(await libraries('--watch'), ['cli-table3'])
  })

  it('--timeout ends a call that takes longer, and the other inputs are done', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#doAs`, '-t', '3', '-w', '1', 'a', 'stop', 'b'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '"a"\n"b"\n' })
    assert.match(stderr, /^fork-pool: stop: PoolError \[ERR_POOL_TIMEOUT\]: the call has been running for 3000 ms\n$/)
  })

  it('--timeout ends a stream that takes longer, and the other inputs are done', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#countAs`, '-t', '3', '-w', '1', 'end', 'wait', 'leave'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '1\n2\n1\n2\n' })
    assert.match(stderr, /^fork-pool: wait: PoolError \[ERR_POOL_TIMEOUT\]: the call has been yielding for 3000 ms\n$/)
  })

  it('--isolate runs each call in a process of its own', async () => {
    const { stdout } = await forkPool([`${worker}#counted`, '--isolate', '1', '2', '3', '4', '5'])
    assert.equal(stdout, '1\n'.repeat(5))
  })

  it('--preload loads modules before the function is called', async () => {
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

  it('--workers rejects anything but a positive integer', async () => {
    const { code, stderr } = await forkPool([worker, '--workers', 'many'])
    assert.equal(code, 255)
    assert.match(stderr, /--workers.*positive integer/s)
  })

  for (const options of [
    ['--halt', '--keep-going'],
    ['--ordered', '--unordered'],
    ['--null', '--ndjson'],
    ['--resume'],
  ])
    it(`${options.join(' and ')} ${options.length > 1 ? 'exclude each other' : 'requires --joblog'}`, async () => {
      const { code, stdout, stderr } = await forkPool([worker, ...options, 'a'])
      assert.deepEqual({ code, stdout }, { code: 255, stdout: '' })
      assert.match(stderr, options.length > 1 ? /cannot be used with/ : /need --joblog/)
    })

  for (const [option, values, expected] of [
    ['--memory', ['0', '-1', '5X', 'K', '1e3'], /size in bytes/],
    ['--nice', ['20', '-21', '1.5', ''], /integer from -20 to 19/],
  ] as const)
    it(`${option} rejects invalid values`, async () => {
      for (const value of values) {
        const { code, stderr } = await forkPool([worker, `${option}=${value}`])
        assert.equal(code, 255)
        assert.match(stderr, expected)
      }
    })

  it('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    assert.equal((await forkPool(['--version'])).stdout, `${version}\n`)
  })

  it('--help fits on a screen of 80 columns and 44 lines', async () => {
    const { code, stdout } = await forkPool(['--help'])
    assert.equal(code, 0)
    const lines = stdout.split('\n')
    assert.ok(lines.length <= 44 && lines.every(line => line.length <= 80), stdout)
    for (const part of [
      'fork-pool [options] <module[#export]> [inputs...]',
      '--workers <n>',
      '--joblog <file>',
      'Exit status',
    ])
      assert.ok(stdout.includes(part), part)
  })
})
