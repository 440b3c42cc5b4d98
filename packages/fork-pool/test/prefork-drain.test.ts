import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectByTls } from 'node:tls'
import type { PreforkServer } from '@anyfork/fork-pool/prefork'
import { until } from '@anyfork/test-support'
import { afterEach, describe, it } from 'mocha'
import { portOf, usePrefork } from './support/prefork.js'

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'
/** A worker whose first half of an answer waits for a file before its second half follows. */
const SLOW = `import { existsSync, writeFileSync } from 'node:fs'
  import { setTimeout } from 'node:timers/promises'
  const isOpen = () => existsSync(new URL('./open', import.meta.url))
  export default ({ signal }) => {
    signal.addEventListener('abort', () => writeFileSync(new URL('./draining', import.meta.url), ''))
    return async (request, response) => {
      if (request.url === '/begun') response.write('first')
      while (request.url !== '/' && !isOpen()) await setTimeout(1)
      response.end('last')
    }
  }`

/** A connection to a server, and what has arrived over it. */
class Client {
  readonly socket: Socket
  received = ''
  /** Whether the server has closed the connection. */
  hasEnded = false

  constructor(server: PreforkServer) {
    this.socket = connect(portOf(server), '127.0.0.1')
    this.socket.setEncoding('latin1').on('data', (text: string) => (this.received += text))
    this.socket.on('error', () => {}).on('close', () => (this.hasEnded = true))
  }

  /** Sends a request. */
  send(path = '/'): void {
    this.socket.write(REQUEST.replace('/', path))
  }

  /** Waits for this text in what has arrived since the last call. */
  async receive(text: string): Promise<string> {
    await until(
      () => this.received.includes(text),
      () => `${text} in ${this.received}`,
    )
    const { received } = this
    this.received = ''
    return received
  }
}

