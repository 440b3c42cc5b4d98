import { writeSync } from 'node:fs'
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { type Frame, frameHeader } from '../protocol/frame.js'
import { FrameReader } from '../protocol/frame-reader.js'
import { acceptedByRemote } from '../protocol/remote-frames.js'
import type { ConnectionDescriptors } from './standard-streams.js'

/** How long to wait before writing to a full connection again, in milliseconds. */
const FULL_MS = 2

/** How long the process may take to exit once the connection has ended, in milliseconds, before it is killed. */
const GRACE_MS = 1000

/**
 * The program of the thread that reads. Its end of the connection may end while a function blocks the main thread; then
 * nothing but this thread could end the process.
 */
const READER = `
const { workerData: { input, port, count } } = require('node:worker_threads')
const post = (message, list) => {
  port.postMessage(message, list)
  Atomics.add(count, 0, 1)
  Atomics.notify(count, 0)
}
const end = () => {
  post(null)
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), ${GRACE_MS})
}
new (require('node:net').Socket)({ fd: input, readable: true, writable: false })
  .on('data', bytes => {
    const copy = new Uint8Array(bytes)
    post(copy, [copy.buffer])
  })
  .once('end', end)
  .once('error', end)
`

/** Reads frames from the owner, and writes frames. */
export class Connection {
  readonly #output: number
  readonly #port: MessagePort
  readonly #count = new Int32Array(new SharedArrayBuffer(4))
  readonly #reader = new FrameReader<never>(acceptedByRemote)
  readonly #onFrame: (frame: Frame<never>) => void
  #holders = 0
  #hasEnded = false

  /** @param onFrame - gets each frame */
  constructor({ input, output }: ConnectionDescriptors, onFrame: (frame: Frame<never>) => void) {
    this.#output = output
    this.#onFrame = onFrame
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const workerData = { input, port: port2, count: this.#count }
    new Worker(READER, { eval: true, execArgv: [], env: {}, stdin: false, workerData, transferList: [port2] })
      .on('error', error => {
        throw error
      })
      .unref()
    port1.on('message', message => this.#onMessage(message))
    port1.unref()
  }

  /** Keeps the event loop alive until it was turned off as often as on. */
  hold(on: boolean): void {
    this.#holders += on ? 1 : -1
    if (this.#holders === 1 && on) this.#port.ref()
    else if (this.#holders === 0) this.#port.unref()
  }

  /** Writes a frame, and waits while the connection is full. Exits if it has ended. */
  send(type: number, id: number, payload: Uint8Array = new Uint8Array(0)): void {
    this.#write(Buffer.concat([frameHeader(type, id, payload.byteLength, 0), payload]))
  }

  /** Handles a message of the reader. Blocks until there is one. */
  receive(): void {
    for (;;) {
      const count = Atomics.load(this.#count, 0)
      const received = receiveMessageOnPort(this.#port)
      if (received) return this.#onMessage(received.message)
      Atomics.wait(this.#count, 0, count)
    }
  }

  #onMessage(bytes: Uint8Array | null): void {
    if (bytes === null) return this.#end()
    const reader = this.#reader
    let chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const { room } = reader
    if (room) {
      const count = chunk.copy(room)
      reader.fill(count, [])
      chunk = chunk.subarray(count)
    }
    if (chunk.length) reader.push(chunk, [])
    for (let frame = reader.next(); frame; frame = reader.next()) this.#onFrame(frame)
  }

  #write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length && !this.#hasEnded; ) {
      try {
        at += writeSync(this.#output, bytes, at)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return this.#end()
        Atomics.wait(this.#sleeper, 0, 0, FULL_MS)
      }
    }
  }

  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4))

  /** Exits: the owner is gone. */
  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    process.exit()
  }
}
