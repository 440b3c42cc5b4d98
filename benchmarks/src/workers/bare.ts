import type { Descriptor } from '@anyfork/fdpass'

/** Says one byte, then waits for the end of its socket. */
export function hello(socket: Descriptor): void {
  const stream = socket.toSocket()
  stream.write('x')
  stream.resume()
}

if (process.send) {
  process.send('x')
  process.on('message', () => {})
}
