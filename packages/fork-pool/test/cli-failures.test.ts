import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { childrenOf, isSoak, runCommand, until } from '@anyfork/test-support'
import { describe, it } from 'mocha'
import { forkPool, type Outcome, outcomeOf, program, useForkPool, worker } from './support/cli.js'
import { useFolder } from './support/folder.js'

describe('failures of fork-pool', () => {
  const { started, start } = useForkPool()
  const pathOf = useFolder()

  it('a failing input is reported by name, the others are done, and the exit status counts failures', async () => {
    assert.deepEqual(await forkPool([`${worker}#failOnB`, 'a', 'b', 'c']), {
      code: 1,
      stdout: '"a"\n"c"\n',
      stderr: 'fork-pool: b: Error: b is not wanted\n',
    })
  })

  it('a failure is printed with its class, its code, the stack of the function, and its causes', async () => {
    const module = pathOf('failing.mjs')
    writeFileSync(
      module,
      [
        'export default function fail() {',
        "  const cause = new RangeError('inner')",
        "  throw Object.assign(new TypeError('outer', { cause }), { code: 'E_MINE' })",
        '}',
      ].join('\n'),
    )
    const { stderr } = await runCommand(process.execPath, [program, module, 'a'])
    assert.equal(
      stderr,
      [
        'fork-pool: a: TypeError [E_MINE]: outer',
        `    at fail (file://${module}:3:23)`,
        'caused by RangeError: inner',
        `    at fail (file://${module}:2:17)\n`,
      ].join('\n'),
    )
  })

  it('an input whose worker exits is reported, and the others are done', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#exitOrEcho`, 'a', 'exit', 'c'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '"a"\n"c"\n' })
    assert.match(stderr, /^fork-pool: exit: ForkError \[ERR_PROCESS_EXITED\]: .*exited with code 3\n$/)
  })

  it('more than 100 failures give exit status 101', async () => {
    assert.equal((await forkPool([`${worker}#failOnB`, ...new Array(102).fill('b')])).code, 101)
  })

  it('a missing module is reported once, with exit status 255', async () => {
    const { code, stdout, stderr } = await forkPool(['./no-such.js', 'a', 'b'])
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '' })
    assert.match(stderr, /^fork-pool: cannot find module .*no-such\.js.*\n$/)
  })

  it('a missing function is reported once, with exit status 255, even if many inputs follow', async () => {
    const inputs = Array.from({ length: 1000 }, (_, i) => `${i}\n`).join('')
    const { code, stdout, stderr } = await forkPool([`${worker}#noSuch`], inputs)
    assert.deepEqual({ code, stdout }, { code: 255, stdout: '' })
    assert.match(stderr, /^fork-pool: noSuch is not exported by \S*worker\.js\n$/)
  })

  for (const [what, ...options] of [['results'], ['calls', '--dry-run']] as const)
    it(`a reader that closes standard output ends the program without a message, with exit status 255, while it prints ${what}`, async () => {
      const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}`).join('\n')
      const child = spawn(process.execPath, [program, worker, ...options], { stdio: ['pipe', 'pipe', 'pipe'] })
      const closed = Promise.all([once(child, 'exit'), text(child.stderr)])
      child.stdin.on('error', () => {}).end(lines)
      await once(child.stdout, 'data')
      child.stdout.destroy()
      assert.deepEqual(await closed, [[255, null], ''])
    })

  for (const output of isSoak ? (['stdout', 'stderr'] as const) : (['stdout'] as const))
    it(`a reader that closes ${output} ends all processes, those that run a call included, before the program ends`, async () => {
      const begun = pathOf('begun')
      const child = start(`${worker}#doOrSpin`, '-u', '-w', '2', '--ndjson', '--joblog', pathOf('log'))
      const ended = once(child, 'exit')
      child.stdin.on('error', () => {}).write(`${JSON.stringify(['spin', begun])}\n`)
      await until(() => existsSync(begun))
      const processes = childrenOf(child.pid!).flatMap(pid => [pid, ...childrenOf(pid)])
      assert.ok(processes.length >= 2)
      child[output].destroy()
      child.stdin.end(`${JSON.stringify([output === 'stdout' ? 'return' : 'throw'])}\n`)
      assert.deepEqual(await ended, [255, null])
      assert.ok(!readFileSync(pathOf('log'), 'utf8').includes('spin'), 'a call that was cut off is in the joblog')
      for (const pid of processes) assert.ok(!existsSync(`/proc/${pid}`), `process ${pid} is left`)
    })

  const whenFull = [['makes calls', ['a', 'loop']]] as const
  for (const [what, inputs] of isSoak ? ([['reads inputs', []], ...whenFull] as const) : whenFull) {
    it(`a full output device ends the program with exit status 255 while it ${what}`, async () => {
      const log = pathOf('log')
      const full = openSync('/dev/full', 'w')
      const child = spawn(process.execPath, [program, `${worker}#doAs`, '-w', '2', '--joblog', log, ...inputs], {
        stdio: ['pipe', full, 'pipe'],
      })
      closeSync(full)
      started.push(child)
      child.stdin!.write('a\n')
      const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr!)])
      assert.deepEqual({ code, stderr }, { code: 255, stderr: 'fork-pool: ENOSPC: no space left on device, write\n' })
      assert.equal(readFileSync(log, 'utf8').trim().split('\n').length, 1)
    })
  }

  it('--retries repeats failing calls at most that often', async () => {
    for (const [retries, code] of [
      ['2', 0],
      ['1', 2],
    ] as const) {
      const inputs = ['a', 'b'].map(name => JSON.stringify([pathOf(`${name}${retries}`), 3]))
      assert.equal((await forkPool([`${worker}#succeedAt`, '--ndjson', '-r', retries, ...inputs])).code, code)
    }
  })

  it('a repeated call that yields prints only the values of its last attempt', async () => {
    const [log, file] = [pathOf('log'), pathOf('attempts')]
    const input = JSON.stringify([file, 3])
    const attempts = (retries: string): Promise<Outcome> =>
      forkPool([`${worker}#yieldAt`, '--ndjson', '--joblog', log, '-r', retries, input])
    assert.deepEqual(await attempts('1'), { code: 1, stdout: '', stderr: `fork-pool: ${input}: Error: not yet\n` })
    assert.deepEqual(await attempts('0'), { code: 0, stdout: '"begun"\n"done"\n', stderr: '' })
    assert.deepEqual(
      readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map(line => line.split('\t')[5]),
      ['Receive', '14'],
    )
  })

  it('--halt begins no call after a failure, and lists the inputs that were not done', async () => {
    const { code, stdout, stderr } = await forkPool([`${worker}#failOnB`, '--halt', '-w', '1', 'a', 'b', 'c', 'd'])
    assert.deepEqual({ code, stdout }, { code: 1, stdout: '"a"\n' })
    assert.equal(stderr, 'fork-pool: b: Error: b is not wanted\nfork-pool: not done: c\nfork-pool: not done: d\n')
  })

  it('--halt ends the program after a failure even if standard input stays open', async () => {
    const child = start(`${worker}#failOnB`, '--halt')
    child.stdin.write('a\nb\n')
    assert.deepEqual(await outcomeOf(child), {
      code: 1,
      stdout: '"a"\n',
      stderr: 'fork-pool: b: Error: b is not wanted\nfork-pool: not done: all inputs after number 2\n',
    })
  })
})
