import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, it } from 'mocha'
import { forkPool, outcomeOf, useForkPool, worker } from './support/cli.js'
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

  it('--timeout ends a call that takes longer, and the other inputs are done', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#doAs`, '-t', '1', '-w', '1', 'a', 'stop', 'b'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '"a"\n"b"\n' })
    assert.match(stderr, /^fork-pool: stop: the call has been running for 1000 ms\n$/)
  })

  it('--timeout ends a stream that takes longer, and the other inputs are done', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#countAs`, '-t', '1', '-w', '1', 'end', 'wait', 'leave'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '1\n2\n1\n2\n' })
    assert.match(stderr, /^fork-pool: wait: the call has been yielding for 1000 ms\n$/)
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

  it('--version prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    assert.equal((await forkPool(['--version'])).stdout, `${version}\n`)
  })

  it('--help fits on a screen of 80 columns and 36 lines', async () => {
    const { code, stdout } = await forkPool(['--help'])
    assert.equal(code, 0)
    const lines = stdout.split('\n')
    assert.ok(lines.length <= 36 && lines.every(line => line.length <= 80), stdout)
    for (const part of [
      'fork-pool [options] <module[#export]> [inputs...]',
      '--workers <n>',
      '--joblog <file>',
      'Exit status',
    ])
      assert.ok(stdout.includes(part), part)
  })
})
