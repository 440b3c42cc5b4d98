import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../bin/fork-pool.js', import.meta.url))
const worker = fileURLToPath(new URL('./fixtures/worker.js', import.meta.url))

interface Outcome {
  code: number
  stdout: string
  stderr: string
}

async function forkPool(args: string[], stdin = '', cwd = process.cwd()): Promise<Outcome> {
  const child = spawn(process.execPath, [program, ...args], { cwd })
  const outcome = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  child.stdin.end(stdin)
  const [[code], stdout, stderr] = await outcome
  return { code: code as number, stdout, stderr }
}

describe('fork-pool', () => {
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
    assert.deepEqual(stdout.trim().split('\n'), lines.map(line => JSON.stringify(line.toUpperCase())))
  })

  it('reports a failing input by name, goes on, and ends with 1', async () => {
    assert.deepEqual(await forkPool([`${worker}#failOnB`, 'a', 'b', 'c']), { code: 1, stdout: '"a"\n"c"\n', stderr: 'fork-pool: b: b is not wanted\n' })
  })

  it('reports an input whose worker died, and goes on', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#exitOrEcho`, 'a', 'exit', 'c'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '"a"\n"c"\n' })
    assert.match(stderr, /^fork-pool: exit: .*exited with code 3\n$/)
  })

  it('says what is wrong with the module, once, and ends with 1', async () => {
    const { code, stdout, stderr } = await forkPool(['./no-such.js', 'a'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '' })
    assert.match(stderr, /^fork-pool: cannot find module .*no-such\.js/)
  })

  it('refuses a number of workers that is none', async () => {
    const { code, stderr } = await forkPool([worker, '--workers', 'many'])
    assert.equal(code, 1)
    assert.match(stderr, /--workers.*positive integer/s)
  })

  it('tells how it is used', async () => {
    const { code, stdout } = await forkPool(['--help'])
    assert.equal(code, 0)
    for (const part of ['fork-pool [options] <module[#export]> [inputs...]', '--workers <n>', '--report <file>']) assert.ok(stdout.includes(part), part)
  })

  it('stops quietly when nobody reads its results any more', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}`).join('\n')
    const child = spawn(process.execPath, [program, worker], { stdio: ['pipe', 'pipe', 'pipe'] })
    const closed = Promise.all([once(child, 'exit'), text(child.stderr)])
    child.stdin.on('error', () => {}).end(lines)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    assert.deepEqual(await closed, [[1, null], ''])
  })

  it('writes a report of its workers', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const file = join(folder, 'report.json')
    await forkPool([worker, '--workers', '1', '--report', file, 'a', 'b'])
    const report = JSON.parse(readFileSync(file, 'utf8'))
    rmSync(folder, { recursive: true })
    assert.equal(report.inputs, 2)
    assert.equal(report.failed, 0)
    assert.equal(report.workers.length, 1)
    assert.equal(report.workers[0].calls, 2)
    assert.ok(report.workers[0].pssBytes > report.workers[0].ussBytes)
  })
})
