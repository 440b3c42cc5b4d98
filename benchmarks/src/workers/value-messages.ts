import { ReadableStream } from 'node:stream/web'
import { parentPort } from 'node:worker_threads'
import { values } from './values.js'

type Request = [count: number, characters: number]

// Sends each value as a message, from a thread or from a process, or all of them as one transferred stream.
const port = parentPort
if (port) port.on('message', respond)
else process.on('message', respond)

function respond([count, characters]: Request): void {
  if (process.argv[2] === 'stream') {
    const stream = ReadableStream.from(values(count, characters))
    port!.postMessage(stream, [stream as never])
    return
  }
  for (const value of values(count, characters)) {
    if (port) port.postMessage(value)
    else process.send!(value)
  }
}
