import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hosts } from '@anyfork/example-remote/hosts'
import {
  assertNothingLeft,
  hasSshServer,
  openResources,
  type RunOptions,
  runProgram,
  SshServer,
} from '@anyfork/test-support'
import { describe, it } from 'mocha'

const main = new URL('../main.js', import.meta.url)
const node = process.execPath
/** The primes below 100,000. */
const expected = '9592 primes below 100000\n'

const count = (args: readonly string[], options?: RunOptions) =>
  runProgram(main, [...args, '--below', '100000'], options)

/** Opens two hosts that call a function of a module with this source, and lists those that are left out. */
function open<F extends (...args: never[]) => unknown>(source: string, name: string) {
  const lost: string[] = []
  const hosts = new Hosts<F>({
    commands: [[node], [node, '--no-warnings']],
    module: new URL(`data:text/javascript,${encodeURIComponent(source)}`),
    name,
    workers: 1,
    onLost: host => lost.push(host),
  })
  return { hosts, lost }
}

describe('examples/remote', () => {
  it('counts with several commands', async () => {
    const outcome = await count(['--on', node, '--on', `sh -c ${node}`, '--workers', '1'])
    assert.deepEqual(outcome, { code: 0, signal: null, stdout: expected, stderr: '' })
  })

  it('counts on a host over ssh, where nothing is installed', async function () {
    if (!hasSshServer()) {
      console.log('      openssh-server is not installed: this test is skipped')
      return this.skip()
    }
    const server = new SshServer()
    try {
      await server.start()
      const command = server.command(node).join(' ')
      const { code, stdout, stderr } = await count(['--on', command, '--workers', '1'])
      assert.deepEqual([code, stdout], [0, expected], stderr)
    } finally {
      await server.stop()
    }
  })

  it('leaves out hosts that cannot be reached, and goes on with the others', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const noise = join(folder, 'noise')
    writeFileSync(noise, '#!/bin/sh\nexec cat /dev/zero\n', { mode: 0o755 })
    const commands = ['false', '/no/such/ssh host node', `${noise} host node`]
    const { code, stdout, stderr } = await count(
      [node, ...commands].flatMap(command => ['--on', command]).concat('--workers', '1'),
    )
    assert.deepEqual([code, stdout], [0, expected], stderr)
    for (const command of commands) assert.ok(`\n${stderr}`.includes(`\n${command} is left out: `), stderr)
    rmSync(folder, { recursive: true })
  })

  it('fails if no host can be reached', async () => {
    const { code, stdout } = await count(['--on', 'false', '--workers', '1'])
    assert.deepEqual([code, stdout], [1, ''])
  })

  it('gives the call of a process that dies to another host, and leaves nothing behind', async () => {
    const before = openResources()
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const source = `
      import { existsSync, writeFileSync } from 'node:fs'
      export function dieOnce(file) {
        if (existsSync(file)) return 'survived'
        writeFileSync(file, '')
        process.kill(process.pid, 'SIGKILL')
      }`
    const { hosts, lost } = open<(file: string) => string>(source, 'dieOnce')
    assert.equal(hosts.capacity, 2)
    assert.equal(await hosts.call(join(folder, 'file')), 'survived')
    assert.deepEqual([lost, hosts.capacity], [[node], 1])
    await hosts.close()
    rmSync(folder, { recursive: true })
    await assertNothingLeft(before)
  })

  it('leaves out a host whose process sends what no process may send', async () => {
    const source = `
      import { existsSync, writeFileSync, writeSync } from 'node:fs'
      export async function spoilOnce(file) {
        if (existsSync(file)) return 'right'
        writeFileSync(file, '')
        writeSync(0, 'no frame')
        await new Promise(() => setInterval(() => {}, 1000))
      }`
    const folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    const { hosts, lost } = open<(file: string) => string>(source, 'spoilOnce')
    assert.equal(await hosts.call(join(folder, 'file')), 'right')
    assert.deepEqual(lost, [node])
    await hosts.close()
    rmSync(folder, { recursive: true })
  })

  it('leaves out no host because the hosts were closed', async () => {
    const { hosts, lost } = open<() => string>("export const greet = () => 'hello'", 'greet')
    assert.equal(await hosts.call(), 'hello')
    const closed = hosts.close()
    await assert.rejects(hosts.call(), { code: 'ERR_POOL_CLOSED' })
    await closed
    assert.deepEqual([lost, hosts.capacity], [[], 2])
  })

  it('exits with 2 and the usage for invalid options', async () => {
    for (const args of [['--no-such-option'], ['--workers', 'many']]) {
      const { code, stderr } = await runProgram(main, args)
      assert.equal(code, 2)
      assert.match(stderr, /\n\nUsage: /)
    }
  })
})
