import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it } from 'mocha'
import { forkPool, outcomeOf, useForkPool, worker } from './support/fork-pool.js'

describe('fork-pool', () => {
  const { start } = useForkPool()

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

  it('prints a result as soon as those before it are printed, while more inputs may come', async () => {
    const child = start(worker, '-w', '2')
    for (const line of ['a', 'b', 'c']) {
      child.stdin.write(`${line}\n`)
      assert.equal(String(await once(child.stdout, 'data')), `"${line.toUpperCase()}"\n`)
    }
    child.stdin.end()
    assert.deepEqual(await outcomeOf(child), { code: 0, stdout: '', stderr: '' })
  })

  it('prints each value that a function yields', async () => {
    assert.deepEqual(await forkPool([`${worker}#countTo`, '-w', '1', '3', '0', '2']), {
      code: 0,
      stdout: '1\n2\n3\n1\n2\n',
      stderr: '',
    })
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

  it('refuses options that exclude each other', async () => {
    for (const both of [
      ['--halt', '--keep-going'],
      ['--ordered', '--unordered'],
      ['--null', '--ndjson'],
    ])
      assert.equal((await forkPool([worker, ...both, 'a'])).code, 255)
    assert.equal((await forkPool([worker, '--resume', 'a'])).code, 255)
  })
})
