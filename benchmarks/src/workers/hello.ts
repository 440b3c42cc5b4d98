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

// Does the same over the channel of child_process.fork, or over the port of a worker thread.
if (process.send && isMainThread) {
  process.send('x')
  process.on('message', () => {})
} else if (parentPort) {
  parentPort.postMessage('x')
  parentPort.on('message', () => {})
}
