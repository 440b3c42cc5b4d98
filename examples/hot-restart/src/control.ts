import type { Socket } from 'node:net'
import { type Descriptor, shutdown, write } from '@anyfork/fdpass'

/** The version of the handshake. Increase it with every change that an older version would not understand. */
export const PROTOCOL = 1

/** What a connection needs to go on in another process, beside its descriptor. */
export interface ConnectionState {
  sum: number
  /** What the client has sent and the server has not yet used, as latin1. */
  input: string
}

/** The messages of the handshake, in their order. `refusal` may come in place of any message of the running version. */
export interface Messages {
  hello: { protocol: number; version: number }
  offer: { protocol: number; version: number }
  ready: Record<never, never>
  connections: { states: ConnectionState[] }
  taking: Record<never, never>
  refusal: { reason: string }
}

type Type = keyof Messages

const ENDED = 'the other version has ended'

/** Carries the messages of the handshake: one line of JSON each. */
export class Control {
  readonly #socket: Socket
  readonly #lines: AsyncGenerator<string, void>

  /** @param descriptor - one end of a stream; taken over */
  constructor(descriptor: Descriptor) {
    this.#socket = descriptor.toSocket().setEncoding('utf8')
    this.#socket.on('error', () => {}) // `receive` reports it
    this.#lines = linesOf(this.#socket)
  }

  send<T extends Type>(type: T, content: Messages[T]): void {
    this.#socket.write(lineOf(type, content))
  }

  /**
   * Sends a message at once: when this returns, the peer will receive the message, even if this process ends now.
   *
   * @throws Error if the peer no longer receives, or has ended
   */
  sendNow<T extends Type>(type: T, content: Messages[T]): void {
    if (this.#socket.destroyed) throw new Error(ENDED)
    write(this.#socket, Buffer.from(lineOf(type, content)))
  }

  /**
   * Waits for a message of one type.
   *
   * @throws rejects if another message comes, or the peer has ended
   */
  async receive<T extends Type>(type: T): Promise<Messages[T]> {
    const message = await this.receiveOrEnd(type)
    if (!message) throw new Error(ENDED)
    return message
  }

  /** Like `receive`, but resolves with `undefined` if the peer has ended. */
  async receiveOrEnd<T extends Type>(type: T): Promise<Messages[T] | undefined> {
    const { value: line, done } = await this.#lines.next()
    if (done) return undefined
    const message = JSON.parse(line) as Messages[T] & { type: Type; reason?: unknown }
    if (message.type === 'refusal') throw new Error(`refused: ${String(message.reason)}`)
    if (message.type !== type) throw new Error(`expected the message ${type}`)
    return message
  }

  /**
   * Receives what the peer has sent, but nothing more: from now on, its `sendNow` throws `EPIPE`. So both sides agree on
   * whether a message was sent in time.
   */
  stopReceiving(): void {
    if (!this.#socket.destroyed) shutdown(this.#socket, 'read')
  }

  /** Sends what is left, and ends. */
  close(): void {
    this.#socket.destroySoon()
  }

  /** Ends at once. */
  destroy(): void {
    this.#socket.destroy()
  }
}

function lineOf(type: Type, content: object): string {
  return `${JSON.stringify({ type, ...content })}\n`
}

async function* linesOf(socket: Socket): AsyncGenerator<string, void> {
  let rest = ''
  for await (const piece of socket) {
    const lines = (rest + (piece as string)).split('\n')
    rest = lines.pop()!
    yield* lines
  }
}
