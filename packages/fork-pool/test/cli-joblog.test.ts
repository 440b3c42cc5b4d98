import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { until } from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'
import {
  forkPool,
  interruptTwice,
  isBusy,
  type Outcome,
  outcomeOf,
  program,
  useForkPool,
  worker,
} from './support/fork-pool.js'

describe('--joblog', () => {
  const { started, start } = useForkPool()
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
    assert.equal((await forkPool([`${worker}#exit`, '--ndjson', '--joblog', log, '--resume-failed', '0', '3'])).code, 2)
  })

  it('that is none is refused by --resume, and left as it is', async () => {
    const head = ['Seq', 'Host', 'Starttime', 'JobRuntime', 'Send', 'Receive', 'Exitval', 'Signal', 'Command'].join(
      '\t',
    )
    for (const [content, message] of [
      ['precious data', /log is not a joblog/],
      ['precious\ndata\n', /log is not a joblog/],
      [`${head}\n1\t:\t0\t0\t0\t0\t0\t0\techo a\n`, /log, line 2: the command echo a is not JSON/],
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
    assert.match(stderr, /belongs to other inputs/)
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
