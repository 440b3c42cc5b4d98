import type { Socket } from 'node:net'

/** Answers a connection with the pid of this process, and closes it. */
export function answer(socket: Socket): void {
  socket.on('error', () => {}) // the client is gone
  socket.end(`${process.pid}\n`)
}
