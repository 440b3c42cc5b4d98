import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { descendantsOf, isSoak, until, untilGone } from '@anyfork/test-support'
import autocannon from 'autocannon'
import { afterEach, describe, it } from 'mocha'

const main = fileURLToPath(new URL('../main.js', import.meta.url))
const ROUNDS = isSoak ? 20 : 4
/** A worker that dies within a second of its start is started again with back-off. */
const KILLS = isSoak ? 20 : 4
const CONNECTIONS = 10
/** How many requests per second autocannon sends, and the pause of a counting client: they leave the processors to the reloads. */
const RATE = 200
const PAUSE_MS = 20

/** The example, and what it has printed. */
class Program {
  readonly child: ChildProcess
  output = ''
  readonly #exited: Promise<unknown[]>

  constructor(env: NodeJS.ProcessEnv = {}) {
    this.child = spawn(process.execPath, [main], {
      env: { ...process.env, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => (this.output += text))
    this.#exited = once(this.child, 'close')
  }

  /** Waits until the output matches, and returns the first group of each match. */
  async printed(pattern: RegExp, count = 1): Promise<string[]> {
    const found = (): string[] => [...this.output.matchAll(pattern)].map(match => match[1]!)
    await until(
      () => found().length >= count,
      () => this.output,
    )
    return found()
  }

  async url(): Promise<string> {
    return `http://127.0.0.1:${(await this.printed(/port: (\d+)/g))[0]}`
  }

  /** Stops the program, and returns its exit code and signal. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<unknown[]> {
    this.child.kill(signal)
    return this.#exited
  }
}

/** Clients that keep their connections, and count each request. */
class Clients {
  sent = 0
  answered = 0
  readonly errors: Error[] = []
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  readonly #all: Promise<void>[]
  #isStopping = false

  constructor(url: string) {
    this.#all = Array.from({ length: CONNECTIONS }, () => this.#run(url))
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#all)
    this.#agent.destroy()
  }

  async #run(url: string): Promise<void> {
    while (!this.#isStopping) {
      this.sent++
      try {
        const [response] = await once(request(url, { agent: this.#agent }).end(), 'response')
        assert.equal(response.statusCode, 200)
        assert.equal(((await json(response)) as { hello: string }).hello, 'world')
        this.answered++
      } catch (error) {
        this.errors.push(error as Error)
      }
      await setTimeout(PAUSE_MS)
    }
  }
}

describe('examples/prefork-http', function () {
  this.timeout(isSoak ? 300_000 : 240_000)
  let program: Program
  const stops: (() => unknown)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
    await program.stop('SIGKILL')
  })
  /** Starts clients, which end with the test even if it fails. */
  const clientsOf = (url: string): Clients => {
    const clients = new Clients(url)
    stops.push(() => clients.stop())
    return clients
  }

  it(`no request fails during ${ROUNDS} reloads, and ${ROUNDS} kills of workers by SIGTERM`, async () => {
    program = new Program()
    const url = await program.url()
    const load = autocannon({ url, connections: CONNECTIONS, duration: 600, overallRate: RATE })
    const stopLoad = (): void => (load as unknown as { stop(): void }).stop()
    stops.push(stopLoad)
    const clients = clientsOf(url)
    for (let round = 1; round <= ROUNDS; round++) {
      program.child.kill('SIGHUP')
      const ready = new RegExp(`ready, pid (\\d+), reload ${round}\\n`, 'g')
      const [pid] = await program.printed(ready, 2)
      process.kill(Number(pid), 'SIGTERM')
      await program.printed(ready, 3)
    }
    await clients.stop()
    stopLoad()
    const { errors, timeouts, non2xx, '2xx': answered } = await load
    console.log(
      `      ${ROUNDS} reloads, ${ROUNDS} kills; autocannon: ${answered} answers, ${errors} errors;`,
      `counting clients: ${clients.sent} requests, ${clients.answered} answers`,
    )
    assert.deepEqual({ errors, timeouts, non2xx }, { errors: 0, timeouts: 0, non2xx: 0 })
    assert.deepEqual(clients.errors, [])
    assert.equal(clients.answered, clients.sent)
    assert.ok(answered > 0)
    const below = descendantsOf(program.child.pid!).map(({ pid }) => pid)
    assert.deepEqual(await program.stop(), [0, null])
    await untilGone(...below)
  })

  it(`${KILLS} kills of workers by SIGKILL fail only what their connections had under way`, async () => {
    program = new Program()
    const url = await program.url()
    const clients = clientsOf(url)
    const ready = /ready, pid (\d+)/g
    for (let kill = 1; kill <= KILLS; kill++) {
      const answered = clients.answered
      await until(() => clients.answered > answered)
      process.kill(Number((await program.printed(ready, 1 + kill)).at(-1)), 'SIGKILL')
      await program.printed(ready, 2 + kill)
    }
    await clients.stop()
    const failed = clients.errors.length
    console.log(`      ${KILLS} kills; ${clients.sent} requests, ${clients.answered} answers, ${failed} failed`)
    assert.equal(clients.answered + failed, clients.sent)
    assert.ok(failed <= KILLS * CONNECTIONS)
    assert.deepEqual(
      clients.errors.filter(error => (error as NodeJS.ErrnoException).code !== 'ECONNRESET'),
      [],
    )
  })
})
