import { isMainThread, parentPort } from 'node:worker_threads'
import { type Descriptor, read, write } from '@anyfork/fdpass'
import './tasks.js'

/** Writes one byte to a socket, and then waits until the socket ends. The worker in Perl makes the same system calls. */
export function hello(socket: Descriptor): void {
  const byte = Buffer.from('x')
  write(socket, byte)
  read(socket, byte)
}

/** Does the same with a stream of Node. */
export function helloStream(socket: Descriptor): void {
  const stream = socket.toSocket()
  stream.write('x')
  stream.resume()
}

const memory: number[][] = []

/** Adds arrays of numbers to V8's heap, each of 1 MiB. They stay until the process ends. */
export function grow(mebibytes: number): void {
  for (let i = 0; i < mebibytes; i++) memory.push(new Array<number>(2 ** 17).fill(i + 0.5))
}

// Does the same over the channel of child_process.fork, or over the port of a worker thread.
if (process.send && isMainThread) {
  process.send('x')
  process.on('message', () => {})
} else if (parentPort) {
  parentPort.postMessage('x')
  parentPort.on('message', () => {})
}
