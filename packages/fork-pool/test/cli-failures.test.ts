import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'mocha'
import { forkPool, type Outcome, outcomeOf, program, useForkPool, worker } from './support/fork-pool.js'

describe('fork-pool', () => {
  const { started, start } = useForkPool()

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

  it('stops quietly when nobody reads its results any more', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}`).join('\n')
    const child = spawn(process.execPath, [program, worker], { stdio: ['pipe', 'pipe', 'pipe'] })
    const closed = Promise.all([once(child, 'exit'), text(child.stderr)])
    child.stdin.on('error', () => {}).end(lines)
    await once(child.stdout, 'data')
    child.stdout.destroy()
    assert.deepEqual(await closed, [[255, null], ''])
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
})
