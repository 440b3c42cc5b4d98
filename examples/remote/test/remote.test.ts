import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
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

  it('leaves out a host that cannot be reached, and goes on with the others', async () => {
    const { code, stdout, stderr } = await count(['--on', node, '--on', 'false', '--workers', '1'])
    assert.deepEqual([code, stdout], [0, expected])
    assert.match(stderr, /^false is left out: /m)
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
    const lost: string[] = []
    const hosts = new Hosts<(file: string) => string>({
      commands: [[node], [node, '--no-warnings']],
      module: new URL(`data:text/javascript,${encodeURIComponent(source)}`),
      name: 'dieOnce',
      workers: 1,
      onLost: name => lost.push(name),
    })
    assert.equal(hosts.capacity, 2)
    assert.equal(await hosts.call(join(folder, 'file')), 'survived')
    assert.deepEqual([lost, hosts.capacity], [[node], 1])
    await hosts.close()
    rmSync(folder, { recursive: true })
    await assertNothingLeft(before)
  })

  it('exits with 2 and the usage for invalid options', async () => {
    for (const args of [['--no-such-option'], ['--workers', 'many']]) {
      const { code, stderr } = await runProgram(main, args)
      assert.equal(code, 2)
      assert.match(stderr, /\n\nUsage: /)
    }
  })
})
