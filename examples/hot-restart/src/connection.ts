import { once } from 'node:events'
import type { Socket } from 'node:net'
import { dup } from '@anyfork/fdpass'
import type { ConnectionState } from './control.js'
import type { HeldConnection } from './counting-server.js'

/** The longest command. A client that sends more without a line feed is cut off. */
const MOST_INPUT = 1024
/** The longest answer to `fill`. */
const MOST_FILL = 2 ** 25

/** A connection, with a sum. A client sends `add 5` or `fill 1000` on a line, and gets a line for each. */
export class Connection {
  readonly socket: Socket
  readonly #version: number
  #sum: number
  #input: string
  #isLeaving = false

  /**
   * @param socket - taken over
   * @param state - how far another process has served the connection
   */
  constructor(socket: Socket, version: number, { sum, input }: ConnectionState = { sum: 0, input: '' }) {
    this.socket = socket.setEncoding('latin1')
    this.#version = version
    this.#sum = sum
    this.#input = input
    socket.on('error', () => {}) // the client is gone
    socket.on('drain', () => this.#use(''))
    socket.on('data', (piece: string) => this.#use(piece))
    this.#use('')
  }

  /** Whether the connection can be held: all output is with the kernel, and neither side has ended the connection. */
  get isIdle(): boolean {
    const { destroyed, readableEnded, writableEnded, writableLength } = this.socket
    return !destroyed && !readableEnded && !writableEnded && writableLength === 0
  }

  get closed(): Promise<unknown> {
    return this.socket.closed ? Promise.resolve() : once(this.socket, 'close')
  }

  /** Uses no more input. Resolves when all output is with the kernel, or the connection has ended. */
  async flush(): Promise<void> {
    this.#isLeaving = true
    this.socket.pause()
    if (this.isIdle) return
    await new Promise<void>(resolve => this.socket.write('', () => resolve()))
  }

  /**
   * Stops serving an idle connection. All that is done in one turn of the event loop: no bytes can arrive between. To destroy
   * the socket closes a descriptor, and not the connection, because there is another descriptor of it.
   */
  hold(): HeldConnection {
    const { socket } = this
    const descriptor = dup(socket)
    const input = this.#input + ((socket.read() as string | null) ?? '')
    socket.removeAllListeners('data').destroy()
    return { descriptor, state: { sum: this.#sum, input } }
  }

  /** Answers as many commands as there is room for in the socket. The others wait: a client may send without reading. */
  #use(piece: string): void {
    const { socket } = this
    if (!socket.writable) return // the server has ended the connection
    this.#input += piece
    for (let end = 0; this.#mayAnswer && (end = this.#input.indexOf('\n')) >= 0; ) {
      const line = this.#input.slice(0, end)
      this.#input = this.#input.slice(end + 1)
      socket.write(this.#answer(line))
    }
    if (!this.#mayAnswer) socket.pause()
    else if (this.#input.length > MOST_INPUT) socket.destroy()
    else socket.resume()
  }

  get #mayAnswer(): boolean {
    return !this.#isLeaving && !this.socket.writableNeedDrain
  }

  #answer(line: string): string {
    const [, command, digits] = /^(add|fill) (\d{1,9})$/.exec(line) ?? []
    const number = Number(digits)
    if (command === 'add') return `sum ${(this.#sum += number)} version ${this.#version}\n`
    if (command === 'fill' && number <= MOST_FILL) return `${'.'.repeat(number)}\n`
    return 'error\n'
  }
}
