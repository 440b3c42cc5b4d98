import { Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import { Server, type Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { ServedCounts } from '../prefork-protocol.js'

/** The state of an open connection. */
interface Connection {
  /** How many of its requests are being answered. */
  pending: number
  /** Whether it has left HTTP, as a WebSocket does: only the user knows when it is idle. */
  isUpgraded: boolean
  /** When its last request was answered or, before that, when it was opened, as `performance.now()`. */
  idleSince: number
  /** How many bytes had arrived then. If there are more, a request is arriving. */
  bytesThen: number
}

/**
 * How often a draining server looks for idle connections within `idleGrace`, and the longest time between two looks.
 */
const CHECKS = 4
const LONGEST_GAP_MS = 500

/**
 * A server that can stop without failing a request.
 *
 * `close()` of Node's servers also closes the connections on which no request is being answered. A request that is on its
 * way there would be lost. This one closes only the listener, and answers with `Connection: close`, so that the client
 * sends no further request on that connection. A connection on which none arrives, or no TLS handshake is completed, is
 * closed after a while.
 */
export class DrainableServer {
  readonly #server: Server
  readonly #idleGrace: number
  readonly #onDrain: () => void
  readonly #connections = new Map<Socket, Connection>()
  /** The connections of a TLS server without a handshake so far, and when they were opened, of `performance.now()`. */
  readonly #handshakes = new Map<Socket, number>()
  readonly #responses = new Set<ServerResponse>()
  readonly #isHttp: boolean
  readonly #isTls: boolean
  #requests = 0
  #drainingSince = -1
  #drained: Promise<void> | undefined

  /**
   * @param server - does not listen yet
   * @param idleGrace - in milliseconds
   * @param onDrain - called when draining begins
   */
  constructor(server: Server, idleGrace: number, onDrain: () => void) {
    this.#server = server
    this.#idleGrace = idleGrace
    this.#onDrain = onDrain
    this.#isHttp = server instanceof HttpServer || server instanceof HttpsServer
    this.#isTls = server instanceof TlsServer
    server.prependListener(this.#isTls ? 'secureConnection' : 'connection', (socket: Socket) =>
      this.#onConnection(socket),
    )
    if (this.#isTls) this.#watchHandshakes()
    if (this.#isHttp) this.#watchRequests()
  }

  get counts(): ServedCounts {
    return { connections: this.#connections.size, pending: this.#responses.size, requests: this.#requests }
  }

  /** Accepts no more connections. Resolves when all have ended. Idempotent. */
  drain(): Promise<void> {
    return (this.#drained ??= this.#drain())
  }

  async #drain(): Promise<void> {
    this.#drainingSince = performance.now()
    for (const response of this.#responses) closeAfter(response)
    const closed = new Promise<void>(resolve => Server.prototype.close.call(this.#server, () => resolve()))
    const gap = Math.min(this.#idleGrace / CHECKS, LONGEST_GAP_MS)
    const timer = this.#isHttp || this.#isTls ? setInterval(() => this.#closeIdle(), gap) : undefined
    this.#onDrain()
    await closed
    clearInterval(timer)
  }

  #onConnection(socket: Socket): void {
    const connection = { pending: 0, isUpgraded: false, idleSince: performance.now(), bytesThen: socket.bytesRead }
    this.#connections.set(socket, connection)
    socket.once('close', () => this.#connections.delete(socket))
  }

  #watchHandshakes(): void {
    this.#server.prependListener('connection', (socket: Socket) => {
      this.#handshakes.set(socket, performance.now())
      socket.once('close', () => this.#handshakes.delete(socket))
    })
    this.#server.prependListener('secureConnection', ({ _parent: socket }: { _parent: Socket }) => {
      // If Node does not tell which connection this is, none may be closed.
      if (!this.#handshakes.delete(socket)) this.#handshakes.clear()
    })
  }

  #watchRequests(): void {
    const server = this.#server
    // Without listeners of their own, such requests are ordinary ones.
    for (const event of ['request', 'checkContinue', 'checkExpectation'])
      if (event === 'request' || server.listenerCount(event))
        server.prependListener(event, (request: IncomingMessage, response: ServerResponse) =>
          this.#onRequest(request.socket, response),
        )
    for (const event of ['upgrade', 'connect'])
      if (server.listenerCount(event))
        server.prependListener(event, ({ socket }: IncomingMessage) => {
          const connection = this.#connections.get(socket)
          if (connection) connection.isUpgraded = true
        })
  }

  #onRequest(socket: Socket, response: ServerResponse): void {
    if (this.#responses.has(response)) return // a listener of checkContinue has passed it on
    const connection = this.#connections.get(socket)
    this.#requests++
    this.#responses.add(response)
    if (connection) connection.pending++
    if (this.#drainingSince >= 0) closeAfter(response)
    response.once('close', () => {
      this.#responses.delete(response)
      if (!connection) return
      connection.pending--
      connection.idleSince = performance.now()
      connection.bytesThen = socket.bytesRead
    })
  }

  #closeIdle(): void {
    const now = performance.now()
    const isOver = (since: number): boolean => now - Math.max(since, this.#drainingSince) >= this.#idleGrace
    for (const [socket, since] of this.#handshakes) if (isOver(since)) socket.destroy()
    if (!this.#isHttp) return
    for (const [socket, { pending, isUpgraded, idleSince, bytesThen }] of this.#connections)
      if (!pending && !isUpgraded && socket.bytesRead === bytesThen && isOver(idleSince)) socket.destroy()
  }
}

/** Lets the response say `Connection: close`, unless its headers have been sent already. */
function closeAfter(response: ServerResponse): void {
  if (!response.headersSent) response.shouldKeepAlive = false
}
