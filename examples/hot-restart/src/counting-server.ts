import { createServer, type Server } from 'node:net'
import { type Descriptor, dup } from '@anyfork/fdpass'
import { Connection } from './connection.js'
import type { ConnectionState } from './control.js'

/** A connection that no process serves: bytes of its client wait in the kernel. */
export interface HeldConnection {
  descriptor: Descriptor
  state: ConnectionState
}

/** A TCP server that keeps a sum for each connection. It can stop at any time, and go on in this or another process. */
export class CountingServer {
  readonly #version: number
  readonly #connections = new Set<Connection>()
  /** Stays open while the server is stopped, so that new connections wait. */
  #listener: Descriptor | undefined
  #server: Server | undefined
  /** Passes connections on once this server has been replaced. */
  #pass: ((held: HeldConnection) => void) | undefined

  constructor(version: number) {
    this.#version = version
  }

  /** The listener, while this server has it. */
  get listener(): Descriptor {
    return this.#listener!
  }

  /** Accepts connections. Takes over the listener. */
  listen(listener: Descriptor): void {
    this.#listener = listener
    this.#server = createServer(socket => this.#add(new Connection(socket, this.#version)))
    this.#server.listen({ fd: dup(listener).release() })
  }

  /** Serves a connection, which it takes over. */
  adopt(held: HeldConnection): void {
    if (this.#pass) this.#pass(held)
    else this.#add(new Connection(held.descriptor.toSocket(), this.#version, held.state))
  }

  /**
   * Stops accepting, and stops serving the connections whose output has left this process.
   *
   * @returns these connections; the caller owns them
   */
  stop(): HeldConnection[] {
    this.#server!.close()
    const held: HeldConnection[] = []
    try {
      for (const connection of this.#connections) if (connection.isIdle) held.push(this.#hold(connection))
    } catch (error) {
      this.resume(held) // the descriptor table is full
      throw error
    }
    return held
  }

  /** Goes on after `stop`. Takes over the connections. */
  resume(held: readonly HeldConnection[]): void {
    this.listen(this.#listener!)
    for (const one of held) this.adopt(one)
  }

  /**
   * Closes the listener, and ends the connections as soon as their output has left.
   *
   * @param grace - when to cut connections whose clients do not read or do not end them, in milliseconds
   */
  end(grace: number): void {
    this.#server!.close()
    this.#listener!.close()
    for (const { socket } of this.#connections) socket.end().resume() // reads to the end of what the client sends
    this.#cutLater(grace).unref() // they keep the program running
  }

  /**
   * Leaves the listener to another process, and passes on the connections that `stop` left, each when its output has left
   * this process.
   *
   * @param pass - takes over a connection
   * @param grace - when to cut connections whose clients do not read, in milliseconds
   * @returns resolves when no connection is left
   */
  async drain(pass: (held: HeldConnection) => void, grace: number): Promise<void> {
    this.#listener!.close()
    this.#pass = pass
    const timer = this.#cutLater(grace)
    await Promise.all(
      [...this.#connections].map(async connection => {
        await connection.flush()
        if (connection.isIdle) pass(this.#hold(connection))
        else await connection.closed
      }),
    )
    clearTimeout(timer)
  }

  #cutLater(grace: number): NodeJS.Timeout {
    return setTimeout(() => {
      for (const { socket } of this.#connections) socket.destroy()
    }, grace)
  }

  #add(connection: Connection): void {
    this.#connections.add(connection)
    connection.socket.on('close', () => this.#connections.delete(connection))
  }

  #hold(connection: Connection): HeldConnection {
    const held = connection.hold()
    this.#connections.delete(connection)
    return held
  }
}
