import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { until } from '@anyfork/test-support'

/** The pause of a client between two requests, which leaves the processor to the servers. */
const PAUSE_MS = 2

/** A process whose lines of output can be waited for. */
export class Program {
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
export class Client {
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

/** Waits until no process listens at a port. */
export async function untilRefused(port: number): Promise<void> {
  for (let isRefused = false; !isRefused; ) {
    const probe = connect(port, '127.0.0.1')
    isRefused = await once(probe, 'connect').then(
      () => false,
      () => true,
    )
    probe.destroy()
  }
}

/** Clients that send all the time, over kept and over new connections. */
export class Traffic {
  readonly kept: readonly Client[]
  connections = 0
  #isOver = false
  /** Rejects as soon as a client fails. */
  readonly #serving: Promise<unknown>

  constructor(port: number, kept: number, connecting: number) {
    this.kept = Array.from({ length: kept }, () => new Client(port))
    this.#serving = Promise.all([
      ...this.kept.map(client => this.#keep(client)),
      ...Array.from({ length: connecting }, () => this.#connect(port)),
    ])
    this.#serving.catch(() => {})
  }

  get requests(): number {
    return this.connections + this.kept.reduce((all, { sum }) => all + sum, 0)
  }

  /** Waits for a step of the test. Rejects at once if a client fails. */
  meanwhile<T>(step: Promise<T>): Promise<T> {
    return Promise.race([step, this.#serving.then(() => step)])
  }

  /** Waits until each kept connection has been served again. */
  nextRound(): Promise<void> {
    const sums = this.kept.map(({ sum }) => sum)
    return this.meanwhile(until(() => this.kept.every(({ sum }, i) => sum > sums[i]! + 1)))
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#serving
  }

  async #keep(client: Client): Promise<void> {
    for (; !this.#isOver; await setTimeout(PAUSE_MS)) await client.add()
    await client.end()
  }

  async #connect(port: number): Promise<void> {
    for (; !this.#isOver; await setTimeout(PAUSE_MS)) {
      const client = new Client(port)
      await client.add()
      await client.end()
      this.connections++
    }
  }
}
