import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { descendantsOf, until, untilGone } from '@anyfork/test-support'
import { afterEach, describe, it } from 'mocha'
import { interruptTwice } from './support/cli.js'
import { get, PIDS, usePrefork } from './support/prefork.js'

const program = fileURLToPath(new URL('fixtures/prefork-program.js', import.meta.url))
const version = (number: number): string => `export default () => (_, response) => response.end('${number}')`

/** A program that runs a prefork server, and what it has printed. */
class Program {
  readonly child: ChildProcess
  readonly lines: string[][] = []
  readonly exited: Promise<unknown[]>

  constructor(module: URL) {
    this.child = spawn(process.execPath, [program, module.href], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true, // a process group of its own
    })
    let rest = ''
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      this.lines.push(...lines.map(line => line.split(' ')))
    })
    this.exited = once(this.child, 'close')
  }

  /** Waits until the program has printed so many lines that begin with a word. */
  async printed(word: string, count = 1): Promise<string[][]> {
    await until(
      () => this.of(word).length >= count,
      () => `${count} ${word} in ${this.lines.join('; ')}`,
    )
    return this.of(word)
  }

  of(word: string): string[][] {
    return this.lines.filter(([first]) => first === word)
  }

  async address(): Promise<{ address: { address: string; family: string; port: number } }> {
    const [[, port]] = (await this.printed('port')) as [[string, string]]
    return { address: { address: '127.0.0.1', family: 'IPv4', port: Number(port) } }
  }
}

describe('signals of a prefork server', () => {
  const programs: Program[] = []
  // before the hook of `usePrefork`, which checks that nothing is left
  afterEach(async () => {
    for (const { child, exited } of programs.splice(0)) {
      child.kill('SIGKILL')
      await exited
    }
  })
  const suite = usePrefork()
  const run = (source: string): Program => {
    suite.write(source)
    const started = new Program(suite.module)
    programs.push(started)
    return started
  }

  it('SIGHUP reloads, also during a reload', async () => {
    const program = run(version(1))
    const { child } = program
    const server = await program.address()
    assert.equal((await get(server)).body, '1')
    child.kill('SIGHUP')
    await until(() => program.of('ready').some(([, , generation]) => generation === '1'))
    suite.write(version(2))
    child.kill('SIGHUP')
    await until(() => program.of('ready').filter(([, , generation]) => generation === '2').length === 2)
    await until(async () => (await get(server)).body === '2')
  })

  it('SIGHUP with code that does not load reports the error, and the old workers go on', async () => {
    const program = run(version(1))
    const server = await program.address()
    suite.write('export const = 1')
    program.child.kill('SIGHUP')
    await program.printed('error')
    assert.equal((await get(server)).body, '1')
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    it(`${signal} to the whole process group stops the server, and the program exits with 0`, async () => {
      const program = run(PIDS)
      await program.address()
      const below = descendantsOf(program.child.pid!).map(({ pid }) => pid)
      process.kill(-program.child.pid!, signal)
      assert.deepEqual(await program.exited, [0, null])
      assert.equal(program.of('stopped').length, 1)
      await untilGone(...below)
    })

  it('a SIGINT that npm passes on as well lets the workers complete their requests', async () => {
    const program = run(
      `export default () => (_, response) => {
         console.log('request')
         setTimeout(() => response.end('late'), 1000)
       }`,
    )
    const server = await program.address()
    const answer = get(server)
    await program.printed('request')
    await interruptTwice(program.child.pid!, 0)
    assert.equal((await answer).body, 'late')
    assert.deepEqual(await program.exited, [0, null])
  })

  it('a second SIGTERM kills the workers', async () => {
    const program = run(`export default () => () => console.log('request')`)
    const { address } = await program.address()
    const sent = request({ host: '127.0.0.1', port: address.port }).on('error', () => {})
    sent.end()
    await program.printed('request')
    program.child.kill('SIGTERM')
    await program.printed('draining', 2)
    program.child.kill('SIGTERM')
    assert.deepEqual(await program.exited, [0, null])
  })

  it('all processes end when the owner is killed by SIGKILL', async () => {
    const program = run(PIDS)
    await program.address()
    const below = descendantsOf(program.child.pid!).map(({ pid }) => pid)
    assert.ok(below.length >= 3)
    program.child.kill('SIGKILL')
    await untilGone(...below)
  })
})
