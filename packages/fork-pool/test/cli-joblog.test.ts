import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { isSoak, until } from '@anyfork/test-support'
import { beforeEach, describe, it } from 'mocha'
import { forkPool, interruptTwice, type Outcome, outcomeOf, program, useForkPool, worker } from './support/cli.js'
import { useFolder } from './support/folder.js'

const head = ['Seq', 'Host', 'Starttime', 'JobRuntime', 'Send', 'Receive', 'Exitval', 'Signal', 'Command']

describe('joblog of fork-pool', () => {
  const { started, start } = useForkPool()
  const pathOf = useFolder()
  let log: string
  beforeEach(() => void (log = pathOf('log')))

  /** Returns the fields of each line of the joblog, the head included. */
  const rows = (): string[][] =>
    readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map(line => line.split('\t'))
  const numbers = (): string[] =>
    rows()
      .slice(1)
      .map(([number]) => number!)

  it('--joblog logs each call in the format of GNU parallel', async () => {
    await forkPool([`${worker}#doAs`, '-w', '1', '-t', '3', '--joblog', log, 'a', 'throw', 'exit', 'kill', 'stop'])
    const [first, ...lines] = rows()
    assert.deepEqual(first, head)
    assert.deepEqual(
      lines.map(([number, , , , sent, , exit, signal, command]) => [number, sent, exit, signal, command]),
      [
        ['1', '1', '0', '0', '"a"'],
        ['2', '5', '1', '0', '"throw"'],
        ['3', '4', '3', '0', '"exit"'],
        ['4', '4', '0', '9', '"kill"'],
        ['5', '4', '-1', '0', '"stop"'],
      ],
    )
  })

  it('--joblog logs a call whose worker exited with status 0 as a failure', async () => {
    const args = [`${worker}#exit`, '--ndjson', '--joblog', log]
    assert.equal((await forkPool([...args, '0', '3'])).code, 2)
    assert.deepEqual(
      rows()
        .slice(1)
        .map(([number, , , , , , exit, signal]) => [number, exit, signal]),
      [
        ['1', '1', '0'],
        ['2', '3', '0'],
      ],
    )
    assert.equal((await forkPool([...args, '--resume-failed', '0', '3'])).code, 2)
  })

  it('--resume skips the inputs that the joblog has; --resume-failed repeats those that failed', async () => {
    const run = (...args: string[]): Promise<Outcome> => forkPool([`${worker}#failOnB`, '--joblog', log, ...args])
    await run('a', 'b')
    assert.deepEqual(await run('--resume', 'a', 'b', 'c'), { code: 0, stdout: '"c"\n', stderr: '' })
    assert.deepEqual(await run('--resume-failed', 'a', 'b', 'c', 'd'), {
      code: 1,
      stdout: '"d"\n',
      stderr: 'fork-pool: b: Error: b is not wanted\n',
    })
    assert.deepEqual(numbers().sort(), ['1', '2', '2', '3', '4'])
  })

  it('--joblog without --resume replaces the file', async () => {
    writeFileSync(log, 'an older log\n')
    await forkPool([worker, '--joblog', log, 'x'])
    assert.deepEqual(numbers(), ['1'])
  })

  it('--resume rejects a file that is not a joblog, and leaves it unchanged', async () => {
    for (const [content, message] of [
      ['precious data', /log is not a joblog/],
      ['precious\ndata\n', /log is not a joblog/],
      [`${head.join('\t')}\n1\t:\t0\t0\t0\t0\t0\t0\techo a\n`, /log, line 2: the command is not JSON/],
    ] as const) {
      writeFileSync(log, content)
      const { code, stderr } = await forkPool([worker, '--joblog', log, '--resume', 'a'])
      assert.equal(code, 255)
      assert.match(stderr, message)
      assert.equal(readFileSync(log, 'utf8'), content)
    }
  })

  it('--resume rejects a joblog of other inputs', async () => {
    writeFileSync(log, `${head.join('\t')}\n1\t:\t0\t0\t1\t3\t0\t0\t"a"\n`)
    const { code, stderr } = await forkPool([worker, '--joblog', log, '--resume', 'z'])
    assert.equal(code, 255)
    assert.match(stderr, /belongs to other inputs/)
  })

  it('--resume replaces an empty joblog, or one that ends within its head', async () => {
    for (const content of isSoak ? ['', 'Seq\tHo'] : ['Seq\tHo']) {
      writeFileSync(log, content)
      assert.deepEqual(await forkPool([worker, '--joblog', log, '--resume', 'a']), {
        code: 0,
        stdout: '"A"\n',
        stderr: '',
      })
      assert.deepEqual(
        rows().map(row => row[0]),
        ['Seq', '1'],
      )
    }
  })

  it('--resume repeats the input of a line that ends early, and completes the joblog', async () => {
    const run = (...inputs: string[]): Promise<Outcome> => forkPool([worker, '--joblog', log, '--resume', ...inputs])
    await run('a', 'ü')
    truncateSync(log, readFileSync(log).indexOf('ü') + 1)
    assert.deepEqual(await run('a', 'ü'), { code: 0, stdout: '"Ü"\n', stderr: '' })
    assert.deepEqual(await run('a', 'ü', 'c'), { code: 0, stdout: '"C"\n', stderr: '' })
    assert.deepEqual(numbers(), ['1', '2', '3'])
  })

  it('--resume after SIGTERM prints the results that had not been printed', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'].map(pathOf)
    const inputs = names.map((name, i) => JSON.stringify([name, i ? 'writes' : 'waits']))
    const args = [`${worker}#inTurn`, '--ndjson', '-w', '2', '--joblog', log]
    const child = start(...args, ...inputs)
    const outcome = outcomeOf(child)
    await until(() => existsSync(names.at(-1)!)) // all before the last have ended, except the first
    child.kill('SIGTERM')
    assert.equal((await outcome).stdout, '')
    writeFileSync(names[0]!, '')
    assert.deepEqual(await forkPool([...args, '--resume', ...inputs]), {
      code: 0,
      stdout: '"waits"\n' + '"writes"\n'.repeat(4),
      stderr: '',
    })
    assert.deepEqual(numbers(), ['1', '2', '3', '4', '5'])
  })

  it('--resume after SIGINT to the process group does exactly the inputs that were not done', async () => {
    const inputs = Array.from({ length: 20 }, (_, i) => `${20 + i}`)
    const child = spawn(process.execPath, [program, `${worker}#sleepAndSay`, '-w', '2', '--joblog', log, ...inputs], {
      detached: true,
    })
    started.push(child)
    const outcome = outcomeOf(child)
    await until(() => existsSync(log) && rows().length >= 4)
    process.kill(-child.pid!, 'SIGINT') // workers get it as well, as from a terminal
    const { code, stdout, stderr } = await outcome
    const done = stdout.trim().split('\n')
    const notDone = [...stderr.matchAll(/^fork-pool: not done: (\d+)$/gm)].map(match => match[1])
    assert.equal(code, 130)
    assert.ok(done.length >= 3 && notDone.length > 0)
    assert.deepEqual([...done, ...notDone], inputs)
    const resumed = await forkPool([`${worker}#sleepAndSay`, '--joblog', log, '--resume', ...inputs])
    assert.deepEqual({ code: resumed.code, lines: resumed.stdout.trim().split('\n') }, { code: 0, lines: notDone })
  })

  it('a call that the second SIGINT ends is not logged, but listed as not done', async () => {
    for (const name of isSoak ? ['spinForever', 'countThenSpin'] : ['countThenSpin']) {
      const begun = pathOf(name)
      const input = JSON.stringify(begun)
      const child = start(`${worker}#${name}`, '--ndjson', '--joblog', log, '--retries', '1', '--summary', input)
      const outcome = outcomeOf(child)
      await until(() => existsSync(begun))
      await interruptTwice(child.pid!)
      const { code, stdout, stderr } = await outcome
      assert.deepEqual({ code, stdout }, { code: 130, stdout: '' })
      assert.ok(stderr.startsWith(`fork-pool: not done: ${input}\n`), stderr)
      assert.match(stderr, /\nfork-pool: 0 done, 0 failed, 1 not done in .* s\n$/)
      assert.equal(rows().length, 1)
    }
  })

  it('a joblog that cannot be opened or written is reported, with exit status 255', async () => {
    assert.deepEqual(await forkPool([worker, '--joblog', pathOf('none/log'), 'a']), {
      code: 255,
      stdout: '',
      stderr: `fork-pool: ENOENT: no such file or directory, open '${pathOf('none/log')}'\n`,
    })
    assert.deepEqual(await forkPool([worker, '--joblog', '/dev/full', 'a', 'b']), {
      code: 255,
      stdout: '"A"\n"B"\n',
      stderr: 'fork-pool: ENOSPC: no space left on device, write\n',
    })
  })
})
