import { isMainThread, parentPort } from 'node:worker_threads'
import type { Descriptor } from '@anyfork/fdpass'
import './tasks.js'

/** Says one byte, then waits for the end of its socket. */
export function hello(socket: Descriptor): void {
  const stream = socket.toSocket()
  stream.write('x')
  stream.resume()
}

/** The same in a process with a channel, and in a thread. */
if (process.send && isMainThread) {
  process.send('x')
  process.on('message', () => {})
} else if (parentPort) {
  parentPort.postMessage('x')
  parentPort.on('message', () => {})
}
