import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { dup, setCloseOnExec } from '@anyfork/fdpass'
import { isSoak, until } from '@anyfork/test-support'
import { afterEach, beforeEach, describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const abandoned = fileURLToPath(new URL('fixtures/abandoned.js', import.meta.url))

/** Where to kill a new version. Each version is abandoned at one of them, and in the soak at all. */
const steps = ['control', 'connections', 'offer']

/** A process whose lines of output can be waited for. */
class Program {
  readonly child: ChildProcess
  readonly exit: Promise<unknown[]>
  readonly #lines: string[] = []

  constructor(command: string, args: readonly string[], descriptors: readonly number[] = []) {
    this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe', ...descriptors] })
    this.exit = once(this.child, 'exit')
    for (const stream of [this.child.stdout!, this.child.stderr!])
      createInterface({ input: stream }).on('line', line => this.#lines.push(line))
  }

  /** Waits for a line, and forgets it and those before it. */
  async line(expected: RegExp): Promise<string> {
    const index = (): number => this.#lines.findIndex(line => expected.test(line))
    await until(
      () => index() >= 0,
      () => `no ${expected} in ${this.#lines.join(' | ')}`,
    )
    return this.#lines.splice(0, index() + 1).at(-1)!
  }
}

/** A client that sends on one connection, and checks each answer. */
class Client {
  readonly socket: Socket
  readonly versions = new Set<number>()
  sum = 0
  readonly #answers: AsyncIterator<string>

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.#answers = createInterface({ input: this.socket })[Symbol.asyncIterator]()
  }

  async add(): Promise<void> {
    this.socket.write('add ')
    this.socket.write('1\n')
    const { value: answer } = await this.#answers.next()
    const [, sum, version] = /^sum (\d+) version (\d+)$/.exec(answer ?? 'end') ?? assert.fail(`answer: ${answer}`)
    assert.equal(Number(sum), ++this.sum)
    this.versions.add(Number(version))
  }

  async end(): Promise<void> {
    const closed = once(this.socket, 'close')
    this.socket.end()
    assert.deepEqual(await closed, [false])
  }
}

describe('examples/hot-restart', () => {
  let folder: string
  let path: string
  let port: number
  const programs: Program[] = []

  const startProgram = (...args: ConstructorParameters<typeof Program>): Program => {
    const program = new Program(...args)
    programs.push(program)
    return program
  }
  const start = (version: number, ...args: string[]): Program =>
    startProgram(process.execPath, [main, '--path', path, '--port', `${port}`, '--version', `${version}`, ...args])

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'anyfork-'))
    path = join(folder, 'door')
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    ;({ port } = probe.address() as AddressInfo)
    await new Promise(resolve => probe.close(resolve))
  })
  afterEach(async () => {
    for (const { child } of programs) child.kill('SIGKILL')
    await Promise.all(programs.splice(0).map(({ exit }) => exit))
    rmSync(folder, { recursive: true })
  })

  it('loses nothing while new versions take over, refuse, are refused, hang, and are killed', async () => {
    let running = start(1)
    await running.line(/serves/)
    let isOver = false
    const kept = Array.from({ length: 20 }, () => new Client(port))
    const keeping = kept.map(async client => {
      while (!isOver) await client.add()
      await client.end()
    })
    let connections = 0
    const connecting = Array.from({ length: 4 }, async () => {
      for (; !isOver; connections++) {
        const client = new Client(port)
        await client.add()
        await client.end()
      }
    })
    /** Fails at once if a client fails. */
    const serving = Promise.all([...keeping, ...connecting])
    serving.catch(() => {})
    const meanwhile = <T>(step: Promise<T>): Promise<T> => Promise.race([step, serving.then(() => step)])
    const nextRounds = (): Promise<void> => {
      const sums = kept.map(({ sum }) => sum)
      return meanwhile(until(() => kept.every(({ sum }, i) => sum > sums[i]! + 1)))
    }
    const counts = { restarts: 0, kills: 0, hangs: 0, refusals: 0 }

    const stranger = startProgram(process.execPath, [abandoned, path, 'protocol'])
    await meanwhile(stranger.line(/refused: version 1 speaks protocol 1/))
    await meanwhile(running.line(/goes on: version 99 speaks protocol 2, not 1/))
    const older = start(0)
    await meanwhile(older.line(/does not start: version 1 is running, which is newer than 0/))
    assert.deepEqual(await meanwhile(older.exit), [1, null])
    await meanwhile(running.line(/goes on: the other version has ended/))
    counts.refusals += 2

    for (let version = 2; version <= 4; version++) {
      for (const step of isSoak ? steps : [steps[version - 2]!]) {
        const halfway = startProgram(process.execPath, [abandoned, path, step])
        await meanwhile(halfway.line(/reached/))
        halfway.child.kill('SIGKILL')
        await meanwhile(running.line(/goes on: /))
        counts.kills++
      }
      const next = start(version, ...(version === 4 ? ['--timeout', '300'] : []))
      await meanwhile(next.line(/has taken over \d+ connections/))
      assert.deepEqual(await meanwhile(running.exit), [0, null])
      running = next
      counts.restarts++
      await nextRounds()
    }
    for (const step of isSoak ? ['connect', 'hello', 'connections'] : ['connections']) {
      const hanging = startProgram(process.execPath, [abandoned, path, step])
      await meanwhile(running.line(/goes on: no take-over within 300 ms/))
      hanging.child.kill('SIGKILL')
      counts.hangs++
    }
    await nextRounds()

    isOver = true
    await serving
    const requests = connections + kept.reduce((all, { sum }) => all + sum, 0)
    for (const { versions } of kept) assert.deepEqual([...versions], [1, 2, 3, 4])
    running.child.kill('SIGTERM')
    assert.deepEqual(await running.exit, [0, null])
    assert.equal(existsSync(path), false)
    console.log(
      `      ${requests} requests answered, 0 lost, over ${kept.length} kept and ${connections} new connections: ` +
        `${counts.restarts} restarts, ${counts.kills} killed, ${counts.hangs} hanging, ${counts.refusals} refused`,
    )
  })

  it('passes on a connection whose client reads slowly when its output has left', async () => {
    const size = 2 ** 25
    const first = start(1)
    await first.line(/serves/)
    const socket = connect(port, '127.0.0.1')
    socket.write(`add 1\nfill ${size}\nad`)
    await once(socket, 'readable') // most of the answer waits in the first process
    const second = start(2)
    await second.line(/has taken over 0 connections/)
    let received = 0
    socket.on('data', (piece: Buffer) => (received += piece.length))
    await until(() => received === 'sum 1 version 1\n'.length + size + 1)
    assert.deepEqual(await first.exit, [0, null])
    const answer = once(socket, 'data')
    socket.write('d 1\n')
    assert.equal(String((await answer)[0]), 'sum 2 version 2\n')
    socket.destroy()
  })

  it('serves with the listener of systemd', async () => {
    const listening = createServer().listen(0, '127.0.0.1')
    await once(listening, 'listening')
    const { port: activated } = listening.address() as AddressInfo
    const listener = dup(listening)
    listening.close()
    setCloseOnExec(listener, false)
    const variables = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=counting.socket'
    const args = ['-c', `${variables} exec "$0" "$@"`, process.execPath, main, '--path', path, '--version', '1']
    const program = startProgram('sh', args, [listener.fd])
    listener.close()
    await program.line(/serves/)
    const client = new Client(activated)
    await client.add()
    await client.end()
    program.child.kill('SIGTERM')
    assert.deepEqual(await program.exit, [0, null])
  })
})
