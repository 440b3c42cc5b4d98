import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { isSoak } from '@anyfork/test-support'
import { afterEach, describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const tick = fileURLToPath(new URL('../../tick', import.meta.url))
const run = promisify(execFile)
const TEN_TICKS = 'tick\n'.repeat(10)
const COUNT = isSoak ? 1_000 : 20

describe('examples/cgi', function () {
  this.timeout(isSoak ? 600_000 : 240_000)
  afterEach(() => {
    for (const child of running) child.kill('SIGKILL')
  })

  it('sends ten ticks to each of many clients that connect at once', async () => {
    const server = await startServer(['--clients', '20', tick, '0.01'])
    assert.deepEqual(await ticksOf(server, COUNT), Array(COUNT).fill(TEN_TICKS))
    assert.equal(await server.stop(), `served ${COUNT} connections`)
    print(`${COUNT} of ${COUNT} clients have got ten ticks, once`)
  })

  it('delays clients while the descriptor table is full, and loses none', async () => {
    const server = await startServer([tick, '0'], { openFiles: 48 })
    assert.deepEqual(await ticksOf(server, COUNT), Array(COUNT).fill(TEN_TICKS))
    assert.equal(await server.stop(), `served ${COUNT} connections`)
    print(`${COUNT} of ${COUNT} clients have got ten ticks with at most 48 descriptors`)
  })

  it('serves curl and, where they are installed, nc and socat', async () => {
    const server = await startServer([tick, '0'])
    const commands = [
      'curl -s --http0.9 http://127.0.0.1:$PORT', // sends a request, which the program does not read
      'nc 127.0.0.1 $PORT',
      'socat - TCP:127.0.0.1:$PORT',
    ].filter(command => spawnSync('sh', ['-c', `command -v ${command.split(' ')[0]}`]).status === 0)
    for (const command of commands) {
      const { stdout } = await run('sh', ['-c', `${command} </dev/null`], {
        env: { ...process.env, PORT: `${server.port}` },
      })
      assert.equal(stdout, TEN_TICKS)
    }
    assert.match(await server.stop(), new RegExp(`^served ${commands.length} connections?$`))
    print(`clients: ${commands.map(command => command.split(' ')[0]).join(', ') || 'none is installed'}`)
  })

  it('runs a program that reads the connection, and one that writes faster than its client reads', async () => {
    const sorting = await startServer(['sort'])
    const client = connect(sorting.port, '127.0.0.1')
    client.end('b\na\n')
    assert.equal(await text(client), 'a\nb\n')
    await sorting.stop()

    const counting = await startServer(['seq', '300000'])
    const slow = connect(counting.port, '127.0.0.1')
    await once(slow, 'connect')
    await setTimeout(100) // the buffers of the connection fill up
    assert.equal(await text(slow), Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join(''))
    assert.equal(await counting.stop(), 'served 1 connection')
  })

  it('lets running programs finish at Ctrl-C, which signals the whole process group', async () => {
    const server = await startServer(['--', 'sh', '-c', 'echo begun; read line; echo "$line"'], { detached: true })
    const client = connect(server.port, '127.0.0.1')
    const answer = text(client)
    await once(client, 'data') // the program runs
    let group = 0
    const interrupt = (): boolean => process.kill(-group, 'SIGINT')
    const ended = server.stop(pid => {
      group = pid
      interrupt()
    })
    // as npm does where its shell is bash: it forwards the signal of the terminal; the server takes a later one for another
    for (const sentAt = performance.now(); performance.now() - sentAt < 100; ) interrupt()
    await setTimeout(100) // the signals arrive first
    client.end('finished\n')
    assert.equal(await answer, 'begun\nfinished\n')
    assert.equal(await ended, 'served 1 connection')
  })

  it('goes on when a client has disconnected, and reports a program that cannot be started', async () => {
    const server = await startServer(['--', 'sh', '-c', 'exec yes 2>/dev/null'])
    for (let i = 0; i < 2; i++) {
      const client = connect(server.port, '127.0.0.1')
      await once(client, 'data')
      client.destroy()
    }
    assert.equal(await server.stop(), 'served 2 connections')

    const failing = await startServer(['no-such-program'])
    const client = connect(failing.port, '127.0.0.1')
    assert.equal(await text(client), '')
    assert.match(await failing.stop(), /^a connection has failed: spawn no-such-program ENOENT\n/)
  })

  it('exits with 2 and the usage for an unknown option', async () => {
    await assert.rejects(startServer(['--no-such-option']), /\n\nUsage: /)
  })
})

interface Server {
  port: number
  /**
   * Stops it. Resolves with its last line, or with what it has written to standard error.
   *
   * @param signal - sends the signal (default: sends SIGTERM to the server alone)
   */
  stop(signal?: (pid: number) => void): Promise<string>
}

/** The servers that no test has stopped. */
const running = new Set<ChildProcess>()

/**
 * @param openFiles - the limit of open descriptors of the server
 * @param detached - whether the server leads a process group of its own
 */
async function startServer(
  args: readonly string[],
  { openFiles, detached = false }: { openFiles?: number; detached?: boolean } = {},
): Promise<Server> {
  const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles};`
  const command = ['-c', `${limit} exec "$@"`, 'sh', process.execPath, main, '--port', '0', ...args]
  const child: ChildProcess = spawn('sh', command, { stdio: ['ignore', 'pipe', 'pipe'], detached })
  running.add(child)
  child.once('close', () => running.delete(child))
  const errors = text(child.stderr!)
  const lines: string[] = []
  const output = createInterface(child.stdout!).on('line', line => lines.push(line))
  const ended = once(child, 'close')
  await Promise.race([once(output, 'line'), ended])
  const port = Number(/\d+$/.exec(lines[0] ?? '')?.[0])
  if (!port) throw new Error(`the server has not started: ${await errors}`)
  return {
    port,
    async stop(signal = () => child.kill('SIGTERM')) {
      signal(child.pid!)
      await ended
      return (await errors) || lines.at(-1)!
    },
  }
}

/** Connects so many clients at once. Resolves with what each has received. */
function ticksOf({ port }: Server, count: number): Promise<string[]> {
  return Promise.all(Array.from({ length: count }, () => text(connect(port, '127.0.0.1'))))
}

function print(line: string): void {
  console.log(`      ${line}`)
}