describe('draining a prefork server', () => {
  const suite = usePrefork()
  const clients: Client[] = []
  afterEach(() => clients.splice(0).forEach(({ socket }) => void socket.destroy()))
  const open = async (server: PreforkServer): Promise<Client> => {
    const client = new Client(server)
    clients.push(client)
    await once(client.socket, 'connect')
    return client
  }
  const untilDraining = (): Promise<void> => until(() => existsSync(suite.pathOf('draining')))
  const untilServing = (server: PreforkServer, connections: number): Promise<void> =>
    until(async () => (await server.stats()).workers[0]?.served?.connections === connections)

  it('answers the next request on a keep-alive connection with Connection: close, and then ends', async () => {
    const server = await suite.start(SLOW, { workers: 1 })
    const client = await open(server)
    client.send()
    assert.match(await client.receive('last'), /^Connection: keep-alive/m)
    const stopped = server.stop()
    await untilDraining()
    assert.equal(client.hasEnded, false)
    client.send()
    assert.match(await client.receive('last'), /^Connection: close/m)
    await stopped
    assert.equal(client.hasEnded, true)
    assert.deepEqual(
      suite.states.map(({ state, exitCode }) => [state, exitCode]),
      [
        ['ready', undefined],
        ['draining', undefined],
        ['ended', 0],
      ],
    )
  })

  it('completes a request that is being answered, and closes its connection', async () => {
    const server = await suite.start(SLOW, { workers: 1 })
    const client = await open(server)
    client.send('/waits')
    await until(async () => (await server.stats()).workers[0]?.served?.pending === 1)
    const stopped = server.stop()
    await untilDraining()
    writeFileSync(suite.pathOf('open'), '')
    assert.match(await client.receive('last'), /^Connection: close/m)
    await stopped
  })

  it('answers one more request after an answer whose headers were sent before', async () => {
    const server = await suite.start(SLOW, { workers: 1 })
    const client = await open(server)
    client.send('/begun')
    await client.receive('first')
    const stopped = server.stop()
    await untilDraining()
    writeFileSync(suite.pathOf('open'), '')
    await client.receive('last')
    client.send()
    assert.match(await client.receive('last'), /^Connection: close/m)
    await stopped
  })

  it('closes connections of a TLS server without a handshake after idleGrace, and completes requests of others', async () => {
    const source = `import { existsSync, writeFileSync } from 'node:fs'
      import { createServer } from 'node:https'
      import { setTimeout } from 'node:timers/promises'
      const isThere = name => existsSync(new URL(name, import.meta.url))
      let accepted = 0
      export default () =>
        createServer({ ciphers: 'PSK', pskCallback: () => Buffer.from('key') }, async (request, response) => {
          writeFileSync(new URL('./asked', import.meta.url), '')
          while (!isThere('./open')) await setTimeout(1)
          response.end('last')
        }).on('connection', () => ++accepted === 2 && writeFileSync(new URL('./accepted', import.meta.url), ''))`
    const server = await suite.start(source, { workers: 1, idleGrace: 50 })
    const asking = connectByTls({
      port: portOf(server),
      host: '127.0.0.1',
      ciphers: 'PSK',
      pskCallback: () => ({ psk: Buffer.from('key'), identity: 'client' }),
      checkServerIdentity: () => undefined,
    })
    const answer = text(asking)
    asking.write(REQUEST)
    await until(() => existsSync(suite.pathOf('asked')))
    const silent = await open(server)
    await until(() => existsSync(suite.pathOf('accepted')))
    const stopped = server.stop()
    await until(() => silent.hasEnded)
    writeFileSync(suite.pathOf('open'), '')
    assert.match(await answer, /last$/)
    await stopped
    assert.deepEqual([suite.states.at(-1)!.exitCode, suite.states.at(-1)!.signal], [0, null])
  })

  it('closes connections on which no request arrives after idleGrace', async () => {
    const server = await suite.start(SLOW, { workers: 1, idleGrace: 50 })
    const [idle, silent] = [await open(server), await open(server)]
    idle.send()
    await idle.receive('last')
    await untilServing(server, 2)
    await server.stop()
    await until(() => idle.hasEnded && silent.hasEnded)
    assert.equal(suite.states.at(-1)?.exitCode, 0)
  })

  it('kills a worker that has not completed its requests after the grace period', async () => {
    const server = await suite.start(SLOW, { workers: 1, grace: 50 })
    const client = await open(server)
    client.send('/waits')
    await until(async () => (await server.stats()).workers[0]?.served?.pending === 1)
    await server.reload()
    await until(async () => (await server.stats()).killed === 1)
    assert.deepEqual(suite.errors, [])
  })

  it('a second call of stop() shortens the grace period', async () => {
    const server = await suite.start(SLOW, { workers: 1, grace: 60_000 })
    const client = await open(server)
    client.send('/waits')
    await until(async () => (await server.stats()).workers[0]?.served?.pending === 1)
    const stopped = server.stop()
    await untilDraining()
    await server.stop({ grace: 0 })
    await stopped
    assert.equal(suite.states.at(-1)?.signal, 'SIGKILL')
  })

  it('lets the function end a connection that has left HTTP, by its signal', async () => {
    const server = await suite.start(
      `import { createServer } from 'node:http'
       import { writeFileSync } from 'node:fs'
       export default ({ signal }) => createServer().on('upgrade', (request, socket) => {
         socket.write('upgraded')
         signal.addEventListener('abort', () => socket.end('bye'))
       })`,
      { workers: 1, idleGrace: 0 },
    )
    const client = await open(server)
    client.socket.write(REQUEST.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n'))
    await client.receive('upgraded')
    await server.stop()
    await client.receive('bye')
    assert.equal(suite.states.at(-1)?.exitCode, 0)
  })

  it('a worker that gets SIGTERM completes its requests and is replaced', async () => {
    const server = await suite.start(SLOW, { workers: 1 })
    const client = await open(server)
    client.send('/waits')
    await until(async () => (await server.stats()).workers[0]?.served?.pending === 1)
    const pid = server.workers[0]!.pid!
    process.kill(pid, 'SIGTERM')
    await until(() => server.workers.some(worker => worker.pid !== pid && worker.state === 'ready'))
    assert.equal(existsSync(`/proc/${pid}`), true)
    writeFileSync(suite.pathOf('open'), '')
    assert.match(await client.receive('last'), /^Connection: close/m)
    await until(() => server.workers.length === 1)
    assert.equal((await server.stats()).died, 0)
    assert.deepEqual(suite.errors, [])
  })
})
