import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { isSoak, until } from '@anyfork/test-support'
import { afterEach, describe, it } from 'mocha'
import { load, received } from './load.js'
import { killServers, type Server, startServer } from './server.js'

const COUNT = isSoak ? 10_000 : 500
const KILL_EVERY_MS = 100
const PIECES_PER_KILL = 10

describe('examples/multi-echo-server', () => {
  afterEach(killServers)

  it('serves each connection exactly once while a worker is killed every 100 ms', async function () {
    this.timeout(isSoak ? 600_000 : 240_000)
    const server = await startServer(['--workers', '4'])
    const killing = killWorkers(server)
    // The load goes on until enough workers have died in it.
    let served = 0
    for (; served < COUNT || killing.killed < 10; served += 500) await load(server.port, 500)
    killing.stop()
    assert.equal(await server.stop(), `served ${served} connections`)
    print(`${served} of ${served} connections were served exactly once; ${killing.killed} workers were killed`)
  })

  it('delays connections while the descriptor table of the server is full, and loses none although workers die', async () => {
    const count = COUNT / 4
    const server = await startServer(['--workers', '2'], 64)
    const killing = killWorkers(server)
    await load(server.port, count)
    killing.stop()
    assert.equal(await server.stop(), `served ${count} connections`)
    print(`${count} of ${count} connections were served with 64 descriptors; ${killing.killed} workers were killed`)
  })

  it('delays connections while the descriptor tables of workers are full, and loses none', async () => {
    const count = COUNT / 4
    const server = await startServer(['--workers', '2'])
    for (const worker of await workersOf(server, 2)) {
      const limit = readdirSync(`/proc/${worker}/fd`).length + 7 // room for two connections
      execFileSync('prlimit', ['--pid', `${worker}`, `--nofile=${limit}`])
    }
    await load(server.port, count)
    assert.equal(await server.stop(), `served ${count} connections`)
    print(`${count} of ${count} connections were served by workers with room for two`)
  })

  it('serves curl and, where they are installed, nc and socat', async () => {
    const server = await startServer(['--workers', '1'])
    const commands = [
      'curl -sN --http0.9 http://127.0.0.1:$PORT/hello', // gets its own request
      'nc 127.0.0.1 $PORT',
      'socat - TCP:127.0.0.1:$PORT',
    ].filter(isInstalled)
    for (const command of commands) {
      const env = { ...process.env, PORT: `${server.port}` }
      const client = spawn('sh', ['-c', `exec ${command}`], { env, stdio: ['pipe', 'pipe', 'inherit'] })
      const ended = once(client, 'close')
      client.stdin.write('hello\n')
      assert.match(`${(await once(client.stdout, 'data'))[0]}`, /hello/)
      client.kill()
      await ended
    }
    assert.match(await server.stop(), new RegExp(`^served ${commands.length} connections?$`))
    print(`clients: ${commands.map(command => command.split(' ')[0]).join(', ') || 'none is installed'}`)
  })

  it('exits with 2 and the usage for an unknown option', async () => {
    await assert.rejects(startServer(['--no-such-option']), /\n\nUsage: /)
  })
})

/**
 * Kills a worker every 100 ms, until it is stopped. Waits longer until clients have got some pieces of echo: on a busy
 * machine, workers take longer to start, and would be killed before they can serve.
 */
function killWorkers(server: Server): { readonly killed: number; stop(): void } {
  let killed = 0
  let seen = received
  const timer = setInterval(() => {
    if (received - seen < PIECES_PER_KILL) return
    seen = received
    const workers = server.workers()
    const victim = workers[killed % workers.length]
    if (victim === undefined) return
    try {
      process.kill(victim, 'SIGKILL')
      killed++
    } catch {
      // it has just ended
    }
  }, KILL_EVERY_MS).unref()
  return {
    get killed() {
      return killed
    },
    stop: () => clearInterval(timer),
  }
}

async function workersOf(server: Server, count: number): Promise<number[]> {
  await until(() => server.workers().length === count)
  return server.workers()
}

function isInstalled(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command.split(' ')[0]}`]).status === 0
}

function print(line: string): void {
  console.log(`      ${line}`)
}
