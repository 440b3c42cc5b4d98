import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { type PreforkOptions, type PreforkServer, type PreforkWorkerFigures, prefork } from '@anyfork/fork-pool/prefork'
import { assertNothingLeft, type Resources, resourcesAfter, until } from '@anyfork/test-support'
import { afterEach, before } from 'mocha'
import { useFolder } from './folder.js'

/** A worker that answers each request with its process id. */
export const PIDS = 'export default () => (request, response) => response.end(String(process.pid))'

/** What a suite of prefork servers uses. */
export interface PreforkSuite {
  /** Writes the module of the server. */
  write(source: string): void
  /** Writes the module, and starts a server of it with two workers. */
  start(source: string, options?: PreforkOptions): Promise<PreforkServer>
  /** The states of all workers so far, and their errors. */
  readonly states: PreforkWorkerFigures[]
  readonly errors: (Error & { code?: string; signal?: string; exitCode?: number })[]
  pathOf(name: string): string
  readonly module: URL
}

/** Lets a suite start prefork servers. Stops them after each test, and checks that they leave nothing behind. */
export function usePrefork(): PreforkSuite {
  let atRest: Resources
  let current: PreforkServer | undefined
  const pathOf = useFolder()
  const moduleUrl = (): URL => pathToFileURL(pathOf('server.mjs'))
  const states: PreforkWorkerFigures[] = []
  const errors: Error[] = []
  const write = (source: string): void => writeFileSync(pathOf('server.mjs'), source)
  const start = async (source: string, options: PreforkOptions = {}): Promise<PreforkServer> => {
    write(source)
    current = await prefork(moduleUrl(), {
      workers: 2,
      listen: { host: '127.0.0.1' },
      signals: false,
      onWorker: worker => states.push(worker),
      onError: error => errors.push(error),
      ...options,
    })
    return current
  }
  before(async () => {
    atRest = await resourcesAfter(async () => {
      const source = `data:text/javascript,${encodeURIComponent(PIDS)}`
      await using server = await prefork(source, { workers: 1, signals: false })
      await get(server)
    })
  })
  afterEach(async () => {
    await current?.stop({ grace: 0 })
    current = undefined
    states.length = 0
    errors.length = 0
    await assertNothingLeft(atRest)
  })
  return {
    write,
    start,
    states,
    errors,
    pathOf,
    get module() {
      return moduleUrl()
    },
  }
}

/** The answer to a request. */
export interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** Sends a request to a server. */
export async function get({ address }: Pick<PreforkServer, 'address'>, path = '/', agent?: Agent): Promise<Answer> {
  const where = typeof address === 'string' ? { socketPath: address } : { host: '127.0.0.1', port: address.port }
  const sent = request({ ...where, path, agent: agent ?? false })
  sent.end()
  const [response] = await once(sent, 'response')
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

/** The port of a server. */
export function portOf({ address }: PreforkServer): number {
  return (address as AddressInfo).port
}

/** What clients have got. */
export interface Counts {
  sent: number
  answered: number
  errors: Error[]
}

/** Clients that send requests over connections of their own, one after the other, until they are stopped. */
export class Load {
  readonly counts: Counts = { sent: 0, answered: 0, errors: [] }
  readonly #agent: Agent
  readonly #clients: Promise<void>[]
  #isStopping = false

  constructor(server: PreforkServer, clients: number) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: clients })
    this.#clients = Array.from({ length: clients }, () => this.#send(server))
  }

  /** Waits until so many more requests have been answered. */
  async untilAnswered(more: number): Promise<void> {
    const wanted = this.counts.answered + more
    await until(() => this.counts.answered >= wanted)
  }

  async stop(): Promise<Counts> {
    this.#isStopping = true
    await Promise.all(this.#clients)
    this.#agent.destroy()
    return this.counts
  }

  async #send(server: PreforkServer): Promise<void> {
    while (!this.#isStopping) {
      this.counts.sent++
      try {
        const { status } = await get(server, '/', this.#agent)
        if (status !== 200) throw new Error(`status ${status}`)
        this.counts.answered++
      } catch (error) {
        this.counts.errors.push(error as Error)
      }
    }
  }
}
