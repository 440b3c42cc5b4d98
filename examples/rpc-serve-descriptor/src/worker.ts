import { closeSync, openSync } from 'node:fs'
import type { Descriptor } from '@anyfork/fork-rpc'
import { fd, type PassedDescriptor } from '@anyfork/fork-rpc/child'

let greeted = 0

/**
 * Greets the client of a connection, and closes the connection.
 *
 * @param connection - arrives as a descriptor of this process, which owns it
 * @returns how many connections this process has served
 */
export async function greet(connection: Descriptor, name: string): Promise<number> {
  const socket = connection.toSocket()
  await new Promise<void>(resolve => socket.end(`hello ${name}, this is process ${process.pid}\n`, resolve))
  return ++greeted
}

/**
 * Opens a file for the caller, which need not have the permission itself.
 *
 * @throws Error if the file cannot be opened; the call rejects with it
 */
export function open(path: string): PassedDescriptor {
  const file = openSync(path, 'r')
  try {
    return fd(file) // duplicates the descriptor, and passes the duplicate
  } finally {
    closeSync(file)
  }
}
